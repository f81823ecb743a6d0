"""Column type `trade-checks`: the rules and the controls, tested in code before a judge is asked."""

from datetime import date
from pathlib import Path
from typing import Any

from data_designer.engine.column_generators.generators.base import ColumnGeneratorCellByCell

from columns.rendering import fence_json, list_core_rows
from columns.types.configs import SESSION, TRADE, TradeChecksColumnConfig
from gold_data.store import load_gold
from gold_data.trades.rules import Expectation, check_trade, fingerprint


class TradeChecksColumnGenerator(ColumnGeneratorCellByCell[TradeChecksColumnConfig]):
    """Writes `{passed, violations}`, and the trade as fenced JSON in the side column `<name>__trade`."""

    def _initialize(self) -> None:
        gold = load_gold(Path(self.config.gold))
        self._limits = gold.limits
        rows = list_core_rows(gold.train)
        self._known = {
            fingerprint(row): trade_id for row, trade_id in zip(rows, gold.train["trade_id"].to_list(), strict=True)
        }

    def generate(self, data: dict[str, Any]) -> dict[str, Any]:
        trade = data[TRADE]
        expectations = [Expectation(c.field, data[c.column], c.tolerance) for c in self.config.checks]
        violations = check_trade(
            trade,
            session_date=date.fromisoformat(data[SESSION]),
            limits=self._limits,
            expectations=expectations,
            known_trades=self._known,
        )
        data[self.config.name] = {"passed": not violations, "violations": [v.to_dict() for v in violations]}
        data[f"{self.config.name}__trade"] = fence_json(trade)
        return data
