"""Every question that is asked of trades, in order."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from gold_data.folder import HOLDOUT, TRAIN
from verification.answers import Answer
from verification.ask import Tell, ask_in_turn
from verification.delivery import Declared
from verification.errors import VerificationError
from verification.inputs import FinishedRun, note_left_out
from verification.questions import Questioned
from verification.trades.diversity import ask_diversity
from verification.trades.exit_model.question import ask_model
from verification.trades.exit_strategies.backtest import ask_backtest
from verification.trades.exits import ask_conditional
from verification.trades.fidelity import ask_fidelity
from verification.trades.memorisation import ask_memorisation
from verification.trades.overview import describe_overview
from verification.trades.plots import PLOTS
from verification.trades.table import TRADE_COLUMNS, name_controlled, shape_trades
from verification.trades.validity import ask_validity
from verification.trades.yardstick import Yardstick
from verification.verdict import Deciding

__all__ = ["DECIDING", "PLOTS", "ask"]

DECIDING = Deciding(
    law=("validity", "fidelity"),
    deciding=("exits", "diversity", "model", "backtest"),
    needed=("validity", "fidelity", "exits", "diversity", "memorisation"),
    copies=("memorisation",),
    alone=("validity",),
)
ACCEPTED, OWN_BARS = "accepted.parquet", "bars.parquet"


def ask(run: FinishedRun, tell: Tell, seed: int) -> Questioned:
    """Ask everything of a run of trades.

    Raises:
        VerificationError: its tables are none of trades, or it has no gold trade.
    """
    if run.train is None:
        raise VerificationError(f"{run.folder / 'gold' / TRAIN} has no trade: there is nothing to hold the run against")
    gold = run.folder / "gold"
    synthetic = shape_trades(run.accepted, "row_id", run.folder / ACCEPTED)
    train = shape_trades(run.train, "trade_id", gold / TRAIN)
    holdout = train.clear() if run.holdout is None else shape_trades(run.holdout, "trade_id", gold / HOLDOUT)
    controlled, usable = name_controlled(run.controls), drop_unknown(synthetic)
    yardstick = make_yardstick(train, holdout, usable.height, seed)
    answers = ask_about_trades(yardstick, synthetic, usable, declared=run.declared, controlled=controlled, tell=tell)
    answers += ask_in_turn([("backtest", lambda: _ask_backtest(run, yardstick, usable, controlled))], tell)
    parts = {"gold": yardstick.train, "held_out": yardstick.holdout, "synthetic": usable}
    return Questioned(
        answers=answers,
        used=usable.height,
        train=yardstick.train.height,
        holdout=yardstick.holdout.height,
        plots=describe_overview(parts, yardstick.make_rng("overview")),
        about={"controlled": list(controlled)},
        notes=list_notes(run, synthetic.height - usable.height),
    )


def make_yardstick(train: pl.DataFrame, holdout: pl.DataFrame, size: int, seed: int) -> Yardstick:
    """Make the yardstick of a gold's two parts, for so many synthetic trades."""
    columns = ["trade_id", *TRADE_COLUMNS]
    return Yardstick(drop_unknown(train.select(columns)), drop_unknown(holdout.select(columns)), max(size, 1), seed)


def drop_unknown(trades: pl.DataFrame) -> pl.DataFrame:
    """Drop trades of which something is null or not finite: `validity` counts them, no other question can use them."""
    numbers = [name for name in TRADE_COLUMNS if trades.schema[name].is_float()]
    known = [pl.col(TRADE_COLUMNS).is_not_null(), pl.col(numbers).is_finite()]
    return trades.filter(pl.all_horizontal(known))


def ask_about_trades(
    yardstick: Yardstick,
    synthetic: pl.DataFrame,
    usable: pl.DataFrame,
    *,
    declared: Sequence[Declared] = (),
    controlled: Sequence[str] = (),
    tell: Tell = lambda _: None,
) -> list[Answer]:
    """Ask what trade tables alone can answer; `usable` is what `drop_unknown` leaves of `synthetic`."""
    questions: list[tuple[str, Callable[[], Answer]]] = [
        ("validity", lambda: ask_validity(yardstick, synthetic)),
        ("fidelity", lambda: ask_fidelity(yardstick, usable, controlled)),
        ("exits", lambda: ask_conditional(yardstick, usable)),
        ("diversity", lambda: ask_diversity(yardstick, usable, declared, controlled)),
        ("memorisation", lambda: ask_memorisation(yardstick, usable)),
        ("model", lambda: ask_model(yardstick, usable, controlled)),
    ]
    return ask_in_turn(questions, tell)


def _ask_backtest(run: FinishedRun, yardstick: Yardstick, usable: pl.DataFrame, controlled: Sequence[str]) -> Answer:
    gold = (yardstick.train, run.bars, yardstick.holdout, run.holdout_bars)
    return ask_backtest(usable, run.folder / OWN_BARS, *gold, yardstick.make_rng("backtest"), controlled)


def list_notes(run: FinishedRun, dropped: int) -> list[str]:
    """Say what was missing or left out."""
    notes = [] if _can_read(run.folder / OWN_BARS) else [note_left_out(run.folder / OWN_BARS, OWN_BARS)]
    if dropped:
        notes.append(f"{dropped} accepted trades have values that are missing or not finite: `validity` counts them")
    if run.bars is None:
        notes.append("the gold came without bars: nothing can be said of strategies")
    return notes


def _can_read(path: Path) -> bool:
    try:
        pl.read_parquet_schema(path)
    except (PolarsError, OSError):
        return False
    return True
