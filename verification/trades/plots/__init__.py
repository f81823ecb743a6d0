"""The plots of the questions asked of trades, in the order in which they are shown."""

from verification.report.asked import draw_controls, draw_rules
from verification.report.plots import Drawing
from verification.trades.plots.backtest import draw_luck, draw_ranks, draw_regret
from verification.trades.plots.exits import draw_time_curves, draw_volatility_curves
from verification.trades.plots.models import draw_learning, draw_reliability, draw_told_apart
from verification.trades.plots.overview import draw_distributions, draw_scale, draw_volatility_exits
from verification.trades.plots.trades import (
    draw_correlations,
    draw_distances,
    draw_pairs,
    draw_structure,
)

PLOTS = (
    Drawing("scale", "scale", "Every distance on one scale", draw_scale, of_run=True),
    Drawing("fidelity", "distributions", "Distributions", draw_distributions, of_run=True),
    Drawing("exits", "volatility-exits", "Volatility against exits", draw_volatility_exits, of_run=True),
    Drawing("validity", "rules", "Rules that every row obeys", draw_rules),
    Drawing("fidelity", "correlations", "Correlations of features", draw_correlations),
    Drawing("fidelity", "structure", "Structure", draw_structure),
    Drawing("exits", "curves-volatility", "Quantiles of the exits, given volatility", draw_volatility_curves),
    Drawing("exits", "curves-time-of-day", "Quantiles of the exits, given the time of day", draw_time_curves),
    Drawing("diversity", "controls", "Controls, delivered against declared", draw_controls),
    Drawing("memorisation", "distances", "Distance to the nearest gold trade", draw_distances),
    Drawing("memorisation", "pairs", "Nearest pairs", draw_pairs),
    Drawing("model", "reliability", "Reliability on held-out gold", draw_reliability),
    Drawing("model", "told-apart", "What a model learns from each", draw_told_apart),
    Drawing("model", "learning", "Learning curves of the two tuned models", draw_learning),
    Drawing("backtest", "ranks", "Strategy ranks", draw_ranks),
    Drawing("backtest", "regret", "Regret of the choice", draw_regret),
    Drawing("backtest", "luck", "Luck in the search", draw_luck),
)
