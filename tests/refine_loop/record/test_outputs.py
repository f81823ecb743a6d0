"""What a run leaves behind, from literal candidates: accepted rows, the ledger, the reasons, the formats."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from columns.dataset import load_dataset
from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import Profile
from gold_data.store import GoldFolder, write_gold
from gold_data.trades.ingest import read_gold
from refine_loop.booking import Book
from refine_loop.record.outputs import RoundLog, build_accepted, build_ledger, export_rows, write_outputs
from refine_loop.record.readings import MENDED_SCHEMA
from refine_loop.record.summary import count_reasons
from refine_loop.record.usage import frame_requests
from refine_loop.rounds import Rounds
from refine_loop.state import build_candidate_schema

TRADE_LOG = load_dataset(PROJECT_ROOT / "columns/trade_log")
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
    opened = Book(TRADE_LOG, {}).open_candidate(PLAN | {"row_id": row_id}, 1, "target_volatility")
    return opened | core | {"status": status} | changes


def frame(*candidates: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(candidates, schema=build_candidate_schema(TRADE_LOG.declared))


def test_accepted_rows_carry_controls_scores_and_seeds(offline: Profile) -> None:
    plans = pl.DataFrame([PLAN, PLAN | {"row_id": "b", "target_volatility": 0.7}])
    candidates = frame(make("b", retry_count=1), make("a", "rejected"))
    accepted, planned = build_accepted(candidates, plans, offline)
    (row,) = accepted.to_dicts()
    assert planned.to_dicts() == [PLAN | {"row_id": "b", "target_volatility": 0.7}]
    assert (row["row_id"], row["target_volatility"], row["session_period"]) == ("b", 0.7, "open")
    assert (row["realism"], row["refine_passes"], row["gold_example_ids"]) == (5, 1, ["gold-0001", "gold-0002"])


def test_ledger_counts_requests_and_tokens_per_candidate(offline: Profile) -> None:
    request = {"event": "request", "job": "001_generate", "column": "trade", "model": "m", "seconds": 0.1}
    asked = [{**request, "row_id": "a", "prompt_tokens": 5, "completion_tokens": None, "error": None}] * 2
    mended = pl.DataFrame([(1, "a", ["no_fence"]), (1, "a", ["fence", "no_fence"])], MENDED_SCHEMA, orient="row")
    log = RoundLog(frame_requests(asked), mended)
    ledger = build_ledger(frame(make("a"), make("b", "failed", retry_count=1)), log, offline)
    assert ledger["mended"].to_list() == [["fence", "no_fence"], []]
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


def test_only_the_formats_that_are_asked_for_are_written(offline: Profile, tmp_path: Path) -> None:
    pl.DataFrame([CORE | {"gold_example_ids": ["g1", "g2"]}]).write_parquet(tmp_path / "accepted.parquet")
    export_rows(tmp_path / "accepted.parquet", replace(offline, export=("parquet",)))
    assert [path.name for path in tmp_path.iterdir()] == ["accepted.parquet"]


def test_control_that_draws_a_record_is_json_in_csv(offline: Profile, tmp_path: Path) -> None:
    moment = datetime(2024, 11, 29, 10, 0, tzinfo=NEW_YORK)
    row = {"entry_time": [moment], "exit_time": [moment], "person": [{"age": 41}], "gold_example_ids": [["a", "b"]]}
    pl.DataFrame(row).write_parquet(tmp_path / "accepted.parquet")
    export_rows(tmp_path / "accepted.parquet", replace(offline, export=("csv",)))
    written = pl.read_csv(tmp_path / "accepted.csv").row(0, named=True)
    assert (json.loads(written["person"]), written["gold_example_ids"]) == ({"age": 41}, "a|b")


@pytest.fixture
def gold(offline: Profile, tmp_path: Path) -> GoldFolder:
    return write_gold(read_gold(offline.gold.files["trades"], None), tmp_path / "gold", 0.2)


def write_run(folder: Path, *candidates: dict[str, Any]) -> None:
    rounds = Rounds(folder / "rounds", TRADE_LOG.declared)
    rounds.write_plan(1, [PLAN | {"row_id": candidate["row_id"]} for candidate in candidates])
    rounds.write_settled(1, candidates)
    (folder / "events.jsonl").touch()


def test_run_that_accepted_nothing_writes_every_file(offline: Profile, gold: GoldFolder, tmp_path: Path) -> None:
    write_run(tmp_path, make("a", "rejected", reason="[exit_sign] x"), make("b", "failed", reason="no JSON"))
    outcome = write_outputs(tmp_path, offline, gold, "nothing accepted")
    assert (outcome.candidates, outcome.accepted, outcome.rejected, outcome.failed) == (2, 0, 1, 1)
    accepted = pl.read_parquet(tmp_path / "accepted.parquet")
    assert accepted.is_empty()
    assert {"row_id", "target_volatility", *offline.options["indicators"]} <= set(accepted.columns)
    assert pl.read_parquet(tmp_path / "bars.parquet").columns[:2] == ["row_id", "timestamp"]


def test_profile_chooses_the_indicators(offline: Profile, gold: GoldFolder, tmp_path: Path) -> None:
    write_run(tmp_path, make("a"))
    outcome = write_outputs(tmp_path, replace(offline, options={"indicators": ("rsi_14",)}), gold, "accepted")
    row = pl.read_parquet(tmp_path / "accepted.parquet").row(0, named=True)
    assert row["rsi_14"] is not None
    assert "atr_14" not in row
    assert outcome.notes == [
        "1 trades have bars of the fallback shape, a seeded random walk: the gold came without bars"
    ]
