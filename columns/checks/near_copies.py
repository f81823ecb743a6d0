"""Finds texts that say nearly the same as one before; of each text 128 bytes are in memory, the rest on the disk.

Two texts are as near as the Jaccard similarity of their word 3-grams, with numbers masked: shared 3-grams over all of
both. It is first estimated from MinHash signatures cut to a byte (A. Broder, "On the resemblance and containment of
documents", 1997; P. Li, C. König, "b-Bit Minwise Hashing", 2010), of all texts at once, and then measured where the
estimate comes near the bound. Bands of hashes would find as much, but texts of one kind share phrases: every fifth
pair would be a candidate.
"""

import re
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WORDS = 3  # of a gram
HASHES = 128
MARGIN = 0.18  # four deviations of an estimate from 128 hashes: one in 30,000 copies is missed
SEED = 20261129
FIRST_ROOM = 1024
STRANGERS, STEP = 0.99, 0.08  # quantile of the nearest of texts that are no copies; how far above it the bound lies
_NUMBER = re.compile(r"(?<!\w)[-+]?\d+(?:[.,:]\d+)*%?(?!\w)|\[\[[^\[\]]*\]\]")  # or a mark that stands for one
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
    """Texts by name: signatures in memory, grams in a temporary database that SQLite makes, bounds and removes."""

    def __init__(self, nearer_than: float) -> None:
        self._nearer_than = nearer_than
        rng = np.random.default_rng(SEED)
        self._factors = rng.integers(1, 2**63, HASHES, dtype=np.uint64) | np.uint64(1)
        self._offsets = rng.integers(0, 2**63, HASHES, dtype=np.uint64)
        self._signatures = np.zeros((HASHES, FIRST_ROOM), dtype=np.uint8)
        self._count = 0
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE texts (place INTEGER PRIMARY KEY, name TEXT, grams BLOB)")

    def find(self, text: str) -> Near | None:
        """Find the nearest text that is as near as the bound or nearer."""
        grams = take_grams(text)
        found = (self._measure(place, grams) for place in self._list_candidates(self._sign(grams)))
        nearest = max(found, key=lambda near: near.similarity, default=None)
        return nearest if nearest is not None and nearest.similarity >= self._nearer_than else None

    def add(self, text: str, name: str) -> None:
        """Add a text."""
        grams, room = take_grams(text), self._signatures.shape[1]
        if self._count == room:
            self._signatures = np.concatenate([self._signatures, np.zeros_like(self._signatures)], axis=1)
        self._signatures[:, self._count] = self._sign(grams)
        self._database.execute("INSERT INTO texts VALUES (?, ?, ?)", (self._count, name, grams.tobytes()))
        self._count += 1

    def _list_candidates(self, signature: NDArray[np.uint8]) -> list[int]:
        """List the texts whose signatures agree in as many hashes as one at the bound may."""
        agreed = np.zeros(self._count, dtype=np.uint8)
        for mine, theirs in zip(signature, self._signatures, strict=True):
            agreed += theirs[: self._count] == mine
        least = max(1.0, HASHES * (self._nearer_than - MARGIN))
        return [int(place) for place in np.flatnonzero(agreed >= least)]

    def _measure(self, place: int, grams: Grams) -> Near:
        name, blob = self._database.execute("SELECT name, grams FROM texts WHERE place = ?", (place,)).fetchone()
        return Near(str(name), measure_similarity(grams, np.frombuffer(blob, np.uint64)))

    def _sign(self, grams: Grams) -> NDArray[np.uint8]:
        """Give a text's MinHash signature, the lowest byte of each hash."""
        with np.errstate(over="ignore"):  # hashes wrap around
            mixed = grams[:, None] * self._factors + self._offsets
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
        signature: NDArray[np.uint8] = (mixed.min(axis=0) >> np.uint64(32)).astype(np.uint8)
        return signature

    def __del__(self) -> None:
        self._database.close()


def choose_bound(texts: Sequence[str]) -> float:
    """Choose from which similarity on a text is a copy, given texts that are none: held-out ones, or a first run's.

    A step above what 99% of them have to the nearest other one; 0.8 with fewer than two.
    """
    grams = [take_grams(text) for text in texts]
    if len(grams) < 2:
        return 0.8
    nearest = [
        max(measure_similarity(mine, theirs) for other, theirs in enumerate(grams) if other != place)
        for place, mine in enumerate(grams)
    ]
    strangers = float(np.quantile(nearest, STRANGERS))
    return round(strangers + STEP * (1 - strangers), 2)
