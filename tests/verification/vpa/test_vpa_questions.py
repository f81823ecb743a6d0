"""Contradictions, faithfulness and what followed a signal, from literal rows."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from designer_configs.compile.profile import load_profile
from tests.verification.texts.runs import make_run
from verification.answers import to_json
from verification.inputs import FinishedRun
from verification.vpa.contradictions import ask_contradictions
from verification.vpa.faithfulness import ask_faithfulness
from verification.vpa.outcomes import ask_outcomes, bound_ratio, measure_chance
from verification.vpa.plots import draw_contradictions, draw_faults, draw_outcomes

CONTEXT = json.dumps(
    [
        {
            "ticker": "A",
            "signal": "BUY",
            "strength": "WEAK",
            "close": 13.29,
            "pattern_analysis": {"patterns": ["spring"]},
            "multi_timeframe_context": {},
        }
    ]
)
SOUND = "A is a WEAK BUY at 13.29 by its spring."
HORIZONS = (1, 5, 20)


def make_rows(count: int, **changes: Any) -> pl.DataFrame:
    flags = {"accumulation": False, "distribution": False}
    row: dict[str, Any] = {"signal": "BUY", "strength": "WEAK", "stop": 9.0, "target": 12.0, "ticker": "A"}
    named = [{**row, "timeframe": "1m", "row_id": f"{place}"} for place in range(count)]
    made = pl.DataFrame([{**each, "input": {"pattern_analysis": flags}} for each in named])
    days = pl.Series("session_date", [date(2024, 1, 1) + timedelta(days=place % 20) for place in range(count)])
    return made.with_columns(days).with_columns(**{name: pl.lit(value) for name, value in changes.items()})


def run_with(rows: pl.DataFrame, folder: Path = Path("nowhere"), bars: pl.DataFrame | None = None) -> FinishedRun:
    return replace(make_run([]), accepted=rows, folder=folder, bars=bars)


def test_rows_without_a_contradiction_are_good_and_the_public_set_is_named() -> None:
    answer = ask_contradictions(run_with(make_rows(50)))
    assert answer.verdict == "good"
    assert "93.7%" in answer.reason
    assert [each["rows"] for each in answer.metrics["faults"]] == [0, 0, 0]


@pytest.mark.parametrize(("changes", "place"), [({"target": 9.0}, 0), ({"signal": "NONE"}, 2), ({"signal": None}, 2)])
def test_each_contradiction_is_found(changes: dict[str, Any], place: int) -> None:
    answer = ask_contradictions(run_with(make_rows(50, **changes)))
    assert answer.verdict == "noise"
    assert answer.metrics["faults"][place]["rows"] == 50


def test_both_phases_at_once_are_found() -> None:
    both = pl.struct(pl.struct(accumulation=pl.lit(True), distribution=pl.lit(True)).alias("pattern_analysis"))
    answer = ask_contradictions(run_with(make_rows(3).with_columns(input=both)))
    assert answer.metrics["faults"][1]["rows"] == 3


def test_a_hold_without_stop_and_target_is_no_contradiction() -> None:
    rows = make_rows(5, signal="HOLD").with_columns(stop=pl.lit(None, pl.Float64), target=pl.lit(None, pl.Float64))
    assert ask_contradictions(run_with(rows)).verdict == "good"


def write_texts(folder: Path, drafts: list[str], accepted: list[str]) -> FinishedRun:
    ids = [f"{place}" for place in range(len(drafts))]
    (folder / "rounds/001").mkdir(parents=True)
    (folder / "gold").mkdir()
    shown = f"```json\n{CONTEXT}\n```"
    pl.DataFrame({"row_id": ids, "context": shown, "length": ""}).write_parquet(folder / "rounds/001/plan.parquet")
    pl.DataFrame({"row_id": ids, "generated_row": drafts}).write_parquet(folder / "rounds/001/pass_0.parquet")
    rows = pl.DataFrame({"row_id": ids[: len(accepted)], "explanation": accepted})
    base = make_run([])
    return replace(
        base,
        folder=folder,
        accepted=rows,
        profile=load_profile("vpa_offline"),
        dataset=replace(base.dataset, row="explanation"),
    )


def test_faults_of_drafts_and_of_accepted_texts_are_counted(tmp_path: Path) -> None:
    drafts = [SOUND, SOUND.replace("13.29", "14.92"), SOUND + " It is an upthrust.", SOUND.replace("BUY", "SELL")] * 20
    answer = ask_faithfulness(write_texts(tmp_path, drafts, [SOUND] * 80))
    assert answer.verdict == "good"
    assert answer.metrics["faulty_drafts"]["value"] == 0.75
    assert [each["drafts"]["value"] for each in answer.metrics["rules"]] == [0.25, 0.25, 0.25]
    assert not draw_faults(answer.metrics).is_empty


def test_an_accepted_text_with_a_fault_makes_a_run_underfit(tmp_path: Path) -> None:
    wrong = SOUND.replace("13.29", "14.92")
    assert ask_faithfulness(write_texts(tmp_path, [SOUND] * 10, [wrong] * 10)).verdict == "underfit"


def test_a_run_without_texts_tells_nothing(tmp_path: Path) -> None:
    assert ask_faithfulness(replace(make_run([]), folder=tmp_path)).verdict == "cannot tell"


def write_outcomes(folder: Path, rows: pl.DataFrame, moved: list[float]) -> None:
    changes = {f"change_percent_{horizon}": moved for horizon in HORIZONS}
    pl.DataFrame({"row_id": rows["row_id"], **changes}).write_parquet(folder / "outcomes.parquet")


def make_bars(count: int) -> pl.DataFrame:
    """Make bars that rise and fall in turn: after every other one the next close is higher."""
    close = [100.0 + place % 2 for place in range(count)]
    start = pl.datetime(2024, 3, 4, 9, 30, time_zone="America/New_York")
    stamps = pl.select(pl.datetime_range(start, start + pl.duration(minutes=count - 1), "1m")).to_series()
    prices = {"open": close, "high": [price + 1 for price in close], "low": [price - 1 for price in close]}
    return pl.DataFrame({"ticker": "A", "timestamp": stamps, **prices, "close": close, "volume": 1.0})


def test_signals_are_held_against_chance(tmp_path: Path) -> None:
    rows = make_rows(200)
    write_outcomes(tmp_path, rows, [1.0] * 150 + [-1.0] * 50)
    answer = ask_outcomes(run_with(rows, tmp_path, make_bars(400)), 7)
    (any_buy,) = (
        each
        for each in answer.metrics["classes"]
        if (each["signal"], each["strength"], each["horizon"]) == ("BUY", "any", 1)
    )
    assert any_buy["right"]["value"] == 0.75
    assert any_buy["right"]["low"] < 0.75 < any_buy["right"]["high"]
    assert any_buy["chance"] == pytest.approx(0.5, abs=0.01)
    assert any_buy["differs"]
    assert answer.verdict == "good"
    assert "no claim that a signal earns money" in answer.reason
    assert len(draw_outcomes(to_json(answer.metrics)).panels) == 3


def test_few_rows_or_few_days_tell_nothing(tmp_path: Path) -> None:
    rows = make_rows(8)
    write_outcomes(tmp_path, rows, [1.0] * 8)
    assert ask_outcomes(run_with(rows, tmp_path, make_bars(400)), 7).verdict == "cannot tell"
    one_day = make_rows(100, session_date=date(2024, 1, 1))
    write_outcomes(tmp_path, one_day, [1.0] * 100)
    assert ask_outcomes(run_with(one_day, tmp_path, make_bars(400)), 7).verdict == "cannot tell"


def test_a_run_without_outcomes_or_bars_tells_nothing(tmp_path: Path) -> None:
    assert ask_outcomes(run_with(make_rows(50), tmp_path), 7).verdict == "cannot tell"
    assert measure_chance(run_with(make_rows(5))).is_empty()


def test_an_interval_over_days_covers_what_it_should() -> None:
    rng, covered = np.random.default_rng(5), 0
    for _ in range(60):
        whole = rng.integers(1, 8, 40).astype(float)
        part = rng.binomial(whole.astype(int), 0.5).astype(float)
        bound = bound_ratio(part, whole, rng)
        covered += bound.low <= 0.5 <= bound.high
    assert covered >= 50


def test_contradictions_are_shown_beside_the_public_set() -> None:
    plot = draw_contradictions(ask_contradictions(run_with(make_rows(30))).metrics)
    assert [row[3] for row in plot.tables[0].rows] == ["93.7%", "80.7%", "70.1%"]
