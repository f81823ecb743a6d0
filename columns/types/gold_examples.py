"""Column type `gold-examples`: the grounding seeds, gold rows near what the controls sampled for this row."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
from data_designer.engine.column_generators.generators.base import ColumnGeneratorFullColumn

from columns.declared import read_declared
from columns.errors import DatasetError
from columns.rendering import fence_json, list_gold_rows
from columns.types.configs import ROW_KEY, GoldExamplesColumnConfig, MatchRule
from gold_data.store import load_gold

AGREEMENT_WEIGHT = 4.0  # a gold row that agrees in one more category is this many times likelier to be drawn
ROUNDING = 1e-9  # 0.35 and 0.4 are a tolerance of 0.05 apart, also in binary


class Sampler(Protocol):
    """Draws gold rows for one row of the plan."""

    def draw(self, sampled: Mapping[str, object], key: str) -> list[int]:
        """Give the positions of the gold rows drawn for a row that sampled these control values."""


class GoldSampler:
    """Draws `k` gold rows for one row, repeatably.

    Every numeric match rule opens a window of its tolerance around the sampled value. The windows widen together, one
    tolerance at a time up to each rule's `widest`, until `k` of them lie in all; failing that, the nearest `k`
    are taken. Among those in the window the ones that agree with the categorical controls are likelier. Of the columns
    in `sure`, which no row has to obey, one row drawn at least has what was sampled: the nearest, where there is any.
    """

    def __init__(
        self, rows: pl.DataFrame, match: Sequence[MatchRule], k: int, sure: Collection[str] = frozenset()
    ) -> None:
        self._numeric = [rule for rule in match if rule.tolerance is not None]
        self._categorical = [rule for rule in match if rule.tolerance is None]
        self._values = {rule.field: rows[rule.field].to_numpy() for rule in match}
        self._everyone = np.arange(rows.height)
        self._k = min(k, rows.height)
        self._sure = [rule for rule in self._categorical if rule.field in sure]

    def draw(self, sampled: Mapping[str, object], key: str) -> list[int]:
        """Give the positions of the gold rows drawn for a row that sampled these control values; none of none."""
        if not self._k:
            return []
        pool = self._open_window(sampled)
        agreements = np.zeros(len(pool), dtype=np.int64)
        for rule in self._categorical:
            agreements += self._values[rule.field][pool] == sampled[rule.column]
        rng = np.random.default_rng(list(key.encode()))
        # Weighted draw without replacement: the k largest of u**(1/w) (Efraimidis and Spirakis, 2006).
        keys = rng.random(len(pool)) ** AGREEMENT_WEIGHT**-agreements
        largest = np.argpartition(-keys, self._k - 1)[: self._k]
        drawn = [int(position) for position in pool[largest[np.argsort(-keys[largest])]]]
        return self._make_sure(drawn, sampled) if self._sure else drawn

    def _make_sure(self, drawn: list[int], sampled: Mapping[str, object]) -> list[int]:
        """Let one of the rows have what was sampled of the sure columns, in the place of the last."""
        agrees = np.all([self._values[rule.field] == sampled[rule.column] for rule in self._sure], axis=0)
        if agrees[drawn].any() or not agrees.any():
            return drawn
        near = np.zeros(len(agrees))
        for rule in self._numeric:
            near = np.maximum(near, self._count_tolerances(rule, sampled))
        return [*drawn[:-1], int(np.where(agrees, near, np.inf).argmin())]

    def _open_window(self, sampled: Mapping[str, object]) -> npt.NDArray[np.int64]:
        if not self._numeric:
            return self._everyone
        distance = np.max([self._count_tolerances(rule, sampled) for rule in self._numeric], axis=0)
        reach = np.partition(distance, self._k - 1)[self._k - 1]
        widest = min((rule.widest or rule.tolerance or 0.0) / (rule.tolerance or 1.0) for rule in self._numeric)
        steps = max(1.0, np.ceil(reach - ROUNDING))
        if steps > widest + ROUNDING:  # the last window is the widest itself, which need not be a whole number of steps
            steps = widest if reach <= widest + ROUNDING else reach
        return np.flatnonzero(distance <= steps + ROUNDING)

    def _count_tolerances(self, rule: MatchRule, sampled: Mapping[str, object]) -> npt.NDArray[np.float64]:
        target = float(str(sampled[rule.column]))
        distances: npt.NDArray[np.float64] = np.abs(self._values[rule.field] - target) / (rule.tolerance or 1.0)
        return distances


class ExactSampler:
    """Draws `k` gold rows that agree with every match rule, repeatably: equal texts, numbers within their tolerance."""

    def __init__(self, rows: pl.DataFrame, match: Sequence[MatchRule], k: int) -> None:
        self._k = k
        self._numeric = [rule for rule in match if rule.tolerance is not None]
        self._categorical = [rule for rule in match if rule.tolerance is None]
        self._values = {rule.field: rows[rule.field].to_numpy() for rule in self._numeric}
        fields = [rule.field for rule in self._categorical]
        places = rows.with_row_index("_place").select("_place", pl.col(fields).cast(pl.String))
        cells = places.group_by(fields).agg("_place") if fields else places.select(pl.col("_place").implode())
        self._cells = {row[:-1]: np.array(row[-1], dtype=np.int64) for row in cells.iter_rows()}

    def draw(self, sampled: Mapping[str, object], key: str) -> list[int]:
        """Give the positions of the gold rows drawn for a row that sampled these control values.

        Raises:
            DatasetError: no gold row agrees.
        """
        cell = tuple(str(sampled[rule.column]) for rule in self._categorical)
        pool = self._cells.get(cell, np.array([], dtype=np.int64))
        for rule in self._numeric:
            apart = np.abs(self._values[rule.field][pool] - float(str(sampled[rule.column])))
            pool = pool[apart <= (rule.tolerance or 0.0) + ROUNDING]
        if not len(pool):
            asked = {rule.column: sampled[rule.column] for rule in (*self._categorical, *self._numeric)}
            raise DatasetError(f"no gold row agrees with {asked}")
        rng = np.random.default_rng(list(key.encode()))
        return [int(place) for place in rng.choice(pool, size=min(self._k, len(pool)), replace=False)]


class GoldExamplesColumnGenerator(ColumnGeneratorFullColumn[GoldExamplesColumnConfig]):
    """Writes the seeds as fenced JSON, and their ids in the side column `<name>__ids`.

    Where a dataset can do without gold and there is none, no row has examples. In memory are the columns that are
    matched, and of the rows only those that were drawn: there may be a million.
    """

    def _initialize(self) -> None:
        self._declared = read_declared(Path(self.config.dataset))
        self._gold = load_gold(Path(self.config.gold))
        matched = list(dict.fromkeys(rule.field for rule in self.config.match))
        ids = self._gold.scan_train().collect_schema().names()[:1]
        rows = self._gold.scan_train().select(*ids, *(name for name in matched if name not in ids)).collect()
        match, k = self.config.match, self.config.k
        own = set(matched) - set(self._declared.fields)
        self._sampler: Sampler = ExactSampler(rows, match, k) if self.config.exact else GoldSampler(rows, match, k, own)

    def generate(self, data: pd.DataFrame) -> pd.DataFrame:
        drawn = [
            self._sampler.draw({str(name): value for name, value in row.items()}, f"{self.config.seed}:{row[ROW_KEY]}")
            for row in data[self.config.required_columns].to_dict(orient="records")
        ]
        ids, shown = self._read({place for places in drawn for place in places})
        data[self.config.name] = [fence_json([shown[place] for place in places]) for places in drawn]
        data[f"{self.config.name}__ids"] = [[ids[place] for place in places] for places in drawn]
        return data

    def _read(self, places: set[int]) -> tuple[dict[int, str], dict[int, dict[str, object]]]:
        if not places:
            return {}, {}
        is_drawn = pl.col("_place").is_in(sorted(places))
        rows = self._gold.scan_train().with_row_index("_place").filter(is_drawn).collect()
        order, rows = rows["_place"].to_list(), rows.drop("_place")
        ids = [str(name) for name in rows.to_series(0)]
        shown = list_gold_rows(rows, self._declared)
        return dict(zip(order, ids, strict=True)), dict(zip(order, shown, strict=True))
