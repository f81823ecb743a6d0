"""What holds across the tables of a run."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.declared import Declared, read_declared
from columns.tables import check_tables
from tests.conftest import ROOT

STATUS = {"a": "accepted", "b": "rejected", "c": "accepted"}


@pytest.fixture(scope="module")
def trades() -> Declared:
    """The dataset `trade_log`."""
    return read_declared(ROOT / "columns/trade_log")


def write_tables(folder: Path, dataset: Declared, accepted: str, rejected: str, bars: str | None = None) -> None:
    """Write a ledger of three candidates and the tables that have the rows named."""
    row: dict[str, Any] = {"round": 1, "reason": None, "refine_passes": 0, "critiques": [], "generated_row": "{}"}
    rows = [{"row_id": key, "status": status, **row, "gold_example_ids": ["gold-1"]} for key, status in STATUS.items()]
    types: dict[str, Any] = {"critiques": pl.List(pl.String), "reason": pl.String}
    ledger = pl.DataFrame(rows, schema_overrides=types).with_columns(
        pl.lit(4, pl.Int64).alias(name) for name in dataset.criteria
    )
    ledger.write_parquet(folder / "ledger.parquet")
    ledger.filter(pl.col("row_id").is_in(list(accepted))).write_parquet(folder / "accepted.parquet")
    ledger.filter(pl.col("row_id").is_in(list(rejected))).write_parquet(folder / "rejected.parquet")
    if bars is not None:
        pl.DataFrame({"row_id": list(bars)}).write_parquet(folder / "bars.parquet")


@pytest.mark.parametrize("bars", [None, "aac"])
def test_sound_tables(tmp_path: Path, trades: Declared, bars: str | None) -> None:
    write_tables(tmp_path, trades, "ac", "b", bars)
    assert check_tables(tmp_path, trades) == []


@pytest.mark.parametrize(
    ("accepted", "rejected", "bars", "said"),
    [
        ("a", "b", None, "ledger.parquet: 1 rows break 'stands_where_its_status_says'"),
        ("ac", "", None, "such as b"),
        ("abc", "", None, "rejected have the rows of the ledger"),
        ("ac", "b", "ab", "bars.parquet: 1 rows break 'has_bars_if_accepted'"),
        ("ac", "b", "a", "every accepted row has bars, and no other row), such as c"),
    ],
)
def test_what_does_not_hold_is_said(
    tmp_path: Path, trades: Declared, accepted: str, rejected: str, bars: str | None, said: str
) -> None:
    write_tables(tmp_path, trades, accepted, rejected, bars)
    assert any(said in sentence for sentence in check_tables(tmp_path, trades))


def test_a_table_that_is_no_table_is_named(tmp_path: Path, trades: Declared) -> None:
    write_tables(tmp_path, trades, "ac", "b")
    (tmp_path / "accepted.parquet").write_bytes(b"no parquet")
    assert [sentence.split(":")[0] for sentence in check_tables(tmp_path, trades)] == ["accepted.parquet"]
