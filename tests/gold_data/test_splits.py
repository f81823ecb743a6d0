"""Splitting gold by sessions: every session in one part, an embargo between, and no bar that leaks."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gold_data.errors import GoldError
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.splits import Split, plan_split, read_split, take_bars, take_part

DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(12)]


def name_parts(split: Split, days: list[date]) -> str:
    parts = dict.fromkeys(split.train, "t") | dict.fromkeys(split.embargo, "e") | dict.fromkeys(split.holdout, "h")
    return "".join(parts[day] for day in days)


def make_trades(days: list[date]) -> pl.DataFrame:
    return pl.DataFrame({"session_date": days}, schema={"session_date": pl.Date})


def make_bars(days: list[date]) -> pl.DataFrame:
    stamps = [datetime(day.year, day.month, day.day, 15, tzinfo=UTC) for day in days]
    return pl.DataFrame({"timestamp": stamps}).with_columns(pl.col("timestamp").dt.convert_time_zone(EXCHANGE_ZONE))


@pytest.mark.parametrize(
    ("sessions", "holdout", "blocks", "embargo", "parts"),
    [
        (5, 0.2, 1, 0, "tttth"),
        (5, 0.2, 1, 1, "ttteh"),
        (10, 0.2, 1, 1, "tttttttehh"),
        (10, 0.0, 1, 1, "tttttttttt"),
        (12, 0.2, 2, 1, "ttttehettteh"),
        (12, 0.3, 3, 0, "ttthttthttth"),
        (3, 0.9, 1, 1, "teh"),
        (2, 0.5, 1, 1, "tt"),
        (1, 0.5, 1, 0, "t"),
    ],
)
def test_the_parts(sessions: int, holdout: float, blocks: int, embargo: int, parts: str) -> None:
    days = DAYS[:sessions]
    assert name_parts(plan_split(reversed(days), holdout, blocks=blocks, embargo=embargo), days) == parts


def test_too_many_blocks() -> None:
    with pytest.raises(GoldError, match="12 sessions are too few for 6 held-out blocks with an embargo of 1"):
        plan_split(DAYS, 0.2, blocks=6, embargo=1)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80), st.floats(0, 0.99), st.integers(1, 4), st.integers(0, 3))
def test_any_split(numbers: list[int], holdout: float, blocks: int, embargo: int) -> None:
    sessions = [DAYS[0] + timedelta(days=number) for number in numbers]
    try:
        split = plan_split(sessions, holdout, blocks=blocks, embargo=embargo)
    except GoldError:
        assert blocks > 1
        return
    days = sorted(set(sessions))
    parts = name_parts(split, days)
    assert len(split.train) + len(split.embargo) + len(split.holdout) == len(days)
    assert "t" in parts
    assert all("e" * embargo in gap for gap in find_gaps(parts))


def find_gaps(parts: str) -> list[str]:
    """List what lies between train and hold-out, in either order."""
    places = [place for place, part in enumerate(parts) if part != "e"]
    return [parts[left + 1 : right] for left, right in pairwise(places) if parts[left] != parts[right]]


def test_train_bars_end_before_what_is_not_trained_on() -> None:
    split = plan_split(DAYS[2:10:2], 0.25, embargo=1)  # sessions of day 2, 4 | 6 | 8
    kept = take_bars(make_bars(DAYS), split, "train")["timestamp"].dt.date().to_list()
    assert kept == DAYS[:5]


def test_train_bars_around_a_block_in_the_middle() -> None:
    split = Split(train=(DAYS[1], DAYS[9]), embargo=(DAYS[3], DAYS[7]), holdout=(DAYS[5],))
    kept = take_bars(make_bars(DAYS), split, "train")["timestamp"].dt.date().to_list()
    assert kept == [DAYS[0], DAYS[1], DAYS[8], DAYS[9]]


def test_a_split_is_read_as_it_was_written(tmp_path: Path) -> None:
    split = plan_split(DAYS, 0.2, blocks=2, embargo=1)
    file = tmp_path / "split.json"
    file.write_text(split.to_json(), encoding="utf-8")
    assert read_split(file, make_trades(DAYS)) == split
    assert take_part(make_trades(DAYS), split.holdout)["session_date"].to_list() == list(split.holdout)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "is not the split of a gold folder"),
        ("[]", "needs the keys train, embargo and holdout"),
        ('{"train": 1, "embargo": [], "holdout": []}', "is not the split of a gold folder"),
        ('{"train": ["2024-01-01"], "embargo": [], "holdout": ["2024-01-01"]}', "a session is in it twice"),
        ('{"train": ["2024-01-01"], "embargo": [], "holdout": []}', "in which part the session 2024-01-02 is"),
        ('{"train": [], "embargo": [], "holdout": ["2024-01-01", "2024-01-02"]}', "no session with trades to train on"),
    ],
)
def test_what_is_no_split_of_these_trades(tmp_path: Path, text: str, wrong: str) -> None:
    file = tmp_path / "split.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(GoldError, match=wrong):
        read_split(file, make_trades(DAYS[:2]))
