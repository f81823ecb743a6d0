"""Numbers as platforms write them: `($2.00)`, `+1,200`, `1.234,56 €`, `.50`; one style for a whole file.

An apostrophe is either between thousands (`25'024.75`) or, in prices of American bonds, between points and 32nds of one
(`110'16` is 110.5, `108'165` is 108 and 16.5 32nds; a third digit 2, 5 or 7 is a quarter, a half, three quarters of a
32nd: CME Group's rule book on Treasury futures). Which one is told by the file's own numbers, or by nobody.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from gold_data.errors import GoldError

DecimalMark = Literal[".", ","]
Apostrophe = Literal["", "thousands", "bonds"]

MAX_DIGITS = 12  # on either side of the mark: sums of such numbers are exact in Decimal's 28 digits

_IGNORED = str.maketrans("", "", "$€£¥% \u00a0\u2007\u2009\u202f")
_ALIKE = str.maketrans("\u2019\u2212\u2013", "'--")  # apostrophes, and signs that stand for a minus
_DOLLARS = re.compile(r"^(?:US(?:D|(?=[-+.0-9(])))|USD?$")  # of other currencies the letters stay, and refuse the cell
_SHAPE = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*")
_POWER = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,40})?[eE][+-][0-9]{1,2}")  # as Python writes 0.00001
_BOND = re.compile(r"([0-9]{1,6})'([0-2][0-9]|3[01])(?:([0257])|\.([0-9]{1,4}))?")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:'[0-9]{3})+(?:[.,][0-9]*)?")
_QUARTERS = {"0": Decimal(0), "2": Decimal("0.25"), "5": Decimal("0.5"), "7": Decimal("0.75")}


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
        seen.setdefault(_weigh_mark(_strip(text).replace("'", "")), (line, text))
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


def find_apostrophe(numbers: Iterable[str]) -> Apostrophe:
    """Find out what an apostrophe stands between; empty where no number tells, or numbers contradict each other.

    Thousands are proven by a decimal mark or a second apostrophe after the first, or by three digits that are no 32nds;
    bonds by two digits, or by digits that are no group of three.
    """
    found: set[Apostrophe] = set()
    for text in numbers:
        bare = _strip(text).strip("()+-")
        if "'" in bare and (meaning := _weigh_apostrophe(bare)):
            found.add(meaning)
    return found.pop() if len(found) == 1 else ""


def _weigh_apostrophe(bare: str) -> Apostrophe:
    thousands, bonds = _THOUSANDS.fullmatch(bare), _BOND.fullmatch(bare)
    if bool(thousands) == bool(bonds):
        return ""
    return "thousands" if thousands else "bonds"


def read_number(text: str, mark: DecimalMark, apostrophe: Apostrophe = "") -> Decimal | None:
    """Read one number; parentheses are a minus, currency and percent signs and spaces are passed over.

    Digits beyond the 12th decimal are rounded away: they are what binary fractions leave (255.10000000000002).

    Returns:
        The number, or None where the text is none, has more than 12 digits before its decimal mark, or an apostrophe
        that nobody can tell the meaning of.
    """
    bare = _strip(text)
    if bare.startswith("(") and bare.endswith(")") and bare[1:2] not in ("+", "-"):
        bare = "-" + bare[1:-1]
    if "'" in bare:
        meaning = _weigh_apostrophe(bare.lstrip("+-")) or apostrophe
        if meaning == "bonds":
            return _read_bond(bare)
        bare = bare.replace("'", "") if meaning and _THOUSANDS.fullmatch(bare.lstrip("+-")) else ""
    if mark == "." and _POWER.fullmatch(bare):
        return _round(Decimal(bare))
    if _SHAPE.fullmatch(bare) is None:
        return None
    whole, _, fraction = bare.partition(mark)
    sign, digits = ("-" if whole.startswith("-") else ""), whole.lstrip("+-")
    groups = digits.split("," if mark == "." else ".")
    if len(groups) > 1 and not (0 < len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return None
    digits = "".join(groups)
    return (
        None
        if not (digits + fraction).isdigit() or len(digits) > MAX_DIGITS
        else _round(Decimal(f"{sign}{digits or '0'}.{fraction}"))
    )


def _read_bond(bare: str) -> Decimal | None:
    found = _BOND.fullmatch(bare.lstrip("+-"))
    if found is None:
        return None
    points, parts, quarter, decimals = found.groups()
    parts = Decimal(f"{parts}.{decimals or ''}") + _QUARTERS[quarter or "0"]
    return (Decimal(points) + parts / 32) * (-1 if bare.startswith("-") else 1)


def _round(number: Decimal) -> Decimal | None:
    if number.adjusted() >= MAX_DIGITS:
        return None
    is_short = -int(number.as_tuple().exponent) <= MAX_DIGITS
    return number if is_short else Decimal(f"{number:.{MAX_DIGITS}f}")


def _strip(text: str) -> str:
    return _DOLLARS.sub("", text.translate(_IGNORED).translate(_ALIKE))


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
