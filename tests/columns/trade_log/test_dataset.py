"""What a trade needs beyond its YAML: zoned times, its mark, its rules for a prompt, bars and indicators."""

import json
from collections.abc import Callable
from datetime import date, datetime
from math import inf
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from columns.dataset import Finished, FinishRequest, Given, load_dataset
from columns.rows import frame_rows
from columns.trade_log.dataset import assemble_trades, describe_rules, say_market
from designer_configs.compile.checks.project import PROJECT_ROOT
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.ingest import read_gold
from gold_data.trades.rules import fingerprint
from gold_data.trades.schema import NUMBER_FIELDS, load_core_schema

MakeGold = Callable[..., Path]
NEW_YORK = ZoneInfo("America/New_York")
TRADE_LOG = load_dataset(PROJECT_ROOT / "columns/trade_log")
SAMPLE = PROJECT_ROOT / "gold_data/sample"
CORE = {
    "ticker": "SIM1",
    "trade_type": "buy",
    "entry_time": "10:00:00",
    "exit_time": "10:20:00",
    "entry_price": 100.0,
    "exit_price": 101.0,
    "entry_volatility_percent": 0.5,
    "worst_exit_percent": -0.4,
    "best_exit_percent": 1.2,
}


def accept(rows: list[dict[str, Any]]) -> pl.DataFrame:
    ids = pl.Series("row_id", [f"row-{number}" for number in range(len(rows))], dtype=pl.String)
    return frame_rows(rows, TRADE_LOG.declared).insert_column(0, ids)


def assemble(rows: list[dict[str, Any]], *sessions: date) -> pl.DataFrame:
    return assemble_trades(accept(rows), sessions)


def test_times_are_zoned_in_the_trades_session() -> None:
    row = assemble([CORE], date(2024, 3, 5)).row(0, named=True)
    assert row["entry_time"] == datetime(2024, 3, 5, 10, 0, tzinfo=NEW_YORK)
    assert row["exit_time"] == datetime(2024, 3, 5, 10, 20, tzinfo=NEW_YORK)
    assert row["session_date"] == date(2024, 3, 5)


def test_daylight_saving_is_the_sessions_own() -> None:
    trades = assemble([CORE, CORE], date(2024, 3, 8), date(2024, 3, 11))
    assert [moment.utcoffset().total_seconds() / 3600 for moment in trades["entry_time"]] == [-5, -4]


@pytest.mark.parametrize("exit_time", ["09:45:00", "10:00:00"])
def test_exit_not_after_the_entry_is_in_the_next_session(exit_time: str) -> None:
    row = assemble([CORE | {"exit_time": exit_time}], date(2024, 3, 28)).row(0, named=True)
    assert row["exit_time"].date() == date(2024, 4, 1)  # over Good Friday and a weekend


@pytest.mark.parametrize(("trade_type", "percent"), [("buy", 1.0), ("short", -1.0)])
def test_percent_change_is_signed_in_the_trades_direction(trade_type: str, percent: float) -> None:
    trades = assemble([CORE | {"trade_type": trade_type}], date(2024, 3, 5))
    assert trades["trade_percent_change"].item() == pytest.approx(percent, abs=1e-12)


def test_whole_numbers_of_a_model_are_numbers_all_the_same() -> None:
    assert assemble([CORE | {"entry_price": 100}], date(2024, 3, 5))["entry_price"].item() == 100.0


def test_no_trades_make_an_empty_frame_of_the_same_columns() -> None:
    empty, full = assemble([]), assemble([CORE], date(2024, 3, 5))
    assert empty.schema == full.schema


def test_what_comes_with_a_trade_stays_with_it() -> None:
    accepted = accept([CORE]).with_columns(realism=5, mood=pl.lit("calm"))
    row = assemble_trades(accepted, [date(2024, 3, 5)]).row(0, named=True)
    assert (row["row_id"], row["ticker"], row["realism"], row["mood"]) == ("row-0", "SIM1", 5, "calm")


NUMBERS = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, inf, 1e-320])
FINITE = st.fixed_dictionaries(dict.fromkeys(NUMBER_FIELDS, st.sampled_from([0.0, -0.0, 1.0, 2.5])))
MARKS = st.fixed_dictionaries(dict.fromkeys(NUMBER_FIELDS, NUMBERS))


@given(MARKS, MARKS, st.sampled_from(NUMBER_FIELDS))
def test_trades_are_one_where_their_numbers_are_equal(
    one: dict[str, float], other: dict[str, float], name: str
) -> None:
    near = one | {name: other[name]}
    for second in (other, near, dict(one)):
        same = fingerprint(one) == fingerprint(second)
        assert (TRADE_LOG.identify(CORE | one) == TRADE_LOG.identify(second | {"ticker": "IBM"})) is same


