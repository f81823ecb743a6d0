"""The accepted trades that a new one must not copy, kept on the disk: a long run has more than memory should hold."""

import sqlite3
from struct import pack

from gold_data.trades.rules import Fingerprint


class KnownTrades:
    """Fingerprint to row_id, in a temporary database that SQLite makes, bounds in memory, and takes away."""

    def __init__(self) -> None:
        # Autocommit, and from any thread: the graph may run each node in another one.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE known (mark BLOB PRIMARY KEY, row_id TEXT) WITHOUT ROWID")

    def find(self, mark: Fingerprint) -> str | None:
        """Find the row_id of the trade that has a fingerprint."""
        row = self._database.execute("SELECT row_id FROM known WHERE mark = ?", (_pack(mark),)).fetchone()
        return None if row is None else str(row[0])

    def add(self, mark: Fingerprint, row_id: str) -> None:
        """Add a trade; of several with one fingerprint the last is known."""
        self._database.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (_pack(mark), row_id))

    def __del__(self) -> None:
        self._database.close()


def _pack(mark: Fingerprint) -> bytes:
    """Write numbers as bytes that are equal where the numbers are, 0.0 and -0.0 too."""
    return pack(f"{len(mark)}d", *(number + 0.0 for number in mark))
