"""Asks every question of trades, in order; which there are, the modules in `asked/` say."""

from collections.abc import Callable
from functools import partial

import polars as pl
from polars.exceptions import PolarsError

from gold_data.folder import HOLDOUT, TRAIN
from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from verification.answers import Answer
from verification.ask import Tell, ask_in_turn
from verification.errors import VerificationError
from verification.inputs import FinishedRun, note_left_out
from verification.questions import Questioned
from verification.report.plots import Drawing
from verification.trades.asked import Held, find_asked, name_deciding
from verification.trades.days import are_dealt
from verification.trades.forms import say_forms
from verification.trades.overview import describe_overview
from verification.trades.plots.overview import draw_scale
from verification.trades.summary import summarise
from verification.trades.table import ACCEPTED, OWN_BARS, TRADE_COLUMNS, drop_unknown, name_controlled, shape_trades
from verification.trades.waiving import find_waived
from verification.trades.yardstick import Yardstick
from verification.verdict import decide

__all__ = ["DECIDING", "PLOTS", "ask"]

DECIDING = name_deciding()
PLOTS = (
    Drawing("scale", "scale", "Every distance on one scale", draw_scale, of_run=True),
    *(drawing for asked in find_asked() for drawing in asked.drawings),
)


def ask(run: FinishedRun, tell: Tell, seed: int) -> Questioned:
    """Ask everything of a run of trades.

    Raises:
        VerificationError: its tables are none of trades, or it has no gold trade.
    """
    if run.train is None:
        raise VerificationError(f"{run.folder / 'gold' / TRAIN} has no trade: there is nothing to hold the run against")
    gold = run.folder / "gold"
    markets = run.markets
    zone = markets.name_zone(run.train["ticker"].unique()) if "ticker" in run.train.columns else EXCHANGE_ZONE
    synthetic = shape_trades(run.accepted, "row_id", run.folder / ACCEPTED, zone)
    train = shape_trades(run.train, "trade_id", gold / TRAIN, zone)
    holdout = train.clear() if run.holdout is None else shape_trades(run.holdout, "trade_id", gold / HOLDOUT, zone)
    usable = drop_unknown(synthetic)
    yardstick = make_yardstick(train, holdout, usable.height, seed, markets)
    waived = find_waived(run.controls, yardstick.gold, usable)
    controlled = name_controlled(run.controls, waived)
    held = Held(yardstick, synthetic, usable, run.declared, controlled, waived, run, are_dealt(run, usable))
    parts = {"gold": yardstick.train, "held_out": yardstick.holdout, "synthetic": usable}
    answers = ask_held(held, tell)
    overall = decide(answers, DECIDING, usable.height, yardstick.train.height, run.dataset.nouns)
    return Questioned(
        answers=answers,
        used=usable.height,
        train=yardstick.train.height,
        holdout=yardstick.holdout.height,
        plots=describe_overview(parts, yardstick.make_rng("overview")),
        about={"controlled": list(controlled), "forms": say_forms()},
        notes=list_notes(run, synthetic.height - usable.height),
        summary=summarise(answers, overall, is_rehearsal=run.profile.provider.name == "offline"),
    )


def make_yardstick(
    train: pl.DataFrame, holdout: pl.DataFrame, size: int, seed: int, markets: Markets = USUAL
) -> Yardstick:
    """Make the yardstick of a gold's two parts, for so many synthetic trades."""
    columns = ["trade_id", *TRADE_COLUMNS]
    return Yardstick(
        drop_unknown(train.select(columns)), drop_unknown(holdout.select(columns)), max(size, 1), seed, markets
    )


def ask_held(held: Held, tell: Tell = lambda _: None) -> list[Answer]:
    """Ask every question; those that need a run's own files are not asked of a mere table."""
    questions: list[tuple[str, Callable[[], Answer]]] = [
        (asked.name, partial(asked.ask, held)) for asked in find_asked() if held.run is not None or not asked.needs_run
    ]
    return ask_in_turn(questions, tell)


def list_notes(run: FinishedRun, dropped: int) -> list[str]:
    """Say what was missing or left out."""
    notes = [] if _can_read(run) else [note_left_out(run.folder / OWN_BARS, OWN_BARS)]
    if dropped:
        notes.append(f"{dropped} accepted trades have values that are missing or not finite: `validity` counts them")
    if run.bars is None:
        notes.append("the gold came without bars: nothing can be said of strategies")
    return notes


def _can_read(run: FinishedRun) -> bool:
    try:
        pl.scan_parquet(run.folder / OWN_BARS, glob=False).collect_schema()
    except (PolarsError, OSError):
        return False
    return True
