"""How many values of a right answer another answer has: the count of parameters of reference 004's own test.

That test writes both strategies out with every default and counts the values of the right one, names included; each
place where the other one differs takes one away. Two parts of another kind, which share less than a third of their
names, are *one* place however much is in them, as are a part that lacks and one that is too many. So a short answer to
a long question scores well, which is why the floor is high. Source: `evaluation/test_model.py` of that system, and the
defaults of `deepdiff`, which it counts with.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from scipy.optimize import linear_sum_assignment

from indicators.strategy.series import SERIES
from indicators.strategy.tree import GROUPS
from verification.strategies.dialects import PARAMETERS, Said

SHARED = 0.33  # of the names of two parts, from which on they are compared name by name
CONDITIONS = ("buy_condition", "sell_condition")
CHOICES = ("position_type", "interval", "period")  # are a name and a value there, so two differences
MOST_TRIED = 5  # values of a parameter, for the best constant


def count_right(said: Mapping[str, str], right: Mapping[str, str]) -> int:
    """Count the values of a right answer's parameters that another answer has."""
    return sum(count_sizes(right).values()) - sum(_compare(key, right.get(key), said.get(key)) for key in PARAMETERS)


def count_sizes(right: Mapping[str, str]) -> dict[str, int]:
    """Count the values of each parameter of a right answer, its name included; one that is left out is a value too."""
    return {key: 1 + (count_values(_read(right.get(key))) if key in CONDITIONS else 1) for key in PARAMETERS}


def find_best_parameters(right: Sequence[Said]) -> dict[str, str]:
    """Find the constant answer that has most values: of each parameter the best of its commonest and shortest."""
    best: dict[str, str] = {}
    for key in PARAMETERS:
        values = Counter(said.parameters.get(key) for said in right if not said.unresolved)
        tried = [value for value, _ in values.most_common(MOST_TRIED)]
        tried += sorted(filter(None, values), key=lambda text: (len(text), text))[:MOST_TRIED]
        wrong = [sum(_compare(key, one, value) * times for one, times in values.items()) for value in tried]
        found = tried[wrong.index(min(wrong))] if tried else None
        best |= {} if found is None else {key: found}
    return best


def _compare(key: str, right: str | None, answer: str | None) -> int:
    """Count in how many of its places a parameter is another."""
    differences = count_differences(_read(right), _read(answer)) if right != answer else 0
    if key in CONDITIONS:
        return differences
    return min(2 * differences if key in CHOICES else differences, 2)


@lru_cache(maxsize=50_000)
def _read(text: str | None) -> Any:
    return None if text is None else write_out(json.loads(text))


def write_out(tree: Any) -> Any:
    """Write a parameter out: each part as its kind and its values by name, defaults of series included.

    Args:
        tree: A value of `Said.parameters`: our JSON's, or the text form's calls as [name, values, values by name].
    """
    match tree:
        case [str(kind), list(values), dict(named)]:
            return _write_part(kind, values, named)
        case {**parts} if len(parts) == 1:
            ((name, inner),) = parts.items()
            listed = inner if isinstance(inner, list) else []
            return _write_part(str(name), listed, {} if isinstance(inner, list) else _name(inner))
        case {**parts}:
            return {name: write_out(value) for name, value in parts.items()}
    return tree


def _name(inner: Any) -> Mapping[str, Any]:
    return inner if isinstance(inner, dict) else {"value": inner}


def _write_part(kind: str, values: list[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    defaults = SERIES[kind].defaults if kind in SERIES else {}
    if kind in ("AND", "OR", *GROUPS):
        return {"type": kind, "conditions": [write_out(value) for value in values]}
    places = {str(place): write_out(value) for place, value in enumerate(values)}
    return {"type": kind, **places, **defaults, **{name: write_out(value) for name, value in named.items()}}


def count_values(tree: Any) -> int:
    """Count the values of a tree that is written out: its leaves, and its names less one."""
    if isinstance(tree, dict):
        return sum(map(count_values, tree.values())) + len(tree) - 1
    return sum(map(count_values, tree)) if isinstance(tree, list) else 1


def count_differences(right: Any, answer: Any) -> int:
    """Count the places where two trees that are written out differ; the order of a group's conditions is none."""
    if right == answer:
        return 0
    if isinstance(right, dict) and isinstance(answer, dict):
        shared = right.keys() & answer.keys()
        if len(shared) < SHARED * len(right.keys() | answer.keys()):
            return 1
        return len(right.keys() ^ answer.keys()) + sum(count_differences(right[key], answer[key]) for key in shared)
    if isinstance(right, list) and isinstance(answer, list):
        return _count_in_groups(right, answer)
    return 1


def _count_in_groups(right: list[Any], answer: list[Any]) -> int:
    """Count by the best pairs; one that differs in more than two places is one lacking and one that is too many."""
    apart = [[min(count_differences(one, other), 2) for other in answer] for one in right]
    pairs = linear_sum_assignment(apart) if right and answer else ((), ())
    return abs(len(right) - len(answer)) + sum(int(apart[i][j]) for i, j in zip(*pairs, strict=True))
