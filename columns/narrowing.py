"""A row's own schema: what its controls fixed stands in it, so that a provider's decoder writes nothing else."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gold_data.violation import Expectation

MOST_VALUES = 41  # of a number within its tolerance: enough that rows differ, and short to send
STEPS = 10  # values on each side of what a control asks for, at least


def narrow_fields(schema: Mapping[str, Any], expectations: Sequence[Expectation]) -> dict[str, Any]:
    """Narrow the fields of an object that controls set: `const`, or within a tolerance an `enum` of numbers.

    Decoders hold both, and no bounds of numbers. A field that the schema does not have stays as it is.
    """
    properties: dict[str, Any] = dict(schema.get("properties", {}))
    for expectation in expectations:
        declared = properties.get(expectation.field)
        if isinstance(declared, Mapping) and (narrow := _narrow(declared, expectation)) is not None:
            kept = {key: value for key, value in declared.items() if key not in ("enum", "pattern")}
            properties[expectation.field] = kept | narrow
    return {**schema, "properties": properties} if properties else dict(schema)


def _narrow(declared: Mapping[str, Any], expectation: Expectation) -> dict[str, Any] | None:
    kind, value = declared.get("type"), expectation.value
    if kind in ("number", "integer"):
        try:
            target = float(str(value))
        except ValueError:
            return None
        if expectation.tolerance is None:
            return {"const": int(target) if kind == "integer" or target.is_integer() else target}
        return {"enum": list_near(target, expectation.tolerance, whole=kind == "integer")}
    text = str(value)
    if "enum" in declared and text not in declared["enum"]:
        return None
    return {"const": text} if kind == "string" or "enum" in declared else None


def list_near(target: float, tolerance: float, *, whole: bool = False) -> list[float]:
    """List round numbers within a tolerance of another, in order: at most MOST_VALUES, evenly spread."""
    digits = 0 if whole else max(0, math.ceil(-math.log10(tolerance / STEPS)))
    step = 10.0**-digits
    first, last = math.ceil((target - tolerance) / step - 1e-9), math.floor((target + tolerance) / step + 1e-9)
    numbers = range(first, last + 1)
    thinned = numbers[:: max(1, math.ceil(len(numbers) / MOST_VALUES))] or [round(target / step)]
    return [number if whole else round(number * step, digits) for number in thinned]


def match_times(first: str, last: str) -> str:
    """Write an anchored pattern of the times of day HH:MM:SS from one minute, HH:MM, to another, both included."""
    (first_hour, first_minute), (last_hour, last_minute) = (map(int, text.split(":")[:2]) for text in (first, last))
    hours = []
    for hour in range(first_hour, last_hour + 1):
        low = first_minute if hour == first_hour else 0
        high = last_minute if hour == last_hour else 59
        hours.append(f"{hour:02d}:{_match_minutes(low, high)}")
    return f"^({'|'.join(hours)}):[0-5][0-9]$"


def _match_minutes(low: int, high: int) -> str:
    if (low, high) == (0, 59):
        return "[0-5][0-9]"
    tens = []
    for ten in range(low // 10, high // 10 + 1):
        units = (low % 10 if ten == low // 10 else 0, high % 10 if ten == high // 10 else 9)
        tens.append(f"{ten}[{units[0]}-{units[1]}]")
    return f"({'|'.join(tens)})"
