"""What verification wants to know of a dataset: its `dataset.yaml`, its row's schema, its judge's criteria."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from designer_configs.compile.profile import PROJECT_ROOT, Profile

TEXTS = "verification.texts.questions"
DEFAULTS: Mapping[str, Any] = {"noun": "row", "judge": None, "questions": TEXTS, "gold": {}}
# Until its own file says so.
TRADE_LOG: Mapping[str, Any] = {
    "noun": "trade",
    "row": "trade",
    "judge": "judge",
    "questions": "verification.trades.questions",
    "gold": {"rows": "required", "bars": "optional"},
}


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
    """Read the dataset of a profile; the profile was checked, and its dataset with it."""
    folder = PROJECT_ROOT / "columns" / profile.dataset
    known = TRADE_LOG if profile.dataset == "trade_log" else {}
    declared = {**DEFAULTS, **known, **_read(folder / "dataset.yaml")}
    row, judge = str(declared["row"]), declared["judge"]
    scores = _read(folder / f"{judge}.yaml")["scores"] if judge else []
    form = _read(folder / f"{row}.yaml").get("output_format")
    return Dataset(
        name=profile.dataset,
        noun=str(declared["noun"]),
        row=row,
        schema=json.loads((PROJECT_ROOT / form).read_text(encoding="utf-8")) if isinstance(form, str) else form,
        judge=judge,
        criteria=tuple(str(score["name"]) for score in scores),
        questions=str(declared["questions"]),
        rows=str(declared["gold"].get("rows", "none")),
        bars=str(declared["gold"].get("bars", "none")),
    )


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def pluralise(noun: str) -> str:
    """Return the plural of an English noun that has a regular one."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"
