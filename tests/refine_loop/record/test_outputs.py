"""What a run leaves behind, from literal candidates: trades with zoned times, the ledger, the reasons."""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from designer_configs.compile.profile import Profile
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.ingest import read_gold
from refine_loop.booking import open_candidate
from refine_loop.record.outputs import (
    assemble_trades,
    build_accepted,
    build_ledger,
    export_trades,
    note_fallback,
    write_outputs,
)
from refine_loop.record.summary import count_reasons
from refine_loop.record.usage import frame_requests
from refine_loop.rounds import Rounds
from refine_loop.state import CANDIDATE_SCHEMA

NEW_YORK = ZoneInfo("America/New_York")
PLAN = {
    "row_id": "a",
    "session_date": "2024-03-05",
    "target_volatility": 0.5,
    "ticker": "NVDA",
    "trade_type": "buy",
    "session_period": "open",
    "gold_examples__ids": ["gold-0001", "gold-0002"],
}
CORE = {
    "ticker": "NVDA",
    "trade_type": "buy",
    "entry_time": "10:00:00",
    "exit_time": "10:20:00",
    "entry_price": 100.0,
    "exit_price": 101.0,
    "entry_volatility_percent": 0.5,
    "worst_exit_percent": -0.4,
    "best_exit_percent": 1.2,
}


def make(row_id: str = "a", status: str = "accepted", **changes: Any) -> dict[str, Any]:
    core = {"generated_row": json.dumps(CORE), "realism": 5, "consistency": 5, "completeness": 5}
    return open_candidate(PLAN | {"row_id": row_id}, 1, "target_volatility") | core | {"status": status} | changes


