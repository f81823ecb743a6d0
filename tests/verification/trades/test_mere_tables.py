"""Rows that other tools made are held against gold, without a run around them."""

import json
from pathlib import Path

import polars as pl
import pytest

from gold_data.markets import read_markets
from gold_data.sample.build import SAMPLE
from verification.errors import VerificationError
from verification.trades.mere_tables import list_notes, read_parts, read_trades, verify_tables


def write_rows(place: Path, *, zoned: bool = False) -> Path:
    rows = pl.read_csv(SAMPLE / "trades.csv", infer_schema=False).head(120)
    if zoned:
        rows = rows.with_columns(
            pl.concat_str(pl.col("entry_time").str.slice(0, 19), pl.lit("-05:00")).alias("entry_time")
        )
    rows.write_csv(place / "rows.csv")
    return place / "rows.csv"


def test_rows_are_read_as_they_are(tmp_path: Path) -> None:
    trades = read_trades(write_rows(tmp_path))
    assert trades.height == 120
    assert trades["session_date"].to_list() == trades["entry_time"].dt.date().to_list()
    assert trades["trade_percent_change"].is_finite().all()
    assert read_trades(write_rows(tmp_path, zoned=True))["entry_time"].null_count() == 0


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path)
    pl.read_csv(path).drop("exit_price").write_csv(path)
    with pytest.raises(VerificationError, match="exit_price is missing"):
        read_trades(path)


def test_the_last_sessions_of_a_table_are_held_out() -> None:
    train, holdout, _ = read_parts(SAMPLE / "trades.csv")
    assert train["session_date"].max() < holdout["session_date"].min()  # type: ignore[operator]


def test_times_and_days_are_those_of_the_golds_market(tmp_path: Path) -> None:
    path = write_rows(tmp_path)
    late = pl.col("entry_time").str.replace(r"\d\d:\d\d:\d\d", "23:30:00")
    pl.read_csv(path, infer_schema=False).with_columns(late).write_csv(path)
    trades = read_trades(path, read_markets("24/7", "here"), "UTC")
    assert trades.schema["entry_time"] == pl.Datetime("us", "UTC")
    assert trades["session_date"].to_list() == trades["entry_time"].dt.date().to_list()


def test_gold_rows_that_break_a_rule_are_noted(tmp_path: Path) -> None:
    path = write_rows(tmp_path)
    table = pl.read_csv(path, infer_schema=False)
    table.with_columns(pl.Series("entry_price", ["-1", *table["entry_price"][1:]])).write_csv(path)
    (note,) = list_notes(read_parts(path)[2], path, 0)
    assert note.startswith(f"1 row of {path} breaks a rule and is left out, on line 2: entry_price -1")
    assert list_notes(read_parts(SAMPLE / "trades.csv")[2], path, 2) == [
        "2 rows have values that are missing or not finite"
    ]


@pytest.mark.slow
def test_two_tables_are_verified(tmp_path: Path) -> None:
    metrics = verify_tables(write_rows(tmp_path), SAMPLE / "trades.csv", tmp_path / "out", lambda _: None)
    assert metrics["overall"]["verdict"] == "overfit (copies)"
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["summary"]["sentence"].startswith("These trades")
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_rounded_result_has_the_digits_of_the_golds(tmp_path: Path) -> None:
    path = write_rows(tmp_path)
    own = read_trades(path)["trade_percent_change"].to_list()
    table = pl.read_csv(path).drop("trade_percent_change", strict=False)
    stated = [round(change, 2) for change in own[:-1]] + [own[-1] + 1.0]
    table.with_columns(pl.Series("trade_percent_change", stated)).write_csv(path)
    found = read_trades(path)["trade_percent_change"].to_list()
    assert found[:-1] == own[:-1]
    assert found[-1] == stated[-1]  # what prices do not give stays, for validity to count
