"""The graph's checkpoints: on the disk before the next node begins, and in the order they were written."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver

_LAST = """
    SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY rowid DESC LIMIT 1
"""


class CheckpointFile(SqliteSaver):
    """LangGraph's SQLite file, but for what the last checkpoint is: the one written last.

    Stock takes the one whose id is greatest, and an id begins with the wall clock: once that was put back, a resumed
    run would go on from what was last before.
    """

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Get the checkpoint that is named, or else the one written last."""
        place = config["configurable"]
        if not place.get("checkpoint_id"):
            thread, namespace = str(place["thread_id"]), place.get("checkpoint_ns", "")
            with self.cursor(transaction=False) as cursor:
                last = cursor.execute(_LAST, (thread, namespace)).fetchone()
            if last is None:
                return None
            named = {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": last[0]}
            config = {"configurable": named}
        return super().get_tuple(config)


@contextlib.contextmanager
def open_checkpoints(path: Path) -> Iterator[CheckpointFile]:
    """Open the checkpoints of a run; each is on the disk when it is said to be written."""
    with contextlib.closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        connection.execute("PRAGMA synchronous = FULL")  # with a write-ahead log, waits for the disk at every commit
        yield CheckpointFile(connection)
