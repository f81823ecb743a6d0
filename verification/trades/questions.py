"""Every question that is asked of trades, in order."""

from collections.abc import Callable, Sequence

import polars as pl

from indicators.attach import attach_indicators
from verification.answers import Answer
from verification.ask import Tell, ask_in_turn
from verification.inputs import FinishedRun
from verification.judge.calibration import read_answer
from verification.trades.diversity import Declared, ask_diversity
from verification.trades.exit_model.search import ask_search
from verification.trades.exit_model.utility import ask_utility
from verification.trades.exit_strategies.backtest import ask_backtest
from verification.trades.exits import ask_conditional
from verification.trades.fidelity import ask_fidelity
from verification.trades.indicators import ask_indicators
from verification.trades.memorisation import ask_memorisation
from verification.trades.paths import ask_paths
from verification.trades.table import TRADE_COLUMNS
from verification.trades.validity import ask_validity
from verification.trades.yardstick import Yardstick


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
        ("utility", lambda: ask_utility(yardstick, usable, controlled)),
        ("search", lambda: ask_search(yardstick, usable, controlled)),
    ]
    return ask_in_turn(questions, tell)


def ask_about_bars(run: FinishedRun, yardstick: Yardstick, usable: pl.DataFrame, tell: Tell) -> list[Answer]:
    """Ask what takes bars as well, and what the judge's calibration says where the run has one."""
    names, parts = (
        tuple(run.profile.options["indicators"]),
        [part for part in (run.bars, run.holdout_bars) if part is not None],
    )
    bars = pl.concat(parts) if parts else None
    gold = (yardstick.train, run.bars, yardstick.holdout, run.holdout_bars)
    rng = yardstick.make_rng
    questions: list[tuple[str, Callable[[], Answer]]] = [
        ("backtest", lambda: ask_backtest(usable, run.bars_file, *gold, rng("backtest"), run.controlled)),
        ("paths", lambda: ask_paths(yardstick.gold, bars, usable, run.bars_file, rng("paths"))),
    ]
    if bars is not None:
        questions.append(
            (
                "indicators",
                lambda: ask_indicators(attach_indicators(yardstick.gold, bars, names), usable, names, run.controlled),
            )
        )
    if run.calibration is not None:
        calibration = run.calibration
        questions.append(("judge", lambda: read_answer(calibration)))
    return ask_in_turn(questions, tell)
