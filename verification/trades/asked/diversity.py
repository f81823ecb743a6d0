"""Are they as varied as asked, and as the gold?"""

from verification.report.asked import draw_controls
from verification.report.plots import Drawing
from verification.trades.asked import Asked
from verification.trades.diversity import ask_diversity

ASKED = Asked(
    50,
    "diversity",
    ("deciding", "needed"),
    lambda held: ask_diversity(held.yardstick, held.usable, held.declared, held.controlled),
    (Drawing("diversity", "controls", "Controls, delivered against declared", draw_controls),),
)
