"""Feast takes the folder as it is, and joins at a trade's moments what our own attachment of indicators gives."""

import ast
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from exports.export import export_run
from exports.feast import STAMP, count_late, list_views, stamp_bars, write_features
from gold_data.markets import USUAL
from gold_data.store import load_gold
from indicators.attach import attach_indicators
from indicators.technicals import INDICATORS
from tests.conftest import ROOT

FEAST = ROOT / ".venv-feast/bin/python"
NAMES = list(INDICATORS)


def make_bars(count: int) -> pl.DataFrame:
    start = datetime(2024, 10, 1, 13, 30, tzinfo=UTC)
    rows = [(f"{i % 7 + 10:.1f}", start + timedelta(minutes=i)) for i in range(count)]
    prices = pl.Series([float(price) for price, _ in rows])
    frame = pl.DataFrame({"ticker": "SPY", "timestamp": [moment for _, moment in rows], "open": prices})
    zoned = frame.with_columns(pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.cast_time_unit("us"))
    return zoned.with_columns(high=pl.col("open") + 1, low=pl.col("open") - 1, close="open", volume=pl.lit(100.0))


def test_a_bar_is_known_when_its_minute_is_over() -> None:
    stamped = stamp_bars(make_bars(30), ["atr_14"], USUAL)
    assert stamped[STAMP][0] == datetime(2024, 10, 1, 13, 31, tzinfo=UTC)
    assert stamped.columns == ["ticker", STAMP, "atr_14"]
    assert stamped["atr_14"].null_count() < 30


def test_a_trade_is_known_at_its_entry_and_its_end_at_its_exit(run_folder: Path) -> None:
    accepted = pl.read_parquet(run_folder / "accepted.parquet")
    views = list_views(accepted, ["rsi_14"])
    assert views["trade_entry"][STAMP].to_list() == accepted["entry_time"].to_list()
    assert views["trade_outcome"][STAMP].to_list() == accepted["exit_time"].to_list()
    assert not {"exit_price", "trade_percent_change"} & set(views["trade_entry"].columns)


def test_a_trade_whose_last_bar_is_older_than_the_ttl_is_counted() -> None:
    bars = make_bars(10)  # the last is complete at 13:40
    entries = [datetime(2024, 10, 1, 13, minute, tzinfo=UTC) for minute in (20, 41, 50, 51)]
    trades = pl.DataFrame({"ticker": "SPY", "entry_time": entries})
    assert count_late(trades, bars, timedelta(minutes=10)) == 1


def test_the_declarations_are_python_that_names_every_column() -> None:
    schema = pl.Schema({"row_id": pl.String(), STAMP: pl.Datetime("us"), "ticker": pl.String(), "rsi_14": pl.Float64()})
    text = write_features({"trade_entry": schema}, timedelta(minutes=30))
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    fields = [ast.unparse(node) for node in calls if ast.unparse(node.func) == "Field"]
    assert fields == ["Field(name='ticker', dtype=String)", "Field(name='rsi_14', dtype=Float64)"]


@pytest.mark.slow
@pytest.mark.skipif(not FEAST.is_file(), reason="Feast is not set up: make feast")
def test_feast_joins_what_we_attach_and_no_outcome_at_the_entry(run_folder: Path, tmp_path: Path) -> None:
    folder = export_run(run_folder, "feast", tmp_path / "repository").path
    gold, accepted = load_gold(run_folder / "gold"), pl.read_parquet(run_folder / "accepted.parquet")
    assert gold.bars is not None
    zone = str(gold.bars.schema["timestamp"].time_zone)  # type: ignore[attr-defined]
    real = gold.train.select("ticker", pl.col("entry_time").dt.convert_time_zone(zone), trade="trade_id")
    made = accepted.select("row_id", "entry_time", trade="row_id")
    asked = pl.concat([real, made], how="diagonal_relaxed").rename({"entry_time": STAMP})
    asked.with_columns(pl.col(STAMP).dt.convert_time_zone("UTC")).write_parquet(tmp_path / "asked.parquet")
    first = accepted.row(0, named=True)
    command = [FEAST, Path(__file__).with_name("feast_session.py"), folder, tmp_path / "asked.parquet"]
    subprocess.run([*map(str, command), first["row_id"], str(tmp_path)], check=True, timeout=600)

    bars, entry, outcome = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("bars", "entry", "outcome"))
    expected = attach_indicators(real, gold.bars, NAMES)
    assert find_differences(expected, bars) == []
    assert find_differences(accepted.rename({"row_id": "trade"}), entry) == []
    assert outcome["exit_price"].fill_nan(None).is_null().all()
    online = json.loads((tmp_path / "online.json").read_text())
    assert online["exit_price"] == [pytest.approx(first["exit_price"], abs=1e-9)]


def find_differences(expected: pl.DataFrame, joined: pl.DataFrame) -> list[tuple[str, str]]:
    """List trade and indicator where a join differs from what is expected, by more than 1e-9 of its size."""
    both = expected.join(joined, on="trade", how="left", suffix="_joined", maintain_order="left")
    assert both.height == expected.height
    found = []
    for name in NAMES:
        pairs = both.select("trade", ours=pl.col(name).fill_nan(None), theirs=pl.col(f"{name}_joined").fill_nan(None))
        near = (pl.col("ours") - pl.col("theirs")).abs() <= 1e-9 * pl.max_horizontal(pl.col("ours").abs(), 1.0)
        wrong = pairs.filter(~(near | (pl.col("ours").is_null() & pl.col("theirs").is_null())).fill_null(value=False))
        found += [(trade, name) for trade in wrong["trade"]]
    return found
