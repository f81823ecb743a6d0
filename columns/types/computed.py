"""Column type `trade-rules`: what the checks will ask of this row, said to the model beforehand."""

from datetime import date
from pathlib import Path

import pandas as pd
from data_designer.engine.column_generators.generators.base import ColumnGeneratorFullColumn

from columns.types.configs import SESSION, TradeRulesColumnConfig
from gold_data.store import load_gold
from gold_data.trades.rules import describe_rules


class TradeRulesColumnGenerator(ColumnGeneratorFullColumn[TradeRulesColumnConfig]):
    """Writes one sentence per rule, with the limits of the row's session and ticker."""

    def _initialize(self) -> None:
        self._limits = load_gold(Path(self.config.gold)).limits

    def generate(self, data: pd.DataFrame) -> pd.DataFrame:
        tickers = data[self.config.ticker_column] if self.config.ticker_column else [None] * len(data)
        data[self.config.name] = [
            describe_rules(self._limits, session_date=date.fromisoformat(day), ticker=ticker)
            for day, ticker in zip(data[SESSION], tickers, strict=True)
        ]
        return data
