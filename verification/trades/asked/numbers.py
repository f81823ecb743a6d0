"""Do a trader's numbers come out as the gold's?"""

from verification.report.plots import Drawing
from verification.trades.asked import Asked
from verification.trades.numbers.question import ask_numbers
from verification.trades.plots.numbers import draw_cumulative, draw_drawdown, draw_results

ASKED = Asked(
    20,
    "numbers",
    ("deciding", "needed"),
    lambda held: ask_numbers(held.yardstick, held.usable, held.waived),
    (
        Drawing("numbers", "results", "Results", draw_results),
        Drawing("numbers", "cumulative", "Cumulative result", draw_cumulative),
        Drawing("numbers", "drawdown", "Worst drawdown", draw_drawdown),
    ),
)
