"""Are they new, or copies?"""

from verification.report.plots import Drawing
from verification.trades.asked import Asked
from verification.trades.memorisation import ask_memorisation
from verification.trades.plots.trades import draw_distances, draw_pairs

ASKED = Asked(
    60,
    "memorisation",
    ("leaks", "copies", "needed"),
    lambda held: ask_memorisation(held.yardstick, held.usable),
    (
        Drawing("memorisation", "distances", "Distance to the nearest gold trade", draw_distances),
        Drawing("memorisation", "pairs", "Nearest pairs", draw_pairs),
    ),
)