def frame(*candidates: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(candidates, schema=CANDIDATE_SCHEMA)


def test_times_are_zoned_in_the_trades_session() -> None:
    row = assemble_trades([CORE], [date(2024, 3, 5)]).row(0, named=True)
    assert row["entry_time"] == datetime(2024, 3, 5, 10, 0, tzinfo=NEW_YORK)
    assert row["exit_time"] == datetime(2024, 3, 5, 10, 20, tzinfo=NEW_YORK)
    assert row["session_date"] == date(2024, 3, 5)


def test_daylight_saving_is_the_sessions_own() -> None:
    trades = assemble_trades([CORE, CORE], [date(2024, 3, 8), date(2024, 3, 11)])
    assert [moment.utcoffset().total_seconds() / 3600 for moment in trades["entry_time"]] == [-5, -4]


@pytest.mark.parametrize("exit_time", ["09:45:00", "10:00:00"])
def test_exit_not_after_the_entry_is_in_the_next_session(exit_time: str) -> None:
    row = assemble_trades([CORE | {"exit_time": exit_time}], [date(2024, 3, 28)]).row(0, named=True)
    assert row["exit_time"].date() == date(2024, 4, 1)  # over Good Friday and a weekend


@pytest.mark.parametrize(("trade_type", "percent"), [("buy", 1.0), ("short", -1.0)])
def test_percent_change_is_signed_in_the_trades_direction(trade_type: str, percent: float) -> None:
    trades = assemble_trades([CORE | {"trade_type": trade_type}], [date(2024, 3, 5)])
    assert trades["trade_percent_change"].item() == pytest.approx(percent, abs=1e-12)


def test_whole_numbers_of_a_model_are_numbers_all_the_same() -> None:
    assert assemble_trades([CORE | {"entry_price": 100}], [date(2024, 3, 5)])["entry_price"].item() == 100.0


def test_no_trades_make_an_empty_frame_of_the_same_columns() -> None:
    empty, full = assemble_trades([], []), assemble_trades([CORE], [date(2024, 3, 5)])
    assert empty.schema == full.schema


def test_accepted_rows_carry_controls_scores_and_seeds(offline: Profile) -> None:
    plans = pl.DataFrame([PLAN, PLAN | {"row_id": "b", "target_volatility": 0.7}])
    candidates = frame(make("b", retry_count=1), make("a", "rejected"))
    (row,) = build_accepted(candidates, plans, offline).to_dicts()
    assert (row["row_id"], row["target_volatility"], row["session_period"]) == ("b", 0.7, "open")
    assert (row["realism"], row["refine_passes"], row["gold_example_ids"]) == (5, 1, ["gold-0001", "gold-0002"])


def test_ledger_counts_requests_and_tokens_per_candidate(offline: Profile) -> None:
    request = {"event": "request", "job": "001_generate", "column": "trade", "model": "m", "seconds": 0.1}
    asked = [{**request, "row_id": "a", "prompt_tokens": 5, "completion_tokens": None, "error": None}] * 2
    ledger = build_ledger(frame(make("a"), make("b", "failed", retry_count=1)), frame_requests(asked), offline)
    assert ledger.select("row_id", "requests", "prompt_tokens", "completion_tokens").rows() == [
        ("a", 2, 10, None),
        ("b", 0, None, None),
    ]
    assert ledger["refiner_model"].to_list() == [None, "rehearsal-refiner"]


def test_reasons_are_counted_by_rule_criterion_or_column() -> None:
    ledger = pl.DataFrame(
        [
            ("accepted", None, None),
            ("rejected", "[realism 2/5, at least 4 wanted] x (after 2 refine passes)", None),
            ("rejected", "[exit_sign] x (after 2 refine passes)", None),
            ("rejected", "[exit_sign] y (max_tokens)", None),
            ("rejected", "max_minutes", None),
            ("failed", "no JSON", "trade"),
            ("failed", "no trace", None),
        ],
        schema=["status", "reason", "failed_column"],
        orient="row",
    ).lazy()
    assert count_reasons(ledger)[0] == ("exit_sign", 2)
    assert sorted(count_reasons(ledger)[1:]) == [
        ("max_minutes", 1),
        ("no usable answer for a column unknown", 1),
        ("no usable answer for trade", 1),
        ("realism", 1),
    ]


def test_only_the_formats_that_are_asked_for_are_written(tmp_path: Path) -> None:
    trades = assemble_trades([CORE], [date(2024, 3, 5)]).with_columns(gold_example_ids=pl.lit(["g1", "g2"]))
    trades.write_parquet(tmp_path / "accepted.parquet")
    export_trades(tmp_path / "accepted.parquet", ("parquet",))
    assert [path.name for path in tmp_path.iterdir()] == ["accepted.parquet"]


def test_control_that_draws_a_record_is_json_in_csv(tmp_path: Path) -> None:
    moment = datetime(2024, 11, 29, 10, 0, tzinfo=ZoneInfo("America/New_York"))
    row = {"entry_time": [moment], "exit_time": [moment], "person": [{"age": 41}], "gold_example_ids": [["a", "b"]]}
    pl.DataFrame(row).write_parquet(tmp_path / "accepted.parquet")
    export_trades(tmp_path / "accepted.parquet", ("csv",))
    written = pl.read_csv(tmp_path / "accepted.csv").row(0, named=True)
    assert (json.loads(written["person"]), written["gold_example_ids"]) == ({"age": 41}, "a|b")


def test_fallback_is_told_with_its_reason() -> None:
    assert note_fallback(0, has_bars=True) == []
    assert "3 trades" in note_fallback(3, has_bars=False)[0]
    assert "without bars" in note_fallback(3, has_bars=False)[0]
    assert "do not reach far enough" in note_fallback(3, has_bars=True)[0]


@pytest.fixture
def gold(offline: Profile, tmp_path: Path) -> GoldFolder:
    return write_gold(read_gold(offline.gold.trades, None), tmp_path / "gold", 0.2)


def write_run(folder: Path, *candidates: dict[str, Any]) -> None:
    rounds = Rounds(folder / "rounds")
    rounds.write_plan(1, [PLAN | {"row_id": candidate["row_id"]} for candidate in candidates])
    rounds.write_settled(1, candidates)
    (folder / "events.jsonl").touch()


def test_run_that_accepted_nothing_writes_every_file(offline: Profile, gold: GoldFolder, tmp_path: Path) -> None:
    write_run(tmp_path, make("a", "rejected", reason="[exit_sign] x"), make("b", "failed", reason="no JSON"))
    outcome = write_outputs(tmp_path, offline, gold, "nothing accepted")
    assert (outcome.candidates, outcome.accepted, outcome.rejected, outcome.failed) == (2, 0, 1, 1)
    accepted = pl.read_parquet(tmp_path / "accepted.parquet")
    assert accepted.is_empty()
    assert {"row_id", "target_volatility", *offline.indicators} <= set(accepted.columns)
    assert pl.read_parquet(tmp_path / "bars.parquet").columns[:2] == ["row_id", "timestamp"]


def test_profile_chooses_the_indicators(offline: Profile, gold: GoldFolder, tmp_path: Path) -> None:
    write_run(tmp_path, make("a"))
    outcome = write_outputs(tmp_path, replace(offline, indicators=("rsi_14",)), gold, "accepted")
    row = pl.read_parquet(tmp_path / "accepted.parquet").row(0, named=True)
    assert row["rsi_14"] is not None
    assert "atr_14" not in row
    assert outcome.notes == note_fallback(1, has_bars=False)
