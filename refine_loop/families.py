"""Families: rows of a plan that mean the same, such as the descriptions of one strategy.

The samplers draw every row by itself, and chance alone would leave some controls far from their shares. So a few rows
are drawn for each that is planned, and the one is taken that brings what there is nearest to the shares. Of the rows
that become a family one gives the others what they share, chosen in the same way: there are fewer families than rows.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from columns.declared import FAMILY, Families
from designer_configs.compile.controls import Control
from designer_configs.compile.profile import Profile
from refine_loop.booking import Candidate

Row = dict[str, Any]
Cell = tuple[str, Any]  # of a control: its name, its value
DRAWN_FOR_ONE = 4  # rows that the samplers draw for each that is planned


@dataclass
class Tally:
    """What rows have of the values of controls, beside the `shares` that they should have."""

    shares: Mapping[Cell, float]
    rows: int = 0
    had: Counter[Cell] = field(default_factory=Counter)

    def choose(self, rows: Sequence[Row]) -> Row:
        """Choose the row that leaves the values nearest to their shares, and count it."""
        chosen = min(rows, key=self._measure_excess)
        self.add(chosen)
        return chosen

    def add(self, row: Row) -> None:
        """Count a row."""
        self.rows += 1
        self.had.update(self._list_cells(row))

    def _measure_excess(self, row: Row) -> float:
        cells = self._list_cells(row)
        return math.fsum((self.had[cell] - self.rows * self.shares[cell]) / self.shares[cell] ** 0.5 for cell in cells)

    def _list_cells(self, row: Row) -> list[Cell]:
        return [cell for cell in ((name, row[name]) for name in self._names) if cell in self.shares]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.shares))


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
    tally = Tally(find_shares(drawn, [control for control in controls if control.name in families.shared]))
    for start in range(0, len(drawn), size):
        block = drawn[start : start + size]
        chosen = tally.choose(block)
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


def choose_rows(rows: Sequence[Row], controls: Sequence[Control], known: Iterable[Row]) -> list[Row]:
    """Choose one of every DRAWN_FOR_ONE rows, so that with those known before the controls have their shares."""
    tally = Tally(find_shares(rows, controls))
    for row in known:
        tally.add(row)
    return [tally.choose(rows[start : start + DRAWN_FOR_ONE]) for start in range(0, len(rows), DRAWN_FOR_ONE)]


def find_shares(rows: Sequence[Row], controls: Iterable[Control]) -> dict[Cell, float]:
    """Find the shares that the values of controls should have: as declared, or as drawn where that depends."""
    shares: dict[Cell, float] = {}
    for control in controls:
        params, drawn = control.column.get("params", {}), Counter(row[control.name] for row in rows)
        values = params.get("values")
        if control.column["sampler_type"] != "category":
            continue
        if isinstance(values, list) and not control.column.get("conditional_params"):
            drawn = Counter(dict(zip(values, params.get("weights") or [1.0] * len(values), strict=True)))
        shares |= {(control.name, value): weight / sum(drawn.values()) for value, weight in drawn.items()}
    return shares


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
