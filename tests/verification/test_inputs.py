"""What a run's folder must hold to be verified, and what it may lack."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from designer_configs.controls import Control
from verification.errors import VerificationError
from verification.inputs import CONDITIONS, declare_shares, name_controlled, read_run

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
    assert run.missing == ()
    assert run.calibration is None


def test_what_is_not_needed_may_be_missing(run: Path) -> None:
    assert read_run(run).missing == ("bars.parquet", "ledger.parquet", "usage.json")


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


def test_a_control_without_a_field_may_set_anything_known_at_the_entry() -> None:
    assert name_controlled([make_control("mood", None)]) == CONDITIONS


def test_declared_shares_sum_to_one_and_may_be_left_out() -> None:
    sampled = {"sampler_type": "category"}
    weighted = declare_shares(make_control("a", None, **sampled, params={"values": ["x", "y"], "weights": [1, 3]}))
    assert weighted is not None
    assert weighted.weights == (0.25, 0.75)
    even = declare_shares(make_control("a", None, **sampled, params={"values": ["x", "y"]}))
    assert even is not None
    assert even.weights == (0.5, 0.5)
    assert declare_shares(make_control("a", None, sampler_type="uniform", params={"low": 0, "high": 1})) is None
