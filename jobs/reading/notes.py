"""What a dataset notes on the fields of its row for a reader, beside what their JSON Schema says.

Four keywords of a field, none of which a model sees: `synonyms` are other words for its values, `known: gold` says that
its values are those of the gold, `session` names the plan's column with the day that its times lie on, and `zone` the
time zone whose clock they are told by.
"""

import datetime
import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from jobs.reading.answer import Context

Schema = Mapping[str, Any]
KnownValues = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class FieldNotes:
    """The notes of a row's fields; `known` has the gold's values of those that are known."""

    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    known: KnownValues = field(default_factory=dict)
    session: str | None = None
    zone: str | None = None

    def describe_row(self, record: Mapping[str, Any]) -> Context:
        """Describe what is known of a row's fields, whose plan is in the record that it is written for."""
        day = None if self.session is None else record.get(self.session)
        words = name_zone(self.zone, str(day)) if self.zone is not None and day is not None else frozenset[str]()
        return Context(self.synonyms, self.known, None if day is None else str(day), words)


def read_notes(schema: Schema | None, known: KnownValues) -> FieldNotes:
    """Read the notes that stand in a row's schema; `known` are the values of gold rows by field."""
    fields: Mapping[str, Any] = (schema or {}).get("properties", {})
    return FieldNotes(
        {name: part["synonyms"] for name, part in fields.items() if "synonyms" in part},
        {name: known[name] for name in list_known_fields(schema) if name in known},
        next((str(part["session"]) for part in fields.values() if "session" in part), None),
        next((str(part["zone"]) for part in fields.values() if "zone" in part), None),
    )


def list_known_fields(schema: Schema | None) -> list[str]:
    """List the fields whose values are those of the gold."""
    return [name for name, part in (schema or {}).get("properties", {}).items() if part.get("known") == "gold"]


@functools.lru_cache(maxsize=1024)
def name_zone(zone: str, day: str) -> frozenset[str]:
    """Name a time zone as it is written behind a time of a day: `et`, `edt`, `-04:00`, `america/new_york`."""
    try:
        noon = datetime.datetime.combine(datetime.date.fromisoformat(day), datetime.time(12), ZoneInfo(zone))
    except ValueError:
        return frozenset()
    short, offset = (noon.tzname() or "").casefold(), noon.strftime("%z")
    general = short[0] + short[2:] if len(short) == 3 and short[1] in "sd" else short
    return frozenset({short, general, f"{offset[:3]}:{offset[3:]}", offset, zone.casefold()})
