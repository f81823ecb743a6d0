"""Prompts begin with what is the same for all rows, so that providers may keep their beginning."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from designer_configs.compile.checks.project import PROJECT_ROOT

LABEL = re.compile(r"#.*|[A-Z][a-z]+:")  # a heading, or a word before a value


def list_prompts() -> Iterator[tuple[str, str]]:
    for path in sorted((PROJECT_ROOT / "columns").glob("*/**/*.yaml")):
        column: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        forms: Any = {"whole": column, **column.get("forms", {})} if isinstance(column, dict) else {}
        for name, form in forms.items():
            if "column_type" in column and "prompt" in form:
                yield f"{path.relative_to(PROJECT_ROOT / 'columns')}:{name}", form["prompt"]


PROMPTS = dict(list_prompts())


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_after_the_first_value_of_a_row_come_headings_and_values_alone(prompt: str) -> None:
    _, _, varied = prompt.partition("{{")
    said = re.sub(r"\{\{.*?\}\}", "", "{{" + varied)
    assert [line for line in said.splitlines() if line.strip() and not LABEL.fullmatch(line.strip())] == []


def test_every_dataset_has_a_prompt_that_is_held() -> None:
    held = {name.partition("/")[0] for name in PROMPTS}
    assert held == {path.parent.name for path in (PROJECT_ROOT / "columns").glob("*/dataset.yaml")}
