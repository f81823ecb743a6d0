"""Do strategies rank as they do on real trades?"""

from verification.answers import Answer
from verification.report.plots import Drawing
from verification.trades.asked import Asked, Held
from verification.trades.exit_strategies.backtest import ask_backtest
from verification.trades.plots.backtest import draw_luck, draw_ranks, draw_regret
from verification.trades.table import OWN_BARS


def ask(held: Held) -> Answer:
    """Ask it of a run, whose own bars are replayed."""
    run, yardstick = held.run, held.yardstick
    if run is None:
        raise ValueError("only a run has bars of its own")
    gold = (yardstick.train, run.bars, yardstick.holdout, run.holdout_bars)
    rng = yardstick.make_rng("backtest")
    return ask_backtest(held.usable, run.folder / OWN_BARS, *gold, rng, held.controlled, yardstick.markets)


ASKED = Asked(
    80,
    "backtest",
    ("deciding",),
    ask,
    (
        Drawing("backtest", "ranks", "Strategy ranks", draw_ranks),
        Drawing("backtest", "regret", "Regret of the choice", draw_regret),
        Drawing("backtest", "luck", "Luck in the search", draw_luck),
    ),
    needs_run=True,
)
