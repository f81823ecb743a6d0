"""A dataset with Python of a user's own: what it raises is a row's failure, and several in a row end the run."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

Cli = Callable[..., Result]
CODE = """
from columns.dataset import Dataset as Base


class Dataset(Base):
    def check_row(self, row, plan, given):
        if {when}:
            raise ValueError("the moon is full")
        return super().check_row(row, plan, given)
"""


def write_dataset(cli: Cli, place: Path, when: str) -> Path:
    assert cli("new", "dataset", "note", "--root", place).exit_code == 0
    folder = place / "columns/note"
    (folder / "dataset.py").write_text(CODE.format(when=when))
    declared = folder / "dataset.yaml"
    declared.write_text(declared.read_text().replace("row: note\n", "row: note\ncode: columns.note.dataset\n"))
    profile = place / "note_offline.yaml"
    profile.write_text(profile.read_text().replace("accepted: 20", "accepted: 8"))
    return profile


def test_a_hook_that_raises_fails_its_row_and_the_run_goes_on(cli: Cli, tmp_path: Path) -> None:
    profile = write_dataset(cli, tmp_path, 'plan["variation"] % 5 == 0')
    result = cli("generate", profile, "--out", tmp_path / "run", "--no-report")
    ledger = pl.read_parquet(tmp_path / "run/ledger.parquet")
    failed = ledger.filter(pl.col("status") == "failed")
    assert result.exit_code == 0, result.output
    assert failed["reason"].str.contains("function check_row raised ValueError: the moon is full").all()


def test_a_hook_that_always_raises_ends_the_run(cli: Cli, tmp_path: Path) -> None:
    profile = write_dataset(cli, tmp_path, "True")
    result = cli("generate", profile, "--out", tmp_path / "run", "--no-report")
    assert result.exit_code == 1
    assert "check_row raised ValueError: the moon is full. 3 rows in a row: mend the function" in result.output


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("columns.note.dataset", "columns.note.nothing", "there is no module columns.note.nothing"),
        ("exports: [chat]", "exports: [chart]", "there is no columns/note/exports/chart.yaml; did you mean chat?"),
        ("judge: judge", "judge: jury", "the loop reads the column jury (judge): add it"),
        ("row: note\n", "row: nota\n", "the loop reads the column nota (row): add it"),
        ("checks: [checks]", "checks: [check]", "the loop reads the column check (checks): add it"),
        ("acceptance: {clarity: 4,", "acceptance: {clarty: 4,", "the judge does not score it; did you mean clarity?"),
    ],
)
def test_what_dataset_yaml_names_and_is_not_there_is_said(
    cli: Cli, tmp_path: Path, old: str, new: str, said: str
) -> None:
    profile = write_dataset(cli, tmp_path, "False")
    declared = tmp_path / "columns/note/dataset.yaml"
    declared.write_text(declared.read_text().replace(old, new))
    result = cli("validate", profile)
    assert result.exit_code == 2
    assert said in result.output
    assert "columns/note/dataset.yaml:" in result.output
