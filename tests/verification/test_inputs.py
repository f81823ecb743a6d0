"""What a run's folder must hold to be verified, and what it may lack."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from designer_configs.compile.controls import Control
from verification.delivery import declare_shares
from verification.errors import VerificationError
from verification.inputs import read_run
from verification.trades.features import EXITS
from verification.trades.table import CONDITIONS, name_controlled

NEEDED = ("profile.yaml", "accepted.parquet", "gold/limits.json", "gold/train.parquet", "gold/holdout.parquet")


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
    assert run.synthetic.height == 60
    assert run.synthetic["trade_id"].n_unique() == 60
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
    names = ("bars.parquet", "ledger.parquet", "usage.json")
    assert read_run(run).notes == tuple(f"{name} is missing, {left_out}" for name in names)


@pytest.mark.parametrize("name", ["bars.parquet", "ledger.parquet", "usage.json", "gold/bars.parquet"])
@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", b"[]", b"null", b'{"by_stage": [{"x": 1}]}'])
def test_what_is_not_needed_may_be_damaged(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    assert f"{name} cannot be read, so what is told from it is left out" in read_run(run).notes


def test_a_ledger_of_another_table_is_left_out(run: Path) -> None:
    pl.DataFrame({"status": ["accepted"]}).write_parquet(run / "ledger.parquet")
    assert read_run(run).ledger.is_empty()


def test_a_folder_with_brackets_in_its_name(run: Path) -> None:
    assert read_run(run.rename(run.with_name("run[1]"))).synthetic.height == 60


def test_gold_without_a_trade_is_named(run: Path) -> None:
    path = run / "gold/train.parquet"
    pl.read_parquet(path).clear().write_parquet(path)
    with pytest.raises(VerificationError, match="has no trade"):
        read_run(run)


def test_times_come_on_the_exchanges_clock(run: Path) -> None:
    path = run / "accepted.parquet"
    accepted = pl.read_parquet(path)
    accepted.with_columns(pl.col("entry_time").dt.convert_time_zone("UTC")).write_parquet(path)
    assert read_run(run).synthetic["entry_time"].to_list() == accepted["entry_time"].to_list()


def test_times_that_are_text_are_named(run: Path) -> None:
    path = run / "accepted.parquet"
    pl.read_parquet(path).with_columns(pl.col("entry_time").cast(pl.String)).write_parquet(path)
    with pytest.raises(VerificationError, match="entry_time is String; it should be a time with a zone"):
        read_run(run)


@pytest.mark.parametrize("name", ["profile.yaml", "accepted.parquet", "gold/limits.json"])
def test_what_is_needed_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    with pytest.raises(VerificationError, match=name):
        read_run(run)


@pytest.mark.parametrize("name", ["accepted.parquet", "gold/train.parquet", "gold/holdout.parquet"])
def test_a_damaged_file_is_named(run: Path, name: str) -> None:
    (run / name).write_bytes(b"PAR1 and then nothing")
    with pytest.raises(VerificationError, match="cannot be read"):
        read_run(run)


def test_a_column_that_is_missing_is_named(run: Path) -> None:
    accepted = pl.read_parquet(run / "accepted.parquet").drop("entry_price")
    accepted.write_parquet(run / "accepted.parquet")
    with pytest.raises(VerificationError, match="entry_price is missing"):
        read_run(run)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="is no folder"):
        read_run(tmp_path / "nothing")


def test_a_control_sets_the_feature_of_its_field() -> None:
    controls = [make_control("volatility", "entry_volatility_percent"), make_control("symbol", "ticker")]
    assert name_controlled(controls) == ("entry_volatility_percent",)
    assert name_controlled([]) == ()


def test_a_control_may_set_an_outcome() -> None:
    fields = ("exit_time", "trade_percent_change", "best_exit_percent", "worst_exit_percent")
    assert name_controlled([make_control(field, field) for field in fields]) == EXITS
    assert name_controlled([make_control("symbol", "ticker")]) == ()
    mixed = [make_control("change", "trade_percent_change"), make_control("mood", None)]
    assert set(name_controlled(mixed)) == {*CONDITIONS, "trade_percent_change"}


def test_a_control_without_a_field_may_set_anything_known_at_the_entry() -> None:
    assert name_controlled([make_control("mood", None)]) == CONDITIONS


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
