"""Column type `gold-examples`: the grounding seeds, gold trades near what the controls sampled for this row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
from data_designer.engine.column_generators.generators.base import ColumnGeneratorFullColumn

from columns.rendering import fence_json, list_core_rows
from columns.types.configs import ROW_KEY, GoldExamplesColumnConfig, MatchRule
from gold_data.store import load_gold

AGREEMENT_WEIGHT = 4.0  # a gold trade that agrees in one more category is this many times likelier to be drawn
ROUNDING = 1e-9  # 0.35 and 0.4 are a tolerance of 0.05 apart, also in binary


class GoldSampler:
    """Draws `k` gold trades for one row, repeatably.

    Every numeric match rule opens a window of its tolerance around the sampled value. The windows widen together, one
    tolerance at a time up to each rule's `widest`, until `k` trades lie in all of them; failing that, the nearest `k`
    are taken. Among the trades in the window those that agree with the categorical controls are likelier.
    """

    def __init__(self, trades: pl.DataFrame, match: Sequence[MatchRule], k: int) -> None:
        self._numeric = [rule for rule in match if rule.tolerance is not None]
        self._categorical = [rule for rule in match if rule.tolerance is None]
        self._values = {rule.field: trades[rule.field].to_numpy() for rule in match}
        self._everyone = np.arange(trades.height)
        self._k = min(k, trades.height)

    def draw(self, sampled: dict[str, object], key: str) -> list[int]:
        """Give the positions of the trades drawn for a row that sampled these control values."""
        pool = self._open_window(sampled)
        agreements = np.zeros(len(pool), dtype=np.int64)
        for rule in self._categorical:
            agreements += self._values[rule.field][pool] == sampled[rule.column]
        rng = np.random.default_rng(list(key.encode()))
        # Weighted draw without replacement: the k largest of u**(1/w) (Efraimidis and Spirakis, 2006).
        keys = rng.random(len(pool)) ** AGREEMENT_WEIGHT**-agreements
        largest = np.argpartition(-keys, self._k - 1)[: self._k]
        return [int(position) for position in pool[largest[np.argsort(-keys[largest])]]]

    def _open_window(self, sampled: dict[str, object]) -> npt.NDArray[np.int64]:
        if not self._numeric:
            return self._everyone
        distance = np.max([self._count_tolerances(rule, sampled) for rule in self._numeric], axis=0)
        reach = np.partition(distance, self._k - 1)[self._k - 1]
        widest = min((rule.widest or rule.tolerance or 0.0) / (rule.tolerance or 1.0) for rule in self._numeric)
        steps = max(1.0, np.ceil(reach - ROUNDING))
        if steps > widest + ROUNDING:  # the last window is the widest itself, which need not be a whole number of steps
            steps = widest if reach <= widest + ROUNDING else reach
        return np.flatnonzero(distance <= steps + ROUNDING)

    def _count_tolerances(self, rule: MatchRule, sampled: dict[str, object]) -> npt.NDArray[np.float64]:
        target = float(str(sampled[rule.column]))
        distances: npt.NDArray[np.float64] = np.abs(self._values[rule.field] - target) / (rule.tolerance or 1.0)
        return distances


class GoldExamplesColumnGenerator(ColumnGeneratorFullColumn[GoldExamplesColumnConfig]):
    """Writes the seeds as fenced JSON, and their ids in the side column `<name>__ids`."""

    def _initialize(self) -> None:
        train = load_gold(Path(self.config.gold)).train
        self._ids = train["trade_id"].to_list()
        self._rows = list_core_rows(train)
        self._sampler = GoldSampler(train, self.config.match, self.config.k)

    def generate(self, data: pd.DataFrame) -> pd.DataFrame:
        drawn = [
            self._sampler.draw({str(name): value for name, value in row.items()}, f"{self.config.seed}:{row[ROW_KEY]}")
            for row in data[self.config.required_columns].to_dict(orient="records")
        ]
        data[self.config.name] = [fence_json([self._rows[i] for i in positions]) for positions in drawn]
        data[f"{self.config.name}__ids"] = [[self._ids[i] for i in positions] for positions in drawn]
        return data
