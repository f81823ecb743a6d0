"""Numbers as platforms write them: `($2.00)`, `+1,200`, `1.234,56 €`, `.50`; one style for a whole file."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from gold_data.errors import GoldError

DecimalMark = Literal[".", ","]

MAX_DIGITS = 12  # on either side of the mark: sums of such numbers are exact in Decimal's 28 digits

_IGNORED = str.maketrans("", "", "$€£¥% \u00a0\u202f'\u2019")
_SHAPE = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*")


def find_mark(where: str, numbers: Iterable[tuple[int, str]], *, splits_at_comma: bool) -> DecimalMark:
    """Find out whether a file writes 1.5 or 1,5.

    Args:
        where: The file, for messages.
        numbers: Line and text of every cell that should hold a number; texts that are none are passed over.
        splits_at_comma: Whether commas separate the file's columns. Then `1,234` can only be a thousand or so.

    Raises:
        GoldError: cells contradict each other, or every reading is possible.
    """
    seen: dict[str, tuple[int, str]] = {}
    for line, text in numbers:
        seen.setdefault(_weigh_mark(_strip(text)), (line, text))
    if "." in seen and "," in seen:
        (line, text), (other_line, other) = seen["."], seen[","]
        raise GoldError(
            f"{where}: line {line} has {text!r} with a decimal point and line {other_line} has {other!r} with a "
            "decimal comma; write all numbers in one way"
        )
    if "," in seen:
        return ","
    if "." not in seen and "?," in seen and not splits_at_comma:
        line, text = seen["?,"]
        raise GoldError(
            f"{where}: line {line} has {text!r}, which is either a thousand or a fraction, and no other number in the "
            "file tells; write numbers with a decimal point and without thousands separators"
        )
    return "."


def read_number(text: str, mark: DecimalMark) -> Decimal | None:
    """Read one number; parentheses are a minus, currency and percent signs and spaces are passed over.

    Returns:
        The number, or None where the text is none, or has more than 12 digits on a side of its decimal mark.
    """
    bare = _strip(text)
    if bare.startswith("(") and bare.endswith(")") and bare[1:2] not in ("+", "-"):
        bare = "-" + bare[1:-1]
    if _SHAPE.fullmatch(bare) is None:
        return None
    whole, _, fraction = bare.partition(mark)
    sign, digits = ("-" if whole.startswith("-") else ""), whole.lstrip("+-")
    groups = digits.split("," if mark == "." else ".")
    if len(groups) > 1 and not (0 < len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return None
    digits = "".join(groups)
    if not (digits + fraction).isdigit() or len(digits) > MAX_DIGITS or len(fraction) > MAX_DIGITS:
        return None
    return Decimal(f"{sign}{digits or '0'}.{fraction}")


def _strip(text: str) -> str:
    return text.translate(_IGNORED)


def _weigh_mark(bare: str) -> str:
    """Tell the decimal mark a number proves: "." or ",", "?." or "?," where it may be one, "" where nothing is said."""
    bare = bare.strip("()+-")
    marks = [char for char in bare if char in ".,"]
    if not marks or _SHAPE.fullmatch(bare) is None:
        return ""
    last = marks[-1]
    if len(set(marks)) == 2:
        return last if marks.count(last) == 1 else ""
    if len(marks) > 1:
        return "." if last == "," else ","
    whole, _, fraction = bare.partition(last)
    may_group = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return f"?{last}" if may_group else last
