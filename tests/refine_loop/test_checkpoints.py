"""Checkpoints are on the disk in the order they were written, whatever a clock says."""

import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base import id as checkpoint_id

from refine_loop.checkpoints import CheckpointFile, open_checkpoints

THREAD: RunnableConfig = {"configurable": {"thread_id": "run", "checkpoint_ns": ""}}
DAY = 86_400 * 10**9


def put(saver: CheckpointFile, step: int) -> RunnableConfig:
    return saver.put(THREAD, empty_checkpoint(), {"source": "loop", "step": step, "parents": {}}, {})


def read_step(saver: CheckpointFile, config: RunnableConfig = THREAD) -> Any:
    found = saver.get_tuple(config)
    return found and found.metadata["step"]


def put_clock_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the wall clock back by a day, in what is then another process."""
    before = time.time_ns()
    monkeypatch.setattr("time.time_ns", lambda: before - DAY)
    monkeypatch.setattr(checkpoint_id, "_last_v6_timestamp", None)


def test_last_checkpoint_is_the_one_written_last(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path / "c.sqlite") as saver:
        assert saver.get_tuple(THREAD) is None
        for step in range(3):
            put(saver, step)
        assert read_step(saver) == 2


def test_clock_that_was_put_back_does_not_bring_back_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_checkpoints(tmp_path / "c.sqlite") as saver:
        first = put(saver, 0)
    put_clock_back(monkeypatch)
    with open_checkpoints(tmp_path / "c.sqlite") as saver:
        put(saver, 1)
        assert read_step(saver) == 1
        assert read_step(saver, first) == 0


def test_each_checkpoint_waits_for_the_disk(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path / "c.sqlite") as saver:
        put(saver, 0)
        assert saver.conn.execute("PRAGMA synchronous").fetchone() == (2,)
        assert saver.conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
