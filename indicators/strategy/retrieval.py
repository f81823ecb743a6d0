"""Finds the cards that a description needs: SQLite's FTS5, ranked by BM25, asked clause by clause.

A whole prompt asked at once lets one long clause push out the others. Conditions are not searched for: all are shown.
"""

import re
import sqlite3
from functools import cache, lru_cache

from indicators.strategy.cards import CONDITION_NAMES, REFUSED, SERIES_NAMES

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
    known = {**SERIES_NAMES, **{name: names for name, (names, _) in REFUSED.items()}}
    index.executemany(
        "INSERT INTO cards VALUES (?, ?)",
        [(name, " | ".join(map(_spell, (name.replace("_", " "), *names)))) for name, names in known.items()],
    )
    return index


def _spell(text: str) -> str:
    return re.sub(r"(?<=\b[Dd][Ii])[+-]|%(?=[KRDkrd]\b)", lambda found: _SIGNS[found[0]], text)


def find_series(description: str, most: int = MOST_CARDS) -> list[str]:
    """Return the names of the series that a description may mean, the likeliest first, `most` at most."""
    found: dict[str, tuple[int, float]] = {}
    for clause in dict.fromkeys(_CLAUSES.split(_spell(description[:MOST_CHARACTERS]))):
        words = dict.fromkeys(word.lower() for word in _WORDS.findall(clause))
        for place in enumerate(_search(tuple(word for word in words if word not in _EMPTY))):
            number, (name, rank) = place
            found[name] = min((number, rank), found.get(name, (number, 0.0)))
    return sorted(found, key=lambda name: (found[name], name))[:most]


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
