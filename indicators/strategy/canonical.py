"""One text for one strategy: operands sorted, defaults left out, numbers and keys written in one way.

A comparison names a series before a number, and of two series the one first that comes first in the alphabet, with the
comparison turned round where need be. Keys stand in the order of the schema. Only how a strategy is written changes,
never what it trades.
"""

import hashlib
import json
from typing import Any

from indicators.strategy.schema import DEFAULTS, build_schema
from indicators.strategy.series import SERIES
from indicators.strategy.tree import GROUPS, PAIRS, Document

TURNED = {"cross_over": "cross_under", "cross_under": "cross_over", "greater": "less", "less": "greater"}
KEYS = tuple(build_schema()["properties"])
DEFAULT_LENGTH = 14  # of `fib` and `atr_stop`


def canonicalize(document: Document) -> Document:
    """Return the canonical form of a strategy of the right shape."""
    written = {key: _write_value(key, document[key]) for key in KEYS if key in document}
    return {key: value for key, value in written.items() if DEFAULTS.get(key) != value}


def write_text(document: Document) -> str:
    """Return the canonical text of a strategy of the right shape."""
    return _dump(canonicalize(document))


def hash_strategy(document: Document) -> str:
    """Return the SHA-256 of the canonical text, 64 hex digits: equal for strategies that say the same."""
    return hashlib.sha256(write_text(document).encode()).hexdigest()


def _write_value(key: str, value: Any) -> Any:
    if key.endswith("_condition"):
        return _write_condition(value)
    if key == "atr_stop":
        return _keep_order(value, ("multiple", "length"))
    if key == "session":
        return {name: value[name] for name in ("from", "to")}
    return (
        {name: write_number(each) for name, each in value.items()} if isinstance(value, dict) else write_number(value)
    )


def _write_condition(condition: Document) -> Document:
    ((kind, value),) = condition.items()
    if kind in GROUPS:
        return {kind: sorted(map(_write_condition, value), key=_dump)}
    if kind in PAIRS:
        first, second = map(_write_series, value)
        turn = (not isinstance(first, dict), _dump(first)) > (not isinstance(second, dict), _dump(second))
        return {TURNED[kind]: [second, first]} if turn else {kind: [first, second]}
    if kind == "after":
        return {kind: {"condition": _write_condition(value["condition"]), "bars": write_number(value["bars"])}}
    if kind == "fib":
        return {kind: _keep_order(value, ("trend", "level", "length"))}
    order = ("series", "percent", "bars")
    return {
        kind: {
            name: _write_series(value[name]) if name == "series" else write_number(value[name])
            for name in order
            if name in value
        }
    }


def _write_series(series: Any) -> Any:
    if not isinstance(series, dict):
        return write_number(series)
    ((name, given),) = series.items()
    defaults = SERIES[name].defaults
    order = (*defaults, "timeframe")
    return {name: {key: write_number(given[key]) for key in order if key in given and given[key] != defaults.get(key)}}


def _keep_order(value: Document, order: tuple[str, ...]) -> Document:
    kept = {name: write_number(value[name]) for name in order if name in value}
    return {name: each for name, each in kept.items() if (name, each) != ("length", DEFAULT_LENGTH)}


def write_number(value: Any) -> Any:
    """Return a whole number as an integer: 30.0 says what 30 says."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
