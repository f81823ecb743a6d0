"""Every dataset's cases break the rules that they say."""

from pathlib import Path

import pytest

from columns.cases import read_cases, run_cases
from columns.dataset import PROJECT_ROOT
from columns.declared import CASES_FILE, read_declared

FOLDERS = sorted(path.parent for path in (PROJECT_ROOT / "columns").glob(f"*/{CASES_FILE}"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_rows_break_the_rules_that_their_cases_say(folder: Path) -> None:
    assert len(read_cases(folder)) > 10
    assert run_cases(read_declared(folder)) == []


def test_a_case_that_does_not_hold_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "columns" / "note"
    folder.mkdir(parents=True)
    (folder / "dataset.yaml").write_text("row: note\nplan: []\ngenerate: [note]\n")
    (folder / "note.yaml").write_text(
        "name: note\ncolumn_type: llm-structured\nmodel_alias: a\n"
        "output_format: {type: object, required: [size], properties: {size: {type: number}}}\n"
    )
    (folder / CASES_FILE).write_text("row: {size: 1}\ncases:\n  - {name: small, breaks: [control]}\n")
    assert run_cases(read_declared(folder)) == ["small: breaks [], should break ['control']"]
