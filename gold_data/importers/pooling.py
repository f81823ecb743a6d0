"""Pools what several files of one account say: fills that are told twice, taken back, or corrected."""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from gold_data.importers.base import RejectedRow
from gold_data.importers.events import Event, Execution, Unreadable
from gold_data.importers.reading import FileReading

# Interactive Brokers' execution id: a correction has the id of what it corrects, but for a higher number at its end.
_EXECUTION_ID = re.compile(r"([0-9a-f]{8}\.[0-9a-f]{8}\.[0-9]{2})\.([0-9]{2})", re.IGNORECASE)


def pool_events(readings: Sequence[FileReading]) -> list[Event]:
    """Give the fills of all files, each once; what is left out is added to the account of its file.

    Fills without a number of their own that an earlier file has too are the same, as often as that file has them. A
    fill is left out that a later one takes back (rule `canceled`, as is the row that says so) or corrects
    (`corrected`); a cancellation of what nobody finds makes the position uncertain.
    """
    events = _drop_repeated([reading for reading in readings if reading.form.pairs])
    rejected: list[RejectedRow] = []
    events = _resolve_cancels(_drop_corrected(events, rejected), rejected)
    by_file = {reading.file: reading for reading in readings}
    for row in rejected:
        by_file[row.file].rejected.append(row)
    return events


def _drop_repeated(readings: Sequence[FileReading]) -> list[Event]:
    known: Counter[Hashable] = Counter()
    kept: list[Event] = []
    for reading in readings:
        mine: Counter[Hashable] = Counter()
        for event in reading.events:
            key = _identify(reading, event)
            mine[key] += 1
            if mine[key] > known[key]:
                kept.append(event)
                continue
            reading.duplicates.append(event.line)
            fault = next((row for row in reading.rejected if row.line == event.line), None)
            if isinstance(event, Unreadable) and fault:
                reading.rejected.remove(fault)
        known |= mine
        reading.duplicates.sort()
    return kept


def _identify(reading: FileReading, event: Event) -> Hashable:
    if isinstance(event, Unreadable):
        return (reading.form.name, *reading.raw[id(event)])
    if event.identity:
        return reading.form.name, event.identity, event.file, event.line  # told by its number, and so known by now
    return event.account, event.ticker, event.time, event.quantity, event.price, event.effect, event.kind


def _drop_corrected(events: Sequence[Event], rejected: list[RejectedRow]) -> list[Event]:
    latest: dict[tuple[str, str], tuple[str, Execution]] = {}
    for event in events:
        if isinstance(event, Execution) and (found := _EXECUTION_ID.fullmatch(event.identity)):
            key = event.account, found[1].casefold()
            latest[key] = max(latest.get(key, ("", event)), (found[2], event), key=lambda pair: pair[0])
    kept: list[Event] = []
    for event in events:
        found = _EXECUTION_ID.fullmatch(event.identity) if isinstance(event, Execution) else None
        last = latest[event.account or "", found[1].casefold()][1] if found else event
        if last is event:
            kept.append(event)
        else:
            rejected.append(RejectedRow(event.line, "corrected", f"by line {last.line}", event.file))
    return kept


def _resolve_cancels(events: Sequence[Event], rejected: list[RejectedRow]) -> list[Event]:
    """Take out cancellations with what they cancel; corrections need one, and count as fills then."""
    fills = [event for event in events if isinstance(event, Execution)]
    cancels = sorted((fill for fill in fills if fill.kind == "cancel"), key=lambda fill: fill.time)
    gone: dict[int, str] = {}
    taken_back: Counter[tuple[str, str]] = Counter()
    candidates: dict[Hashable, list[Execution]] = defaultdict(list)
    for fill in fills:
        candidates[_name_fill(fill)].append(fill)
    for cancel in cancels:
        if id(cancel) in gone:
            continue
        others = [one for one in candidates[_name_fill(cancel)] if one is not cancel and id(one) not in gone]
        earlier = [one for one in others if one.time <= cancel.time]
        if earlier:  # what was booked anew has the moment of the cancellation, and is not what it takes back
            original = max(earlier, key=lambda fill: (fill.kind == "", fill.time < cancel.time, fill.time))
            gone[id(cancel)], gone[id(original)] = f"line {original.line}", f"by line {cancel.line}"
            taken_back[cancel.account, cancel.ticker] += 1
    kept: list[Event] = []
    for event in events:
        if id(event) in gone:
            rejected.append(RejectedRow(event.line, "canceled", gone[id(event)], event.file))
        elif isinstance(event, Execution) and event.kind and not _settles(event, taken_back):
            rule, value = _say_doubt(event)
            rejected.append(RejectedRow(event.line, rule, value, event.file))
            kept.append(Unreadable(event.line, event.ticker, None, event.time, event.account, event.file))
        else:
            kept.append(event)
    return kept


def _settles(event: Execution, taken_back: Counter[tuple[str, str]]) -> bool:
    if event.kind != "correction" or not taken_back[event.account, event.ticker]:
        return False
    taken_back[event.account, event.ticker] -= 1
    return True


def _name_fill(fill: Execution) -> Hashable:
    return fill.account, fill.ticker, abs(fill.quantity), fill.price


def _say_doubt(event: Execution) -> tuple[str, str]:
    rule = "canceled" if event.kind == "cancel" else "corrected"
    return rule, f"{event.quantity:f} {event.ticker}, and no row that it refers to"
