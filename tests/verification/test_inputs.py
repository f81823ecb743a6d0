"""What a run's folder must hold to be verified, and what it may lack."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from columns.declared import pluralise
from designer_configs.compile.controls import Control
from verification.delivery import declare_shares
from verification.errors import VerificationError
from verification.inputs import read_run

NEEDED = ("profile.yaml", "accepted.parquet", "gold/train.parquet", "gold/holdout.parquet")


@pytest.fixture
def run(run_folder: Path, tmp_path: Path) -> Path:
    """Give a copy of a small run with no more than is needed."""
    for name in NEEDED:
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(run_folder / name, tmp_path / "run" / name)
    return tmp_path / "run"


def make_control(name: str, field: str | None, **column: object) -> Control:
    rule = {"field": field} if field else None
    return Control({"name": name, **column}, "", rule, rule)


def test_a_run_is_read_with_its_controls(run_folder: Path) -> None:
    run = read_run(run_folder)
    assert run.accepted.height == 60
    assert run.accepted["row_id"].n_unique() == 60
    assert [declared.name for declared in run.declared] == [
        "target_volatility",
        "ticker",
        "trade_type",
        "session_period",
    ]
    assert all(sum(declared.weights or ()) == pytest.approx(1.0) for declared in run.declared)
    assert run.notes == ()
    assert run.bars is not None
    assert run.holdout_bars is not None
    assert run.calibration is None


def test_what_is_not_needed_may_be_missing(run: Path) -> None:
    left_out = "so what is told from it is left out"
    names = ("ledger.parquet", "usage.json")
    assert read_run(run).notes == tuple(f"{name} is missing, {left_out}" for name in names)


@pytest.mark.parametrize("name", ["ledger.parquet", "usage.json", "gold/bars.parquet"])
@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", b"[]", b"null", b'{"by_stage": [{"x": 1}]}'])
def test_what_is_not_needed_may_be_damaged(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    assert f"{name} cannot be read, so what is told from it is left out" in read_run(run).notes


def test_a_ledger_of_another_table_is_left_out(run: Path) -> None:
    pl.DataFrame({"status": ["accepted"]}).write_parquet(run / "ledger.parquet")
    assert read_run(run).ledger.is_empty()


def test_a_folder_with_brackets_in_its_name(run: Path) -> None:
    assert read_run(run.rename(run.with_name("run[1]"))).accepted.height == 60


def test_gold_without_a_trade_is_named(run: Path) -> None:
    path = run / "gold/train.parquet"
    pl.read_parquet(path).clear().write_parquet(path)
    with pytest.raises(VerificationError, match="has no row"):
        read_run(run)


@pytest.mark.parametrize("name", ["profile.yaml", "accepted.parquet", "gold/train.parquet"])
def test_what_is_needed_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    with pytest.raises(VerificationError, match=name):
        read_run(run)


@pytest.mark.parametrize("name", ["accepted.parquet", "gold/train.parquet", "gold/holdout.parquet"])
def test_a_damaged_file_is_named(run: Path, name: str) -> None:
    (run / name).write_bytes(b"PAR1 and then nothing")
    with pytest.raises(VerificationError, match="cannot be read"):
        read_run(run)


def test_gold_may_be_missing_where_the_dataset_needs_none(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_run(run).dataset
    monkeypatch.setattr("verification.inputs.read_dataset", lambda _: replace(whole, rows="optional"))
    path = run / "gold/train.parquet"
    rows = pl.read_parquet(path)
    rows.clear().write_parquet(run / "gold/holdout.parquet")
    found = read_run(run)
    assert (found.train is not None, found.holdout) == (True, None)


def test_a_dataset_is_read_with_its_criteria(run: Path) -> None:
    dataset = read_run(run).dataset
    assert (dataset.row, dataset.criteria) == ("trade", ("realism", "consistency", "completeness"))
    assert dataset.schema is not None
    assert dataset.schema["properties"]["ticker"]["type"] == "string"


@pytest.mark.parametrize(
    ("noun", "nouns"), [("trade", "trades"), ("strategy", "strategies"), ("day", "days"), ("match", "matches")]
)
def test_nouns_have_their_plural(noun: str, nouns: str) -> None:
    assert pluralise(noun) == nouns


def test_accepted_rows_without_ids_are_named(run: Path) -> None:
    path = run / "accepted.parquet"
    pl.read_parquet(path).drop("row_id").write_parquet(path)
    with pytest.raises(VerificationError, match="the column row_id is missing"):
        read_run(run)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="is no folder"):
        read_run(tmp_path / "nothing")


def test_declared_shares_sum_to_one_and_may_be_left_out() -> None:
    sampled = {"sampler_type": "category"}
    weighted = declare_shares(make_control("a", None, **sampled, params={"values": ["x", "y"], "weights": [1, 3]}))
    assert weighted.weights == (0.25, 0.75)
    even = declare_shares(make_control("a", None, **sampled, params={"values": ["x", "y"]}))
    assert even.weights == (0.5, 0.5)
    assert declare_shares(make_control("a", None, sampler_type="uniform", params={"low": 0, "high": 1})).values == ()


def test_shares_that_depend_on_another_column_are_not_declared() -> None:
    sampled = {"sampler_type": "category", "params": {"values": ["x"]}, "conditional_params": {"b == 1": {}}}
    assert declare_shares(make_control("a", None, **sampled)).values == ()


def test_a_declared_control_knows_its_field_and_tolerance() -> None:
    column = {"name": "a", "sampler_type": "category", "params": {"values": [0.3, 0.4]}}
    rule = {"field": "entry_volatility_percent", "tolerance": 0.05}
    for control in (Control(column, "", rule, None), Control(column, "", None, rule)):
        declared = declare_shares(control)
        assert (declared.field, declared.tolerance) == ("entry_volatility_percent", 0.05)
