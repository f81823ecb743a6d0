"""Do they follow the gold's law?"""

from verification.report.plots import Drawing
from verification.trades.asked import Asked
from verification.trades.fidelity import ask_fidelity
from verification.trades.plots.overview import draw_distributions
from verification.trades.plots.trades import draw_correlations, draw_structure

ASKED = Asked(
    30,
    "fidelity",
    ("law", "needed"),
    lambda held: ask_fidelity(held.yardstick, held.usable, held.controlled, held.waived),
    (
        Drawing("fidelity", "distributions", "Distributions", draw_distributions, of_run=True),
        Drawing("fidelity", "correlations", "Correlations of features", draw_correlations),
        Drawing("fidelity", "structure", "Structure", draw_structure),
    ),
)
