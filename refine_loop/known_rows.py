"""The accepted rows that a new one must not copy, kept on the disk: a long run has more than memory should hold."""

import sqlite3


class KnownRows:
    """What identifies a row to its row_id, in a temporary database that SQLite makes, bounds in memory, and removes."""

    def __init__(self) -> None:
        # Autocommit, and from any thread: the graph may run each node in another one.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE known (mark BLOB PRIMARY KEY, row_id TEXT) WITHOUT ROWID")

    def find(self, mark: bytes) -> str | None:
        """Find the row_id of the row that a mark identifies."""
        row = self._database.execute("SELECT row_id FROM known WHERE mark = ?", (mark,)).fetchone()
        return None if row is None else str(row[0])

    def add(self, mark: bytes, row_id: str) -> None:
        """Add a row; of several with one mark the last is known."""
        self._database.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (mark, row_id))

    def __del__(self) -> None:
        self._database.close()
