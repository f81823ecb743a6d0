"""Does a model trained on them know the real trades?"""

from verification.report.plots import Drawing
from verification.trades.asked import Asked
from verification.trades.exit_model.question import ask_model
from verification.trades.plots.models import draw_learning, draw_reliability, draw_told_apart

ASKED = Asked(
    70,
    "model",
    ("deciding",),
    lambda held: ask_model(held.yardstick, held.usable, held.controlled),
    (
        Drawing("model", "reliability", "Reliability on held-out gold", draw_reliability),
        Drawing("model", "told-apart", "What a model learns from each", draw_told_apart),
        Drawing("model", "learning", "Learning curves of the two tuned models", draw_learning),
    ),
)
