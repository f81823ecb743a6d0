"""What would settle a question that cannot be told: of which rows how many, in few words."""

import re
from collections.abc import Sequence

from verification.answers import Interval

FEW = 1.2  # times the rows: fewer are a few more
EITHER = "trades on either side"
NEAR = 0.1  # of half an interval: nearer to the line it takes more than a hundred times the rows


def count_settling(rows: int, interval: Interval, line: float, *, passing: bool = False) -> int | None:
    """Count the rows from which the interval would lie on one side of the line, were its middle to stay.

    In two digits, and more than there are; None where the middle lies too near that line for any number. What is
    `passing` has to lie on its side with its 90% interval only.
    """
    if not interval.is_known:
        return None
    low, high = (interval.likely_low, interval.likely_high) if passing else (interval.low, interval.high)
    half, gap = high - interval.value if interval.value < line else interval.value - low, abs(interval.value - line)
    if gap < NEAR * half:
        return None
    return max(round_off(rows * (half / gap) ** 2), rows + 1)


def round_off(count: float) -> int:
    """Round a count to two digits."""
    whole = int(count)
    return round(whole, 2 - len(str(whole)))


def say_settling(rows: int, interval: Interval, line: float, what: str, *, passing: bool = False) -> str:
    """Say how many rows would settle on which side of the line an interval lies."""
    count = count_settling(rows, interval, line, passing=passing)
    if count is not None and count < FEW * rows:
        return f"a few more {what}"
    return f"more than {round_off(rows / NEAR**2):,} {what}" if count is None else f"about {count:,} {what}"


def say_least(counts: Sequence[tuple[str, int, int]]) -> str:
    """Say of which rows how many are needed at least; `counts` are (what, found, least)."""
    return join_words([f"{least} {what}" for what, found, least in counts if found < least])


def say_lacks(counts: Sequence[tuple[str, int, int]]) -> str:
    """Say what there is too little of, found and needed; nothing where there is enough."""
    short = [(found, say_one(what) if found == 1 else what, least) for what, found, least in counts if found < least]
    return "; ".join(f"{found} {what}, at least {least} are needed" for found, what, least in short)


def say_one(what: str) -> str:
    """Say one of some rows: "gold session" of "gold sessions", "session of gold" of "sessions of gold"."""
    return re.sub(r"s\b", "", what, count=1)


def join_words(parts: Sequence[str]) -> str:
    """Join parts as a sentence lists them: a, b and c."""
    *most, last = parts or [""]
    return f"{', '.join(most)} and {last}" if most else last
