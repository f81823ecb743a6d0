"""Walking through a strategy's conditions, and making others of it that differ in one place.

A strategy is the plain document that its JSON text says. A path is the keys and places from its root on.
"""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Path = tuple[str | int, ...]

SIDES = ("buy_condition", "sell_condition")
GROUPS = ("all", "any")
PAIRS = ("cross_over", "cross_under", "greater", "less")


def name_path(path: Path) -> str:
    """Return a path as JSONPath: `$.buy_condition.all[1]`."""
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


def iter_conditions(document: Document) -> Iterator[tuple[Path, Document]]:
    """Give every condition of both sides with its path, groups before what is in them."""
    for side in SIDES:
        if side in document:
            yield from _iter_below((side,), document[side])


def _iter_below(path: Path, condition: Document) -> Iterator[tuple[Path, Document]]:
    yield path, condition
    ((kind, value),) = condition.items()
    if kind in GROUPS:
        for place, operand in enumerate(value):
            yield from _iter_below((*path, kind, place), operand)
    elif kind == "after":
        yield from _iter_below((*path, kind, "condition"), value["condition"])


def iter_leaves(document: Document) -> Iterator[tuple[Path, Document]]:
    """Give every condition that holds no other, with its path."""
    for path, condition in iter_conditions(document):
        if not {*GROUPS, "after"} & condition.keys():
            yield path, condition


def iter_series(document: Document) -> Iterator[tuple[Path, Any]]:
    """Give every series and every number that stands in the place of one, with its path."""
    for path, leaf in iter_leaves(document):
        ((kind, value),) = leaf.items()
        if kind in PAIRS:
            yield from (((*path, kind, place), operand) for place, operand in enumerate(value))
        elif kind != "fib":
            yield (*path, kind, "series"), value["series"]


def measure_depth(condition: Document) -> int:
    """Return how many groups lie in one another: 0 for a single leaf."""
    ((kind, value),) = condition.items()
    if kind in GROUPS:
        return 1 + max(map(measure_depth, value))
    return measure_depth(value["condition"]) if kind == "after" else 0


def find_at(document: Any, path: Path) -> Any:
    """Return what stands at a path."""
    for key in path:
        document = document[key]
    return document


def replace_at(document: Any, path: Path, value: Any) -> Any:
    """Return a document that says something else at a path; the parts on the way are new, all others shared."""
    if not path:
        return value
    key, *rest = path
    copy = document.copy()
    copy[key] = replace_at(document[key] if rest else None, tuple(rest), value)
    return copy


def delete_at(document: Any, path: Path) -> Any:
    """Return a document without what stands at a path."""
    *above, key = path
    parent = find_at(document, tuple(above)).copy()
    del parent[key]
    return replace_at(document, tuple(above), parent)


def delete_clause(document: Document, path: Path) -> Document:
    """Return a strategy without a condition: what held only it goes too, and a group of one becomes the one."""
    *above, key = path
    if key == "condition":
        return delete_clause(document, tuple(above[:-1]))
    if not isinstance(key, int):
        shorter: Document = delete_at(document, path)
        return shorter
    group = tuple(above[:-1])
    left = find_at(delete_at(document, path), tuple(above))
    changed: Document = replace_at(document, group, left[0] if len(left) == 1 else {above[-1]: left})
    return changed
