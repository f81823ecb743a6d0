"""Configurations of this project's column types.

They stand apart from their generators: Data Designer loads them while it is itself being imported, so they may reach
for nothing but its base classes.
"""

from typing import Literal

from data_designer.config.base import ConfigBase, SingleColumnConfig
from pydantic import Field

SESSION = "session_date"
ROW_KEY = "variation"
TRADE = "trade"
PREVIOUS_TRADE = "prev_trade"
REFINED_TRADE = "refined_trade"
CRITICISED_FIELDS = "criticised_fields"


class MatchRule(ConfigBase):
    """How one control chooses gold trades: within a tolerance of its sampled value, or agreeing with it."""

    column: str
    field: str
    tolerance: float | None = Field(default=None, gt=0)
    widest: float | None = Field(default=None, gt=0)


class ControlCheck(ConfigBase):
    """What a control asks of a core field: its sampled value, within a tolerance where it is a number."""

    column: str
    field: str
    tolerance: float | None = None


class GoldExamplesColumnConfig(SingleColumnConfig):
    """The grounding seeds: `k` trades of a gold folder's train part, chosen by the controls' match rules."""

    column_type: Literal["gold-examples"] = "gold-examples"
    gold: str
    k: int = Field(default=3, ge=1)
    seed: int = 0
    match: list[MatchRule] = Field(default_factory=list)

    @staticmethod
    def get_column_emoji() -> str:
        return "🥇"

    @property
    def required_columns(self) -> list[str]:
        return [ROW_KEY, *(rule.column for rule in self.match)]

    @property
    def side_effect_columns(self) -> list[str]:
        return [f"{self.name}__ids"]


class TradeRulesColumnConfig(SingleColumnConfig):
    """The rules as sentences: the gold folder the limits come from, and the control that samples the ticker, if any."""

    column_type: Literal["trade-rules"] = "trade-rules"
    gold: str
    ticker_column: str | None = None

    @staticmethod
    def get_column_emoji() -> str:
        return "📏"

    @property
    def required_columns(self) -> list[str]:
        return [SESSION, *([self.ticker_column] if self.ticker_column else [])]

    @property
    def side_effect_columns(self) -> list[str]:
        return []


class TradeChecksColumnConfig(SingleColumnConfig):
    """The checks: the gold folder the limits come from, and what the controls ask."""

    column_type: Literal["trade-checks"] = "trade-checks"
    gold: str
    checks: list[ControlCheck] = Field(default_factory=list)

    @staticmethod
    def get_column_emoji() -> str:
        return "🧮"

    @property
    def required_columns(self) -> list[str]:
        return [TRADE, SESSION, *(check.column for check in self.checks)]

    @property
    def side_effect_columns(self) -> list[str]:
        return [f"{self.name}__trade"]


class ScopedEditColumnConfig(SingleColumnConfig):
    """The mended trade: from the previous one, the refined one and the fields that were criticised."""

    column_type: Literal["scoped-edit"] = "scoped-edit"

    @staticmethod
    def get_column_emoji() -> str:
        return "🩹"

    @property
    def required_columns(self) -> list[str]:
        return [PREVIOUS_TRADE, REFINED_TRADE, CRITICISED_FIELDS]

    @property
    def side_effect_columns(self) -> list[str]:
        return [f"{self.name}__edits", f"{self.name}__undone"]
