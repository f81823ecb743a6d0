"""Times of market data as spreadsheets write them: 01/31/2025 9:31 PM, the year last, half a day at a time.

Which of the two numbers before the year is the month, the file tells: a number above 12 is a day, dots are of countries
that write the day first, AM and PM of those that write the month first.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import polars as pl

from gold_data.errors import GoldError

DateOrder = Literal["month_first", "day_first"]

DATE = r"^\s*(\d{1,2})([/.-])(\d{1,2})(/(?:\d{4}|\d{2})|[.-]\d{4})(\D.*)?$"  # 25-01-31 may be any of three
HALF_DAY = r"^(.*[^\d:])?(1[0-2]|0?[1-9])(:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*([AaPp])\.?[Mm]\.?\s*$"
LAST_MONTH = 12
NOON = 12


def has_late_years(texts: pl.Series) -> bool:
    """Tell whether the year comes last in any of these times."""
    return bool(texts.str.contains(DATE).any())


def find_date_order(source: Path, parts: Iterable[pl.Series], told: DateOrder | None = None) -> DateOrder | None:
    """Find out in which order a file writes day and month; None where no year comes last.

    Args:
        source: The file, for messages.
        parts: Its times, as text.
        told: What holds where no date tells.

    Raises:
        GoldError: no date tells, or one tells this and another one that.
    """
    proofs: dict[DateOrder, str] = {}
    halves, either = False, None
    for texts in parts:
        groups = texts.str.extract_groups(DATE).struct
        first, second = (groups.field(name).cast(pl.Int64, strict=False) for name in ("1", "3"))
        dotted, is_dated = groups.field("2") == ".", first.is_not_null()
        found = {
            "day_first": (first > LAST_MONTH) | (dotted & is_dated),
            "month_first": ~dotted & (second > LAST_MONTH),
        }
        for order, shown in found.items():
            if proof := texts.filter(shown.fill_null(False)).head(1).to_list():
                proofs.setdefault(order, proof[0])  # type: ignore[arg-type]
        either = either or next(iter(texts.filter(is_dated).head(1)), None)
        halves = halves or bool((is_dated & texts.str.contains(HALF_DAY)).any())
    if len(proofs) > 1:
        raise GoldError(
            f"{source}: {proofs['month_first']!r} has the month first and {proofs['day_first']!r} the day, so the "
            "other dates are ambiguous; write all dates in one order, best as 2025-01-31"
        )
    if proofs or either is None:
        return next(iter(proofs), None)
    if told or halves:
        return told or "month_first"
    raise GoldError(
        f"{source}: it has {either!r}, and no date in the file tells whether day or month comes first; bring more "
        "days, write dates as 2025-01-31, or where you import name the order (`--date-order month_first`)"
    )


def spell_times(text: pl.Expr, order: DateOrder | None) -> pl.Expr:
    """Give times with the year first, and with the hours of a whole day; others as they are."""
    if order is not None:
        parts = text.str.extract_groups(DATE).struct
        pair = [parts.field(name).str.zfill(2) for name in ("1", "3")]
        month, day = pair if order == "month_first" else pair[::-1]
        year = parts.field("4").str.slice(1)
        whole = pl.when(year.str.len_chars() == 2).then(pl.lit("20") + year).otherwise(year)
        text = pl.coalesce(pl.concat_str(whole, month, day, separator="-") + parts.field("5").fill_null(""), text)
    clock = text.str.extract_groups(HALF_DAY).struct
    hour = clock.field("2").cast(pl.Int64) % NOON + pl.when(clock.field("4").is_in(["P", "p"])).then(NOON).otherwise(0)
    return pl.coalesce(clock.field("1").fill_null("") + hour.cast(pl.String).str.zfill(2) + clock.field("3"), text)
