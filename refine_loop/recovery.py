"""Where a run stands, told from its rounds: what the graph's checkpoints must agree with, or are made anew from."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from langchain_core.runnables import RunnableConfig

from files.shown_text import show_path
from refine_loop.checkpoints import open_checkpoints
from refine_loop.errors import RunInputError
from refine_loop.record.provenance import REJUDGED
from refine_loop.state import START_STATE, LoopState

CHECKPOINTS = "checkpoints.sqlite"
SETTLED = 1_000  # the step of a round that comes after its passes, however many they are
THREAD: RunnableConfig = {"configurable": {"thread_id": "run"}, "recursion_limit": 1_000_000}


@dataclass(frozen=True, order=True)
class Place:
    """How far a run has come: the round, and its last step: 0 the plan, 1 the drafts, 2 the first refine pass, ..."""

    round: int = 0
    step: int = SETTLED

    def is_next(self, other: "Place") -> bool:
        """Tell whether no more than one node of the graph lies between here and there."""
        if other.round != self.round:
            return other == Place(self.round + 1, 0) and self.step == SETTLED
        return other.step in (self.step, self.step + 1) or (other.step == SETTLED and self.step > 0)


def find_place(rounds: Path) -> Place:
    """Find how far a run has come by the files of its rounds: each is written at the end of a node."""
    planned = sorted(path.parent for path in rounds.glob("*/plan.parquet"))
    if not planned:
        return Place()
    last = planned[-1]
    passes = [int(path.stem.removeprefix("pass_")) for path in last.glob("pass_*.parquet")]
    step = SETTLED if (last / "settled.parquet").exists() else max(passes, default=-1) + 1
    return Place(int(last.name), step)


def read_place(snapshot: Any) -> Place:
    """Read how far a run has come by its last checkpoint.

    What comes next is its task: a node that has ended already, which a full disk kept from a checkpoint of its own, is
    no longer named as next.
    """
    values = snapshot.values
    node = snapshot.tasks[0].name if snapshot.tasks else None
    if not values.get("round") or node in (None, "plan"):
        return Place(values.get("round", 0))
    return Place(values["round"], 0 if node == "generate" else values["refine_pass"] + 1)


def rebuild_state(rounds: Path) -> tuple[LoopState, str]:
    """Rebuild the state of the graph, and name the node that it is the state after, from the files of the rounds.

    A round that has not settled begins again after its plan: its answers are there, and nothing is sent twice. Whether
    there is a reason to stop is for the caller.
    """
    place = find_place(rounds)
    planned = [_count(rounds / f"{number:03d}/plan.parquet", pl.len()) for number in range(1, place.round + 1)]
    settled = range(1, place.round + (place.step == SETTLED))
    is_accepted = (pl.col("status") == "accepted").sum()
    accepted = [_count(rounds / f"{number:03d}/settled.parquet", is_accepted) for number in settled]
    state = START_STATE | LoopState(
        round=place.round,
        refine_pass=0,
        planned=sum(planned),
        accepted=sum(accepted),
        open=0 if place.step == SETTLED else planned[-1],
        fruitless_rounds=next((n for n, count in enumerate(reversed(accepted)) if count), len(accepted)),
        stop_reason=None,
    )
    return state, "settle" if place.step == SETTLED else "plan"


def _count(path: Path, what: pl.Expr) -> int:
    return int(pl.scan_parquet(path, glob=False).select(what).collect().item())


def check_checkpoints(folder: Path) -> str | None:
    """Say that a run cannot go on from its checkpoints, where that is so.

    Raises:
        RunInputError: they know of more than the rounds have: a file of those is gone; or a folder is in their place.
    """
    there, path = find_place(folder / "rounds"), folder / CHECKPOINTS
    if not path.exists() and (there == Place() or (folder / REJUDGED).exists()):  # which is judged in one go
        return None
    if path.is_dir():  # what is in it is not ours to take away
        raise RunInputError(f"{show_path(path)} is a folder, and no file: move it away")
    if not path.exists() or not _are_readable(path):
        return f"{CHECKPOINTS} is lost or damaged"
    known = _read_known(path)
    if there < known:
        raise RunInputError(
            f"{folder}/rounds has lost a file: the run was at round {known.round}, and round {there.round} is the last "
            "that is there whole. Put it back from a copy; nothing was changed and nothing was sent"
        )
    return None if known.is_next(there) else f"{CHECKPOINTS} is older than the rounds"


def drop_checkpoints(folder: Path) -> None:
    """Take checkpoints away: they are made anew from the rounds."""
    for name in (CHECKPOINTS, f"{CHECKPOINTS}-wal", f"{CHECKPOINTS}-shm"):
        (folder / name).unlink(missing_ok=True)


def _read_known(path: Path) -> Place:
    from refine_loop.graph import builder  # noqa: PLC0415 - whose nodes import what a reader does without

    with open_checkpoints(path) as checkpoints:
        return read_place(builder.compile(checkpointer=checkpoints).get_state(THREAD))


def _are_readable(path: Path) -> bool:
    """Tell whether checkpoints can be read: the file is sound, and the last of them loads."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
                return False
        with open_checkpoints(path) as checkpoints:
            checkpoints.get_tuple(THREAD)
    except Exception:  # a damaged blob raises whatever its unpacking comes upon
        return False
    return True