@given(FINITE, FINITE, st.sampled_from(NUMBER_FIELDS), st.sampled_from(NUMBER_FIELDS))
def test_trades_mark_one_another_as_copies_where_four_of_five_numbers_are_equal(
    one: dict[str, float], other: dict[str, float], first: str, second: str
) -> None:
    near = one | {first: other[first], second: other[second]}
    equal = sum(one[name] == near[name] for name in NUMBER_FIELDS)
    marks = [set(TRADE_LOG.list_marks(CORE | numbers)) for numbers in (one, near)]
    assert bool(marks[0] & marks[1]) is (equal >= 4)


def test_copy_is_named_by_the_trade_it_copies() -> None:
    violation = TRADE_LOG.name_copy(CORE, "gold-0007")
    assert (violation.rule, violation.found, violation.mend) == ("copy", "copy of gold-0007", False)


@pytest.fixture
def gold(make_gold: MakeGold) -> GoldFolder:
    return GoldFolder(make_gold(("2024-10-01", "IBM", 0.4), ("2024-10-01", "SPY", 0.4), ("2024-10-02", "HELD", 0.4)))


def say_rules(gold: GoldFolder, row: dict[str, Any], **asked: str) -> str:
    return describe_rules(row, Given(TRADE_LOG, gold, {field: (column, None) for field, column in asked.items()}))


def test_row_with_a_ticker_is_told_the_prices_of_that_one(gold: GoldFolder) -> None:
    spy, ibm = (
        say_rules(gold, {"session_date": "2024-10-01", "symbol": name}, ticker="symbol") for name in ("SPY", "IBM")
    )
    assert "Ticker: SPY.\n- Price of SPY: 98.91 to 106.09." in spy
    assert "Ticker: IBM.\n- Price of IBM: " in ibm
    assert "IBM" not in spy


def test_row_without_a_ticker_is_told_the_prices_of_all_in_the_train_part(gold: GoldFolder) -> None:
    rules = say_rules(gold, {"session_date": "2024-10-01"})
    assert "Ticker: IBM, SPY." in rules
    assert "HELD" not in rules


def test_each_row_is_told_the_hours_of_its_session(gold: GoldFolder) -> None:
    early, usual = (say_rules(gold, {"session_date": day}) for day in ("2024-11-29", "2024-10-01"))
    assert "Regular session: 09:30:00 to 13:00:00" in early
    assert "Regular session: 09:30:00 to 16:00:00" in usual


def finish(folder: Path, bars: Path | None, sessions: list[str]) -> Finished:
    gold = write_gold(read_gold(SAMPLE / "trades.csv", bars), folder / "gold", 0.2)
    accepted = accept([CORE] * len(sessions)).with_columns(gold_example_ids=pl.lit([gold.train["trade_id"][-1]]))
    plan = accepted.select("row_id", session_date=pl.Series(sessions, dtype=pl.String))
    return TRADE_LOG.finish(accepted, gold, FinishRequest(folder, 3, plan, {"indicators": ["rsi_14"]}, 7))


def test_finished_trades_have_bars_and_indicators(tmp_path: Path) -> None:
    finished = finish(tmp_path, SAMPLE / "bars.parquet", ["2024-11-05", "2024-11-06"])
    assert finished.accepted["row_id"].to_list() == ["row-0", "row-1"]
    assert finished.accepted["rsi_14"].null_count() == 0
    assert finished.tables == {"bars": tmp_path / "bars-000003.parquet"}
    assert set(pl.read_parquet(finished.tables["bars"])["row_id"]) == {"row-0", "row-1"}
    assert list(finished.notes.values()) == [0]


def test_fallback_is_told_with_its_reason(tmp_path: Path) -> None:
    first = pl.read_parquet(SAMPLE / "bars.parquet").filter(pl.col("timestamp").dt.date() == date(2024, 10, 1))
    first.write_parquet(tmp_path / "bars.parquet")
    for bars, why in ((None, "came without bars"), (tmp_path / "bars.parquet", "do not reach far enough")):
        ((sentence, count),) = finish(tmp_path, bars, ["2024-11-05"] * 3).notes.items()
        assert count == 3
        assert "3 trades have bars of the fallback shape" in sentence.format(count=count)
        assert why in sentence


def test_a_schema_of_another_market_speaks_of_its_clock_and_currency() -> None:
    said = json.dumps(say_market(load_core_schema()))
    assert "exchange time" not in said
    assert "dollars" not in said
    assert "on the clock of its market" in said
    assert "Price at the entry, in the currency of its market." in said
