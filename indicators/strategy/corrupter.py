"""Breaks one rule of a sound strategy, and says which: what the grammar must refuse, and at which place.

`CORRUPTIONS` names every kind and the rule that catches it.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from indicators.strategy.canonical import write_text
from indicators.strategy.series import SERIES
from indicators.strategy.tree import (
    GROUPS,
    PAIRS,
    SIDES,
    Document,
    Path,
    delete_at,
    find_at,
    iter_conditions,
    iter_leaves,
    iter_series,
    replace_at,
)

LEAF = {"greater": [{"RSI": {}}, 50]}
Corrupt = Callable[[random.Random, Document], Any]


class NotApplicableError(Exception):
    """The strategy has nothing that this corruption could break."""


@dataclass(frozen=True)
class Corrupted:
    """The text of a broken strategy, the kind of the corruption and the rule it breaks."""

    text: str
    kind: str
    rule: str


def corrupt_strategy(rng: random.Random, document: Document, kind: str | None = None) -> Corrupted:
    """Break one rule of a sound strategy: by `kind`, one of CORRUPTIONS, or by any that it offers a place for.

    Raises:
        NotApplicableError: The strategy has no place for `kind`.
    """
    kinds = [kind] if kind else rng.sample(list(CORRUPTIONS), len(CORRUPTIONS))
    for name in kinds:
        rule, corrupt = CORRUPTIONS[name]
        try:
            broken = corrupt(rng, document)
        except NotApplicableError:
            continue
        return Corrupted(broken if isinstance(broken, str) else json.dumps(broken), name, rule)
    raise NotApplicableError(f"the strategy has no place for {kind}")


def _pick(rng: random.Random, places: list[Path]) -> Path:
    if not places:
        raise NotApplicableError
    return rng.choice(places)


def _find_pairs(document: Document, operand: Callable[[Any], bool]) -> list[Path]:
    """List comparisons whose second operand is such a one."""
    return [
        (*path, kind)
        for path, leaf in iter_leaves(document)
        for kind, value in leaf.items()
        if kind in PAIRS and operand(value[1])
    ]


def _find_named(document: Document) -> list[Path]:
    """List series by name, numbers left out."""
    return [(*path, next(iter(each))) for path, each in iter_series(document) if isinstance(each, dict)]


def _with(changes: Document) -> Corrupt:
    return lambda _, document: {**document, **changes}


def _set_leaf(leaf: Document) -> Corrupt:
    def corrupt(rng: random.Random, document: Document) -> Any:
        return replace_at(document, _pick(rng, [path for path, _ in iter_leaves(document)]), leaf)

    return corrupt


def _set_parameter(name: str, value: Any) -> Corrupt:
    def corrupt(rng: random.Random, document: Document) -> Any:
        places = [path for path in _find_named(document) if name in SERIES[str(path[-1])].parameters]
        return replace_at(document, (*_pick(rng, places), name), value)

    return corrupt


def _rename_key(rng: random.Random, document: Document) -> Any:
    key = rng.choice(list(document))
    return {(f"{name}s" if name == key else name): value for name, value in document.items()}


def _drop_required(rng: random.Random, document: Document) -> Any:
    return delete_at(document, (rng.choice(("ticker", "position_type")),))


def _drop_opening(_: random.Random, document: Document) -> Any:
    side = SIDES[1] if document["position_type"] == "SHORT" else SIDES[0]
    return {key: value for key, value in document.items() if key != side}


def _drop_closing(_: random.Random, document: Document) -> Any:
    side = {"LONG": SIDES[1], "SHORT": SIDES[0]}.get(document["position_type"])
    if side is None:
        raise NotApplicableError
    kept = {"ticker", "position_type", *SIDES} - {side}
    return {key: value for key, value in document.items() if key in kept}


def _add_series_key(rng: random.Random, document: Document) -> Any:
    return replace_at(document, (*_pick(rng, _find_named(document)), "smoothness"), 3)


def _rename_series(rng: random.Random, document: Document) -> Any:
    path = _pick(rng, _find_named(document))
    return replace_at(document, path[:-1], {f"{path[-1]}X": {}})


def _double_series(rng: random.Random, document: Document) -> Any:
    path = _pick(rng, _find_named(document))
    other = "CLOSE" if path[-1] != "CLOSE" else "OPEN"
    return replace_at(document, (*path[:-1], other), {})


def _double_condition(rng: random.Random, document: Document) -> Any:
    path, condition = rng.choice(list(iter_conditions(document)))
    other = {"up": {"series": {"CLOSE": {}}, "bars": 3}} if "up" not in condition else LEAF
    return replace_at(document, path, {**condition, **other})


def _wrap_alone(rng: random.Random, document: Document) -> Any:
    path, condition = rng.choice(list(iter_leaves(document)))
    return replace_at(document, path, {rng.choice(GROUPS): [condition]})


def _leave_range(rng: random.Random, document: Document) -> Any:
    places = [
        (*path, 1)
        for path in _find_pairs(document, lambda operand: not isinstance(operand, dict))
        if SERIES[next(iter(find_at(document, (*path, 0))))].unit in ("scale", "below zero", "both ways", "flow")
    ]
    return replace_at(document, _pick(rng, places), rng.choice((-250, 140, 100)))


def _mix_units(rng: random.Random, document: Document) -> Any:
    path = _pick(rng, _find_pairs(document, lambda operand: isinstance(operand, dict)))
    unit = SERIES[next(iter(find_at(document, (*path, 0))))].unit
    return replace_at(document, (*path, 1), {"RSI": {}} if unit != "scale" else {"CLOSE": {}})


def _compare_with_itself(rng: random.Random, document: Document) -> Any:
    path = _pick(rng, _find_pairs(document, lambda operand: isinstance(operand, dict)))
    return replace_at(document, (*path, 1), find_at(document, (*path, 0)))


def _compare_constants(rng: random.Random, document: Document) -> Any:
    return replace_at(document, _pick(rng, _find_pairs(document, lambda _: True)), [40, 60])


def _repeat_operand(rng: random.Random, document: Document) -> Any:
    path, condition = rng.choice(list(iter_leaves(document)))
    return replace_at(document, path, {_other_group(path): [condition, condition]})


def _nest_same(rng: random.Random, document: Document) -> Any:
    path, condition = rng.choice(list(iter_leaves(document)))
    group = _other_group(path)
    return replace_at(document, path, {group: [{group: [condition, LEAF]}, {"less": [{"CCI": {}}, 5]}]})


def _other_group(path: Path) -> str:
    inside = [key for key in path if key in GROUPS]
    return "any" if inside and inside[-1] == "all" else "all"


def _nest_deep(_: random.Random, document: Document) -> Any:
    side = next(side for side in SIDES if side in document)
    deep: Document = LEAF
    for level in range(4):
        deep = {GROUPS[level % 2]: [deep, {"less": [{"RSI": {}}, 60 + level]}]}
    return {**document, side: deep}


def _equal_sides(_: random.Random, document: Document) -> Any:
    if not all(side in document for side in SIDES):
        raise NotApplicableError
    return {**document, SIDES[1]: document[SIDES[0]]}


def _risk_without_stop(_: random.Random, document: Document) -> Any:
    if any(side not in document for side in SIDES):
        raise NotApplicableError
    left = {key: value for key, value in document.items() if key not in ("stop_loss", "atr_stop")}
    return {**left, "order_size": {"risk_percent": 1}}


def _shorten_timeframe(rng: random.Random, document: Document) -> Any:
    place = _pick(rng, _find_named(document))
    return {**replace_at(document, (*place, "timeframe"), "1h"), "interval": "1h"}


def _cut_text(rng: random.Random, document: Document) -> str:
    text = write_text(document)
    return text[: rng.randint(1, len(text) - 1)]


def _repeat_key(_: random.Random, document: Document) -> str:
    return write_text(document)[:-1] + ',"ticker":"IBM"}'


def _write_number(text: str) -> Corrupt:
    return lambda _, document: write_text(document)[:-1] + f',"exit_after_bars":{text}' + "}"


def _surround(rng: random.Random, document: Document) -> str:
    before, after = rng.choice((("Here it is: ", ""), ("", "\nHope this helps!"), ("```json\n", "\n```")))
    return before + write_text(document) + after


def _pile_up(_: random.Random, __: Document) -> str:
    return '{"all":[' * 5_000 + "1" + "]}" * 5_000


PERIOD = {"period": "1mo", "interval": "3mo"}
DATES = {"start_date": "2020-05-01", "end_date": "2020-04-30"}
CORRUPTIONS: dict[str, tuple[str, Corrupt]] = {
    "text cut off": ("json", _cut_text),
    "prose around the JSON": ("json", _surround),
    "a key twice": ("duplicate-key", _repeat_key),
    "NaN": ("number", _write_number("NaN")),
    "a bomb of brackets": ("nesting", _pile_up),
    "a list instead of a strategy": ("type", lambda _, document: [document]),
    "misspelt key": ("unknown-key", _rename_key),
    "missing key": ("missing-key", _drop_required),
    "null for nothing": ("type", _with({"take_profit": None})),
    "text for a number": ("type", _with({"take_profit": {"percent": "5"}})),
    "true for a number": ("type", _with({"exit_after_bars": True})),
    "code in the ticker": ("pattern", _with({"ticker": "__import__('os').system('ls')"})),
    "unknown position": ("choice", _with({"position_type": "BOTH"})),
    "unknown interval": ("choice", _with({"interval": "7m"})),
    "stop of 0 percent": ("range", _with({"stop_loss": {"percent": 0}})),
    "two sizes": ("exactly-one", _with({"order_size": {"usd": 100, "contracts": 2}})),
    "unknown series": ("unknown-key", _rename_series),
    "unknown parameter": ("unknown-key", _add_series_key),
    "two series in one": ("exactly-one", _double_series),
    "two conditions in one": ("exactly-one", _double_condition),
    "unknown condition": ("unknown-key", _set_leaf({"touches": [{"CLOSE": {}}, {"SMA": {}}]})),
    "empty condition": ("exactly-one", _set_leaf({})),
    "three operands": ("count", _set_leaf({"greater": [{"CLOSE": {}}, {"SMA": {}}, 3]})),
    "group of one": ("count", _wrap_alone),
    "length of 0": ("range", _set_parameter("length", 0)),
    "length of half a bar": ("type", _set_parameter("length", 14.5)),
    "unknown source": ("choice", _set_parameter("source", "MEDIAN")),
    "constant out of range": ("constant-range", _leave_range),
    "level of a running sum": ("constant-range", _set_leaf({"greater": [{"OBV": {}}, 1000]})),
    "price against oscillator": ("unlike-units", _mix_units),
    "series against itself": ("same-series", _compare_with_itself),
    "two constants": ("constant", _compare_constants),
    "trend of a constant": ("constant", _set_leaf({"up": {"series": 30, "bars": 3}})),
    "percent change of MACD": ("percent-change", _set_leaf({"intra": {"series": {"MACD": {}}, "percent": 5}})),
    "change of 0 percent": ("percent-change", _set_leaf({"intra": {"series": {"CLOSE": {}}, "percent": 0}})),
    "fast above slow": ("order", _set_leaf({"greater": [{"MACD": {"fast_length": 30, "slow_length": 10}}, 0]})),
    "too deep": ("depth", _nest_deep),
    "all in all": ("nested", _nest_same),
    "operand twice": ("twice", _repeat_operand),
    "equal sides": ("sides-equal", _equal_sides),
    "nothing opens": ("no-entry", _drop_opening),
    "nothing closes": ("no-exit", _drop_closing),
    "two stops": ("two-stops", _with({"stop_loss": {"percent": 2}, "atr_stop": {"multiple": 2}})),
    "stop below 0 dollars": (
        "stop-order",
        _with({"position_type": "LONG_SHORT_COMBINED", "trailing": {"percent": 100}}),
    ),
    "risk without a stop": ("risk-size", _risk_without_stop),
    "order above the capital": ("capital", _with({"initial_capital": 1000, "order_size": {"usd": 5000}})),
    "no such day": ("date", _with({"start_date": "2023-02-30"})),
    "end before start": ("date", _with(DATES)),
    "period beside dates": ("period", _with({"period": "10y", "start_date": "2020-01-01"})),
    "period shorter than interval": ("period", _with(PERIOD)),
    "session backwards": ("session", _with({"interval": "5m", "session": {"from": "15:00", "to": "10:00"}})),
    "session of days": ("session", _with({"interval": "1d", "session": {"from": "10:00", "to": "15:00"}})),
    "timeframe not longer": ("timeframe", _shorten_timeframe),
}
