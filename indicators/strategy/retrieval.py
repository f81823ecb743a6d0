"""Finds the cards that a description needs: SQLite's FTS5, ranked by BM25, asked clause by clause.

A whole prompt asked at once lets one long clause push out the others. Conditions are not searched for: all are shown.
"""

import re
import sqlite3
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from indicators.strategy.cards import CONDITION_NAMES, REFUSED, SERIES_NAMES

Vectors = Sequence[Sequence[float]]

MOST_CARDS = 15  # series cards of one description
MOST_OF_A_CLAUSE = 3
MOST_CHARACTERS = 20_000  # of a description; no person writes more
_CLAUSES = re.compile(
    r"[,;:\n()]+|\.(?=\s|$)|\b(?:and|or|when|if|while|with|where|having|above|below|over|under|than|exceeds?|surpass\w*|"
    r"by|for|crosses|crossing|set to|is equal to|within)\b",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[a-z]+[+-]?|%[krd]", re.IGNORECASE)
_EMPTY = {"the", "a", "an", "is", "has", "been", "of", "to", "it", "at", "in", "on", "this", "that", "length", "source"}
_SIGNS = {"+": " plus", "-": " minus", "%": "percent "}  # what the tokenizer would drop, and tells DI+ from DI-


@cache
def _open_index() -> sqlite3.Connection:
    index = sqlite3.connect(":memory:", check_same_thread=False)
    index.execute("CREATE VIRTUAL TABLE cards USING fts5(series UNINDEXED, names, tokenize='porter unicode61')")
    index.executemany("INSERT INTO cards VALUES (?, ?)", describe_series().items())
    return index


@cache
def describe_series() -> dict[str, str]:
    """Describe every series by all of its names; those that are refused are to be found too, to be refused by name."""
    known = {**SERIES_NAMES, **{name: names for name, (names, _) in REFUSED.items()}}
    return {name: " | ".join(map(_spell, (name.replace("_", " "), *names))) for name, names in known.items()}


def _spell(text: str) -> str:
    return re.sub(r"(?<=\b[Dd][Ii])[+-]|%(?=[KRDkrd]\b)", lambda found: _SIGNS[found[0]], text)


def find_series(description: str, most: int = MOST_CARDS) -> list[str]:
    """Return the names of the series that a description may mean, the likeliest first, `most` at most."""
    found: dict[str, tuple[int, float]] = {}
    for clause in _cut(description):
        for place in enumerate(_search(_list_words(clause))):
            number, (name, rank) = place
            found[name] = min((number, rank), found.get(name, (number, 0.0)))
    return sorted(found, key=lambda name: (found[name], name))[:most]


def _cut(description: str) -> dict[str, None]:
    return dict.fromkeys(_CLAUSES.split(_spell(description[:MOST_CHARACTERS])))


def _list_words(clause: str) -> tuple[str, ...]:
    words = dict.fromkeys(word.lower() for word in _WORDS.findall(clause))
    return tuple(word for word in words if word not in _EMPTY)


def split_clauses(description: str) -> list[str]:
    """Split a description into its clauses that have words to search for; of none, it is one clause by itself."""
    clauses = [clause.strip() for clause in _cut(description) if _list_words(clause)]
    return clauses or [description[:MOST_CHARACTERS]]


def find_nearest(clauses: Vectors, series: Vectors, most: int = MOST_CARDS) -> list[str]:
    """Return the names of the series that are nearest to any clause, by the cosine of their vectors, nearest first.

    `clauses` are the vectors of `split_clauses`, `series` those of `describe_series`, in its order.
    """
    found: dict[str, float] = {}
    names = list(describe_series())
    for nearness in _normalise(clauses) @ _normalise(series).T:
        for place in np.argsort(-nearness, kind="stable")[:MOST_OF_A_CLAUSE]:
            found[names[place]] = max(float(nearness[place]), found.get(names[place], -1.0))
    return sorted(found, key=lambda name: (-found[name], name))[:most]


def _normalise(vectors: Vectors) -> NDArray[np.float64]:
    array = np.asarray(vectors, dtype=np.float64)
    lengths: NDArray[np.float64] = np.maximum(np.linalg.norm(array, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return array / lengths


@lru_cache(maxsize=4_096)
def _search(words: tuple[str, ...]) -> list[tuple[str, float]]:
    if not words:
        return []
    query = " OR ".join(f'"{word}"' for word in words)
    rows = _open_index().execute(
        "SELECT series, bm25(cards) FROM cards WHERE cards MATCH ? ORDER BY bm25(cards), series LIMIT ?",
        (query, MOST_OF_A_CLAUSE),
    )
    return [(str(name), float(rank)) for name, rank in rows]


def find_cards(description: str, most: int = MOST_CARDS) -> list[str]:
    """Return the names of the cards to show with a description: every condition, the same for all, then its series."""
    return [*CONDITION_NAMES, *find_series(description, most)]
