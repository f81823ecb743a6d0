"""A dataset in YAML alone, of a user's own, from its first file to its report and its export."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result
from jsonschema import Draft202012Validator

from columns.declared import read_declared
from columns.tables import check_tables
from tests.conftest import ROOT, run_cli

Cli = Callable[..., Result]
ROWS = 20


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user's own, in which `tradelogs new dataset` wrote a dataset."""
    place = tmp_path_factory.mktemp("own")
    result = run_cli("new", "dataset", "market_note", "--root", place)
    assert result.exit_code == 0, result.output
    return place


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    """A run of that dataset on the offline model."""
    run = root / "run"
    result = run_cli("generate", root / "market_note_offline.yaml", "--out", run, "--report")
    assert result.exit_code == 0, result.output
    return run


def test_its_files_are_valid_and_nothing_of_the_project_is_touched(cli: Cli, root: Path) -> None:
    assert cli("validate", root / "market_note_offline.yaml").exit_code == 0
    assert not (ROOT / "columns/market_note").exists()
    assert not any(path.suffix == ".py" for path in root.rglob("*"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Market", "lower-case letters"),
        ("shared", "columns/shared is something else"),
        *((name, "and that is another") for name in ("judge", "variation", "row_id", "critique")),
        ("trade_log", "two datasets of one name"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    cli: Cli, tmp_path: Path, name: str, said: str
) -> None:
    result = cli("new", "dataset", name, "--root", tmp_path)
    assert (result.exit_code, said in result.output, [*tmp_path.iterdir()]) == (2, True, []), result.output


def test_rows_come_out_as_they_went_in(folder: Path, root: Path) -> None:
    schema = json.loads((root / "columns/market_note/market_note.schema.json").read_text())
    lines = [json.loads(line) for line in (folder / "accepted.jsonl").read_text().splitlines()]
    rows = [{key: value for key, value in line.items() if key in schema["properties"]} for line in lines]
    written = dict(pl.read_parquet(folder / "ledger.parquet").select("row_id", "generated_row").rows())
    assert len(rows) == ROWS
    assert [row == json.loads(written[line["row_id"]]) for row, line in zip(rows, lines, strict=True)] == [True] * ROWS
    assert all(Draft202012Validator(schema).is_valid(row) for row in rows)
    assert {"levels" in row for row in rows} == {True, False}  # an optional key, left out by some


def test_ledger_has_its_own_criteria_and_adds_up(folder: Path, root: Path) -> None:
    ledger = pl.read_parquet(folder / "ledger.parquet")
    assert {"clarity", "consistency", "model", "refiner_model", "judge_model"} <= set(ledger.columns)
    assert ledger.filter(pl.col("status") == "accepted").height == ROWS
    assert ledger["refine_passes"].max() > 0  # type: ignore[operator]
    assert check_tables(folder, read_declared(root / "columns/market_note")) == []


def test_the_control_is_obeyed_by_every_accepted_row(folder: Path) -> None:
    accepted = pl.read_parquet(folder / "accepted.parquet")
    assert (accepted["regime"] == accepted["market_note_regime"]).all()


def test_report_and_dictionary_speak_of_notes(folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"validity", "duplicates"} <= {answer["question"] for answer in metrics["answers"]}
    assert (folder / "report.html").stat().st_size > 10_000
    dictionary = json.loads((folder / "data_dictionary.json").read_text())
    assert dictionary["accepted"]["headline"]["description"] == "The note in one sentence."


def test_chat_export_has_a_line_per_row(cli: Cli, folder: Path) -> None:
    result = cli("export", folder, "--to", "chat")
    lines = [json.loads(line) for line in (folder / "exports/chat.jsonl").read_text().splitlines()]
    assert result.exit_code == 0, result.output
    assert len(lines) == ROWS
    assert {"regime", "headline"} <= set(json.loads(lines[0]["messages"][1]["content"]))


def test_same_name_as_a_dataset_of_the_project_is_refused(cli: Cli, tmp_path: Path) -> None:
    result = cli("new", "dataset", "trade_log", "--root", tmp_path)
    assert result.exit_code == 2
    assert "two datasets of one name" in result.output


def test_an_own_dataset_that_takes_a_name_of_the_project_is_refused(cli: Cli, tmp_path: Path) -> None:
    assert cli("new", "dataset", "note", "--root", tmp_path).exit_code == 0
    (tmp_path / "columns/note").rename(tmp_path / "columns/trade_log")
    profile = tmp_path / "note_offline.yaml"
    profile.write_text(profile.read_text().replace("dataset: note", "dataset: trade_log"))
    result = cli("validate", profile)
    assert result.exit_code == 2
    assert "two datasets of one name" in result.output
