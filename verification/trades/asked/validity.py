"""Could each of these trades have happened?"""

from verification.report.asked import draw_rules
from verification.report.plots import Drawing
from verification.trades.asked import Asked
from verification.trades.table import OWN_BARS
from verification.trades.validity import ask_validity

ASKED = Asked(
    10,
    "validity",
    ("law", "needed", "alone"),
    lambda held: ask_validity(held.yardstick, held.synthetic, held.run.folder / OWN_BARS if held.run else None),
    (Drawing("validity", "rules", "Rules that every row obeys", draw_rules),),
)
