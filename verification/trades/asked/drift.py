"""Are the held-out sessions like those before them?"""

from verification.trades.asked import Asked
from verification.trades.drift import ask_drift

ASKED = Asked(90, "drift", (), lambda held: held.yardstick.once("drift", lambda: ask_drift(held.yardstick)))
