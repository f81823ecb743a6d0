"""Do days hang together?"""

from verification.trades.asked import Asked
from verification.trades.days import ask_days

ASKED = Asked(25, "days", ("deciding",), lambda held: ask_days(held.yardstick, held.usable, is_dealt=held.is_dealt))
