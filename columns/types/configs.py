"""Configurations of this project's column types.

They stand apart from their generators: Data Designer loads them while it is itself being imported, so they may reach
for nothing but its base classes.
"""

from typing import Literal

from data_designer.config.base import ConfigBase, SingleColumnConfig
from data_designer.config.column_configs import LLMStructuredColumnConfig
from pydantic import Field

ROW_KEY = "variation"
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
    """The grounding seeds: `k` rows of a gold folder's train part, chosen by the controls' match rules.

    With `exact` only those are drawn that agree with every match rule. `dataset` is the folder that declares the rows.
    """

    column_type: Literal["gold-examples"] = "gold-examples"
    dataset: str = ""
    gold: str
    k: int = Field(default=3, ge=1)
    exact: bool = False
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


class FunctionColumnConfig(SingleColumnConfig):
    """What columns share that call a function of their dataset's module.

    `dataset`, `gold`, `seed` and `checks` are filled in when a profile is compiled: the folder that declares the
    dataset, the gold folder, the run's seed, and what the controls ask of fields. `reads` names the columns that the
    function looks at besides the controls'.
    """

    dataset: str = ""
    gold: str = ""
    seed: int = 0
    checks: list[ControlCheck] = Field(default_factory=list)
    reads: list[str] = Field(default_factory=list)

    @property
    def required_columns(self) -> list[str]:
        return list(dict.fromkeys([*self.reads, *(check.column for check in self.checks)]))

    @property
    def side_effect_columns(self) -> list[str]:
        return []


class ComputedColumnConfig(FunctionColumnConfig):
    """A value that a function of the dataset computes, cell by cell, or with `whole` from all rows at once.

    A function that gives a mapping of `sides` besides its value fills side columns; their names are `<name>__<side>`.
    """

    column_type: Literal["computed"] = "computed"
    function: str
    sides: list[str] = Field(default_factory=list)
    whole: bool = False

    @staticmethod
    def get_column_emoji() -> str:
        return "⚙️"

    @property
    def side_effect_columns(self) -> list[str]:
        return [f"{self.name}__{side}" for side in self.sides]


class DerivedColumnConfig(FunctionColumnConfig, LLMStructuredColumnConfig):
    """A row of which a model gives what is its to say, in `output_format`, and a function of the dataset the rest."""

    column_type: Literal["derived"] = "derived"  # a type of its own, asked like its base
    function: str

    @staticmethod
    def get_column_emoji() -> str:
        return "🧩"

    @property
    def required_columns(self) -> list[str]:
        asked = LLMStructuredColumnConfig.required_columns.fget(self)
        return list(dict.fromkeys([*asked, *super().required_columns]))

    @property
    def side_effect_columns(self) -> list[str]:
        return list(LLMStructuredColumnConfig.side_effect_columns.fget(self))


class RowChecksColumnConfig(FunctionColumnConfig):
    """The checks of a row, by the dataset's `check_row` or by a `function` of its module."""

    column_type: Literal["row-checks"] = "row-checks"
    row: str = ""
    function: str | None = None

    @staticmethod
    def get_column_emoji() -> str:
        return "🧮"

    @property
    def required_columns(self) -> list[str]:
        return [self.row, *super().required_columns]

    @property
    def side_effect_columns(self) -> list[str]:
        return [f"{self.name}__{self.row}"]


class ScopedEditColumnConfig(SingleColumnConfig):
    """The mended row: from the previous one, the refined one and the fields that were criticised.

    In a `form` other than the whole one all edits are kept: a refined row's fields were computed from one another.
    """

    column_type: Literal["scoped-edit"] = "scoped-edit"
    dataset: str = ""
    form: str = "whole"

    @staticmethod
    def get_column_emoji() -> str:
        return "🩹"

    @property
    def required_columns(self) -> list[str]:
        return [f"prev_{self.name}", f"refined_{self.name}", CRITICISED_FIELDS]

    @property
    def side_effect_columns(self) -> list[str]:
        return [f"{self.name}__edits", f"{self.name}__undone"]


COLUMN_TYPES: dict[str, type[SingleColumnConfig]] = {
    "gold-examples": GoldExamplesColumnConfig,
    "computed": ComputedColumnConfig,
    "derived": DerivedColumnConfig,
    "row-checks": RowChecksColumnConfig,
    "scoped-edit": ScopedEditColumnConfig,
}
"""The column types this project adds to Data Designer, by name."""
