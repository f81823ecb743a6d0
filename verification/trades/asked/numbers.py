"""Do a trader's numbers come out as the gold's?"""

from verification.trades.asked import Asked
from verification.trades.numbers.question import ask_numbers

ASKED = Asked(20, "numbers", ("deciding", "needed"), lambda held: ask_numbers(held.yardstick, held.usable, held.waived))
