"""What verification wants to know of a dataset: its `dataset.yaml`, its row's schema, its judge's criteria."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from columns.declared import pluralise
from designer_configs.compile.profile import Profile


@dataclass(frozen=True)
class Dataset:
    """A dataset as verification sees it.

    `noun` is how people call a row, `row` the column that holds it, `schema` its JSON Schema (None: it is a text).
    `judge` is the judge's column, None without one, `criteria` the names of its scores. `questions` names the module
    that asks. `rows` and `bars` say whether gold is `required`, `optional` or `none`.
    """

    name: str
    noun: str
    row: str
    schema: Mapping[str, Any] | None
    judge: str | None
    criteria: tuple[str, ...]
    questions: str
    rows: str
    bars: str

    @property
    def nouns(self) -> str:
        """How people call several rows."""
        return pluralise(self.noun)


def read_dataset(profile: Profile) -> Dataset:
    """Read the dataset of a profile."""
    declared = profile.dataset
    return Dataset(
        name=declared.name,
        noun=declared.noun,
        row=declared.row,
        schema=declared.schema,
        judge=declared.judge,
        criteria=declared.criteria,
        questions=declared.questions,
        rows="none" if declared.rows_key is None else declared.gold[declared.rows_key],
        bars=declared.gold.get("bars", "none"),
    )
