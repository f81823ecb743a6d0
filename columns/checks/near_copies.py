"""Finds texts that say nearly the same as one before, on the disk: a long run has more than memory should hold.

Two texts are as near as the Jaccard similarity of their word 3-grams, with numbers masked: shared 3-grams over all of
both. Candidates are found by MinHash signatures in bands (A. Broder, "On the resemblance and containment of documents",
1997; J. Leskovec, A. Rajaraman, J. Ullman, "Mining of Massive Datasets", section 3.4), and then compared exactly.
"""

import re
import sqlite3
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WORDS = 3  # of a gram
BANDS, ROWS = 32, 3  # two texts that share half of their grams are found with 98.6 of 100, a fifth with 23
SEED = 20261129
_NUMBER = re.compile(r"(?<!\w)[-+]?\d+(?:[.,:]\d+)*%?(?!\w)")
_WORD = re.compile(r"[^\W_]+|#")

Grams = NDArray[np.uint64]


class Near(NamedTuple):
    """A text that was met before: whose it is, and how near it is, 0 to 1."""

    name: str
    similarity: float


def take_grams(text: str) -> Grams:
    """Take a text's word 3-grams as sorted hashes; a text of fewer words is one gram."""
    words = _WORD.findall(_NUMBER.sub("#", text.casefold()))
    grams = {" ".join(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1))}
    hashes = sorted(int.from_bytes(blake2b(gram.encode(), digest_size=8).digest()) for gram in grams)
    return np.array(hashes, dtype=np.uint64)


def measure_similarity(one: Grams, other: Grams) -> float:
    """Measure how near two texts are by their grams."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


class NearCopies:
    """Texts by name, in a temporary database that SQLite makes, bounds in memory, and removes."""

    def __init__(self, nearer_than: float) -> None:
        self._nearer_than = nearer_than
        rng = np.random.default_rng(SEED)
        self._factors = rng.integers(1, 2**63, BANDS * ROWS, dtype=np.uint64) | np.uint64(1)
        self._offsets = rng.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64)
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE texts (place INTEGER PRIMARY KEY, name TEXT, grams BLOB)")
        self._database.execute(
            "CREATE TABLE bands (band INTEGER, place INTEGER, PRIMARY KEY (band, place)) WITHOUT ROWID"
        )

    def find(self, text: str) -> Near | None:
        """Find the nearest text that is as near as the bound or nearer."""
        grams = take_grams(text)
        marks = ",".join("?" * BANDS)
        rows = self._database.execute(
            f"SELECT DISTINCT name, grams FROM bands JOIN texts USING (place) WHERE band IN ({marks})",  # noqa: S608
            self._sign(grams),
        )
        found = (Near(str(name), measure_similarity(grams, np.frombuffer(blob, np.uint64))) for name, blob in rows)
        nearest = max(found, key=lambda near: near.similarity, default=None)
        return nearest if nearest is not None and nearest.similarity >= self._nearer_than else None

    def add(self, text: str, name: str) -> None:
        """Add a text."""
        grams = take_grams(text)
        added = self._database.execute("INSERT INTO texts (name, grams) VALUES (?, ?)", (name, grams.tobytes()))
        bands = [(band, added.lastrowid) for band in self._sign(grams)]
        self._database.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", bands)

    def _sign(self, grams: Grams) -> list[int]:
        """Hash a text's MinHash signature band by band."""
        with np.errstate(over="ignore"):  # hashes wrap around
            mixed = grams[:, None] * self._factors + self._offsets
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
        least = mixed.min(axis=0).reshape(BANDS, ROWS)
        return [
            int.from_bytes(blake2b(bytes([band]) + row.tobytes(), digest_size=7).digest())
            for band, row in enumerate(least)
        ]

    def __del__(self) -> None:
        self._database.close()
