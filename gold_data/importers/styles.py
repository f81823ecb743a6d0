"""Finds out how a log writes numbers and times: from its cells, from other logs of its format, from what was told."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from gold_data.importers.formats import find_texts
from gold_data.importers.moments import find_date_order, has_offset, load_zone, tell_date_order
from gold_data.importers.numerals import find_apostrophe, find_mark
from gold_data.importers.opening import Opened
from gold_data.importers.rows import Style
from gold_data.late_years import DateOrder
from gold_data.markets import Markets


class Log(NamedTuple):
    """A log that was opened, and its file."""

    path: Path
    opened: Opened

    def list_moments(self) -> list[tuple[int, str]]:
        """List line and text of every moment."""
        return list(find_texts(self.opened.rows, self.opened.form.moments))


def find_order(log: Log, logs: Sequence[Log]) -> DateOrder:
    """Find a log's order of day and month: its own, or where it proves none that of the others of its format.

    Raises:
        GoldError: the log mixes both orders, or nothing tells.
    """
    form = log.opened.form
    others = [one.list_moments() for one in logs if one is not log and one.opened.form.name == form.name]
    told = set[DateOrder]().union(*map(tell_date_order, others))
    return find_date_order(str(log.path), log.list_moments(), form.order, told.pop() if len(told) == 1 else None)


def find_style(
    log: Log, order: DateOrder, zone: str | None, day: date | None, markets: Markets
) -> tuple[Style, list[str], str]:
    """Find out how a log writes numbers and times, what is to be noted of that, and in which zone its times are.

    Args:
        log: The log.
        order: Its order of day and month.
        zone: The zone of times without an offset, where it was told; else the format's own, or the market's.
        day: The day of times that have none.
        markets: Where its tickers are traded.

    Raises:
        GoldError: numbers are ambiguous, or the zone is unknown.
    """
    path, (form, rows, splits_at_comma, notes_of_text) = log
    numbers = list(find_texts(rows, [(name,) for name in form.numbers]))
    moments = log.list_moments()
    own_zone = markets.default.zone_name if form.follows_market else form.zone
    style = Style(
        mark=form.mark or find_mark(str(path), numbers, splits_at_comma=splits_at_comma),
        order=order,
        zone=load_zone(zone or own_zone),
        apostrophe=find_apostrophe(text for _, text in numbers),
        day=day,
        markets=markets,
    )
    is_zoned = all(has_offset(text) for _, text in moments if text)
    notes = [f"{path.name}: {form.name}, {form.describes}"]
    if not is_zoned:
        notes[0] += f"; times without an offset were read as {zone or own_zone}"
        if form.zone_note and zone is None:
            notes.append(f"{path.name}: {form.zone_note}")
    if form.order == "month_first" and order != form.order:
        notes.append(f"{path.name}: dates have the day first, which is not usual in this format")
    doubtful = [(line, text) for line, text in numbers if "'" in text.replace("\u2019", "'")]
    if doubtful and not style.apostrophe:
        notes.append(
            f"{path.name}: nothing tells whether an apostrophe, as in {doubtful[0][1]} (line {doubtful[0][0]}), stands "
            "between thousands or before 32nds of a point; such rows are rejected. Write prices with a decimal point"
        )
    return style, [*notes, *notes_of_text], "" if is_zoned else zone or own_zone
