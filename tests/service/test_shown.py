"""What people are shown beside a candidate: a report as printed, the judge's facts, and no bar after its moment."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from columns.rendering import fence_json
from service.reading import read_bars, read_rows
from service.review import next_item, open_deck
from tests.conftest import ROOT

MOMENT = datetime(2024, 11, 25, 15, 25, tzinfo=UTC)  # 10:25 in New York
TEXT = "The close of [[ticker]] at [[as_of]] was [[close]], not [[nothing]]."
CONTEXT: dict[str, Any] = {
    "ticker": "SIM1",
    "as_of": "2024-11-25T10:25:00",
    "bar": "2024-11-25T10:24:00-0500",
    "price_sign": "$",
    "facts": {"close": 61.35},
    "headlines": [],
}


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder with two stock reports, of which one was rejected."""
    (tmp_path / "rounds/001").mkdir(parents=True)
    (tmp_path / "gold").mkdir()
    profile = (ROOT / "designer_configs/stock_report_offline.yaml").read_text(encoding="utf-8")
    (tmp_path / "profile.yaml").write_text(profile, encoding="utf-8")
    plan = {"facts": fence_json([CONTEXT]), "sheet": "- [[close]]: $61.35", "rule": "- trend: up", "controls": "short"}
    pl.DataFrame([{"row_id": name} | plan for name in ("one", "two")]).write_parquet(
        tmp_path / "rounds/001/plan.parquet"
    )
    row = json.dumps({"report": TEXT, "recommendation": "HOLD"})
    ends = [("one", "accepted"), ("two", "rejected")]
    ledger = [{"row_id": name, "status": end, "generated_row": row, "reason": None} for name, end in ends]
    pl.DataFrame(ledger).write_parquet(tmp_path / "ledger.parquet")
    times = [MOMENT + timedelta(minutes=minute) for minute in range(-90, 90)]
    bars = pl.DataFrame({"timestamp": times}).with_columns(pl.col("timestamp").dt.convert_time_zone("America/New_York"))
    prices = {name: pl.lit(1.0) for name in ("open", "high", "low", "close", "volume")}
    bars.with_columns(ticker=pl.lit("SIM1"), **prices).write_parquet(tmp_path / "gold/bars.parquet")
    (tmp_path / "gold/facts.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_numbers_stand_where_marks_stood(reports: Path) -> None:
    rows = read_rows(reports, 0, 20)["rows"]
    shown = [json.loads(row["shown"])["report"] for row in rows]
    assert shown == ["The close of SIM1 at 2024-11-25 10:25 was $61.35, not [[nothing]]."] * 2
    assert json.loads(rows[0]["generated_row"])["report"] == TEXT


@pytest.mark.parametrize("name", ["one", "two"])
def test_no_bar_is_shown_that_was_not_complete(reports: Path, name: str) -> None:
    bars = read_bars(reports, name)
    assert len(bars) == 60
    assert bars[-1]["timestamp"] == "2024-11-25 10:24:00"


def test_a_reviewer_sees_what_the_judge_saw_beside_every_row(reports: Path) -> None:
    items = open_deck(reports)["items"]
    assert {item["origin"] for item in items} == {"accepted", "rejected", "planted"}
    for item in items:
        assert "- [[close]]: $61.35" in item["facts"]
        assert "- trend: up" in item["facts"]
        assert len(item["bars"]) == 60
    assert {*next_item(reports, "me")} == {"done", "left", "item", "text", "facts", "bars"}


def test_who_ask_for_a_deck_at_once_get_the_same(reports: Path) -> None:
    decks: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: decks.append(open_deck(reports))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decks) == 4
    assert all(deck == decks[0] for deck in decks)
