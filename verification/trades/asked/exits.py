"""Do exits follow volatility and the time of day?"""

from verification.report.plots import Drawing
from verification.trades.asked import Asked
from verification.trades.exits import ask_conditional
from verification.trades.plots.exits import draw_time_curves, draw_volatility_curves
from verification.trades.plots.overview import draw_volatility_exits

ASKED = Asked(
    40,
    "exits",
    ("deciding", "needed"),
    lambda held: ask_conditional(held.yardstick, held.usable),
    (
        Drawing("exits", "volatility-exits", "Volatility against exits", draw_volatility_exits, of_run=True),
        Drawing("exits", "curves-volatility", "Quantiles of the exits, given volatility", draw_volatility_curves),
        Drawing("exits", "curves-time-of-day", "Quantiles of the exits, given the time of day", draw_time_curves),
    ),
)
