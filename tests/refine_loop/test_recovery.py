"""Where a run stands, told from the files of its rounds."""

import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from refine_loop.errors import RunInputError
from refine_loop.recovery import SETTLED, THREAD, Place, check_checkpoints, find_place, read_place, rebuild_state
from refine_loop.state import START_STATE, LoopState


def write_round(rounds: Path, number: int, **files: list[str]) -> None:
    """Write a round's files, each with the statuses of its rows."""
    (rounds / f"{number:03d}").mkdir(parents=True, exist_ok=True)
    for name, statuses in files.items():
        pl.DataFrame({"status": statuses}).write_parquet(rounds / f"{number:03d}" / f"{name}.parquet")


OPEN, GOOD, BAD = ["open"], ["accepted"], ["rejected"]


def write_rounds(rounds: Path) -> None:
    write_round(rounds, 1, plan=OPEN * 3, pass_0=GOOD + OPEN * 2, settled=GOOD + BAD * 2)
    write_round(rounds, 2, plan=OPEN * 2, pass_0=OPEN * 2, pass_1=BAD * 2, settled=BAD * 2)


def test_place_is_that_of_the_last_file(tmp_path: Path) -> None:
    assert find_place(tmp_path) == Place()
    write_round(tmp_path, 1, plan=OPEN)
    assert find_place(tmp_path) == Place(1, 0)
    write_round(tmp_path, 1, pass_0=OPEN, pass_1=OPEN)
    assert find_place(tmp_path) == Place(1, 2)
    write_round(tmp_path, 1, settled=BAD)
    assert find_place(tmp_path) == Place(1, SETTLED)


@pytest.mark.parametrize(
    ("here", "there", "is_next"),
    [
        (Place(), Place(), True),
        (Place(), Place(1, 0), True),
        (Place(), Place(1, 1), False),
        (Place(1, 0), Place(1, 1), True),
        (Place(1, 0), Place(1, SETTLED), False),
        (Place(1, 1), Place(1, SETTLED), True),
        (Place(1, 1), Place(1, 3), False),
        (Place(1, SETTLED), Place(2, 0), True),
        (Place(1, 2), Place(2, 0), False),
        (Place(1, SETTLED), Place(3, 0), False),
    ],
)
def test_one_node_lies_between_two_places_at_most(here: Place, there: Place, is_next: bool) -> None:
    assert here.is_next(there) is is_next


@pytest.mark.parametrize(
    ("values", "then", "place"),
    [
        ({}, (), Place()),
        ({"round": 0}, ("plan",), Place()),
        ({"round": 1, "refine_pass": 0}, ("generate",), Place(1, 0)),
        ({"round": 1, "refine_pass": 0}, ("refine",), Place(1, 1)),
        ({"round": 1, "refine_pass": 2}, ("settle",), Place(1, 3)),
        ({"round": 1, "refine_pass": 2}, ("plan",), Place(1, SETTLED)),
        ({"round": 2, "refine_pass": 0}, (), Place(2, SETTLED)),
    ],
)
def test_place_of_a_checkpoint_is_that_before_its_next_node(values: Any, then: Any, place: Place) -> None:
    assert read_place(SimpleNamespace(values=values, tasks=[SimpleNamespace(name=node) for node in then])) == place


def test_node_that_a_full_disk_kept_from_a_checkpoint_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, checkpoints = list[str](), InMemorySaver()
    small = StateGraph(LoopState)

    def end(state: dict[str, Any], name: str) -> dict[str, Any]:
        ended.append(name)
        return {**state, "round": 1}

    for name, then in (("plan", "generate"), ("generate", "settle"), ("settle", END)):
        small.add_node(name, functools.partial(end, name=name))
        small.add_edge(name, then)
    small.add_edge(START, "plan")
    graph, stock = small.compile(checkpointer=checkpoints), checkpoints.put

    def put(*given: Any) -> RunnableConfig:
        if ended == ["plan", "generate"]:
            raise OSError(28, "No space left on device")
        return stock(*given)

    monkeypatch.setattr(checkpoints, "put", put)
    with pytest.raises(OSError, match="No space"):
        graph.invoke(START_STATE, THREAD, durability="sync")
    assert (ended, read_place(graph.get_state(THREAD))) == (["plan", "generate"], Place(1, 0))
    assert read_place(graph.get_state(THREAD)).is_next(Place(1, 1))


def test_state_after_a_round_that_has_settled(tmp_path: Path) -> None:
    write_rounds(tmp_path)
    state, node = rebuild_state(tmp_path)
    assert node == "settle"
    assert (state["round"], state["planned"], state["accepted"], state["open"]) == (2, 5, 1, 0)
    assert state["fruitless_rounds"] == 1


def test_round_that_has_not_settled_begins_again_after_its_plan(tmp_path: Path) -> None:
    write_rounds(tmp_path)
    write_round(tmp_path, 3, plan=OPEN * 4, pass_0=GOOD * 4)
    state, node = rebuild_state(tmp_path)
    assert node == "plan"
    assert (state["round"], state["planned"], state["accepted"], state["open"]) == (3, 9, 1, 4)
    assert (state["refine_pass"], state["fruitless_rounds"]) == (0, 1)


def test_run_without_a_plan_has_lost_no_checkpoints(tmp_path: Path) -> None:
    assert check_checkpoints(tmp_path) is None


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\x00 and no more"])
def test_checkpoints_that_cannot_be_read_are_lost(tmp_path: Path, content: bytes | None) -> None:
    write_rounds(tmp_path / "rounds")
    if content is not None:
        (tmp_path / "checkpoints.sqlite").write_bytes(content)
    assert "checkpoints.sqlite is" in str(check_checkpoints(tmp_path))


def test_folder_in_the_place_of_checkpoints_is_named(tmp_path: Path) -> None:
    (tmp_path / "rounds/001").mkdir(parents=True)
    (tmp_path / "rounds/001/plan.parquet").touch()
    (tmp_path / "checkpoints.sqlite").mkdir()
    with pytest.raises(RunInputError, match=r"checkpoints\.sqlite is a folder, and no file: move it away"):
        check_checkpoints(tmp_path)


def test_rounds_that_have_lost_what_the_checkpoints_know_of_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_round(tmp_path / "rounds", 1, plan=OPEN)
    (tmp_path / "checkpoints.sqlite").touch()
    monkeypatch.setattr("refine_loop.recovery._read_known", lambda _: Place(2, 0))
    with pytest.raises(RunInputError, match="has lost a file: the run was at round 2, and round 1 is the last"):
        check_checkpoints(tmp_path)
