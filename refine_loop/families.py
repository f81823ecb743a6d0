"""Families: rows of a plan that mean the same, such as the descriptions of one strategy.

The samplers draw every row by itself. Of the rows that become a family one gives the others what they share: the one
that brings the families so far nearest to the shares of the controls, for there are fewer families than rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from columns.declared import FAMILY, Families
from designer_configs.compile.controls import Control
from designer_configs.compile.profile import Profile
from refine_loop.booking import Candidate

Row = dict[str, Any]
Cell = tuple[str, Any]  # of a control: its name, its value


def find_size(profile: Profile) -> int:
    """Find how many rows make a family; 1 where the dataset has none."""
    families = profile.dataset.families
    return 1 if families is None else int(profile.options[families.size])


def join_families(
    rows: Sequence[Row], families: Families, size: int, short: Mapping[str, int], controls: Iterable[Control]
) -> list[Row]:
    """Give every row of a plan, named by `row_id`, its family: first the `short` ones, as many rows as each lacks.

    The others are joined by `size`. What they share is copied, but for the short families: `share_rows` does that.
    """
    named = [family for family, missing in short.items() for _ in range(missing)][: len(rows)]
    joined = [row | {FAMILY: family} for row, family in zip(rows, named, strict=False)]
    drawn = rows[len(joined) :]
    shares, had = find_shares(drawn, controls, families.shared), Counter[Cell]()
    for count, start in enumerate(range(0, len(drawn), size)):
        block = drawn[start : start + size]
        excess = [
            sum((had[cell] - count * shares[cell]) / shares[cell] ** 0.5 for cell in _list_cells(row, shares))
            for row in block
        ]
        chosen = block[excess.index(min(excess))]
        had.update(_list_cells(chosen, shares))
        shared = {name: chosen[name] for name in families.shared if name in chosen}
        is_one = all(shared.get(name, value) == value for name, value in families.where.items())
        joined += [row | shared | {FAMILY: block[0]["row_id"] if is_one else row["row_id"]} for row in block]
    return joined


def share_rows(rows: Iterable[Row], families: Families, known: Mapping[str, Row]) -> Iterator[Row]:
    """Give every row what its family's first one has of what they share; `known` are the first ones of short ones."""
    first = dict(known)
    for row in rows:
        given = first.setdefault(row[FAMILY], row)
        yield row | {name: given[name] for name in families.shared if name in row}


def find_shares(rows: Sequence[Row], controls: Iterable[Control], shared: Iterable[str]) -> dict[Cell, float]:
    """Find the shares of values that the shared controls should have: as declared, or as drawn where that depends."""
    shares: dict[Cell, float] = {}
    for control in (control for control in controls if control.name in shared):
        params, drawn = control.column.get("params", {}), Counter(row[control.name] for row in rows)
        values = params.get("values")
        if control.column["sampler_type"] != "category":
            continue
        if isinstance(values, list) and not control.column.get("conditional_params"):
            drawn = Counter(dict(zip(values, params.get("weights") or [1.0] * len(values), strict=True)))
        shares |= {(control.name, value): weight / sum(drawn.values()) for value, weight in drawn.items()}
    return shares


def _list_cells(row: Mapping[str, Any], shares: Mapping[Cell, float]) -> list[Cell]:
    return [cell for cell in row.items() if cell in shares]


def find_short(plan: Iterable[Row], ended: Iterable[Candidate], families: Families, size: int) -> dict[str, int]:
    """Find how many rows the families lack that were begun in a round and brought one at least.

    A family is topped up once, in the round after its own: one whose rows fail time after time would hold up the run.
    """
    begun = {
        row[FAMILY]
        for row in plan
        if row[FAMILY] == row["row_id"] and all(row.get(name, value) == value for name, value in families.where.items())
    }
    brought = Counter(candidate[FAMILY] for candidate in ended if candidate["status"] == "accepted")
    return {family: size - count for family, count in brought.items() if family in begun and count < size}
