"""How near texts are to one another: the words they have in common three by three, whatever their numbers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from verification.answers import Matrix

BLOCK = 256  # texts whose similarities to all others are held at a time
BUCKETS = 2**18  # of the hash of word triples; of 10,000 triples in two texts some 2% share one by chance
NUMBER = re.compile(r"(?<!\w)[-+]?\d[\d.,:]*")

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Nearest:
    """For each text its nearest one: `similarity` from 0 to 1, and its place."""

    similarity: Matrix
    place: Places


def split_triples(text: str) -> list[str]:
    """Split a text into its word triples: lower case, numbers as 0, with two marks before the first word."""
    words = ["^", "^", *re.findall(r"\w+", NUMBER.sub(" 0 ", text.lower()))]
    return [" ".join(words[at : at + 3]) for at in range(len(words) - 2)]


def vectorise(texts: Sequence[str]) -> Any:
    """Turn texts into a sparse matrix, a row each of length 1: which triples it has, not how often."""
    return HashingVectorizer(analyzer=split_triples, n_features=BUCKETS, binary=True, alternate_sign=False).transform(
        texts
    )


def find_nearest(texts: Any, others: Any = None) -> Nearest:
    """Find for each text its nearest among others, or among the rest of the same where there are no others.

    Similarity is the cosine of the two sets of triples: those in common, over the root of the product of how many each
    has. BLOCK rows of similarities are held at a time.

    Args:
        texts: What `vectorise` gives, at least one row.
        others: The same; at least one row.
    """
    found, places = np.zeros(texts.shape[0]), np.full(texts.shape[0], -1, dtype=np.int64)
    for start, block in _iter_similarities(texts, texts if others is None else others):
        at = np.arange(len(block))
        if others is None:
            block[at, start + at] = -1.0
        places[start + at] = block.argmax(axis=1)
        found[start + at] = np.clip(block[at, places[start + at]], 0.0, 1.0)
    return Nearest(found, places)


def _iter_similarities(texts: Any, others: Any) -> Iterator[tuple[int, Matrix]]:
    turned = others.T.tocsr()
    for start in range(0, texts.shape[0], BLOCK):
        yield start, (texts[start : start + BLOCK] @ turned).toarray()
