"""Is each row new? Exact repeats, texts that nearly repeat one another, and what is the gold's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from verification.answers import (
    CANNOT_TELL,
    COPIES,
    GOOD,
    UNDERFIT,
    Answer,
    Interval,
    Matrix,
    Verdict,
    bound_share,
    say_percent,
    to_json,
)
from verification.dataset import Dataset
from verification.inputs import FinishedRun
from verification.texts.nearness import Nearest, find_nearest, vectorise
from verification.texts.rows import gather_text, iter_rows, keep_one_of_each_family, list_fields, write_canonical

QUESTION, TITLE = "duplicates", "Is each row new?"
NEAR = 0.8  # of their word triples in common: the same text with a few words changed
REPEATED_LINE = 0.05  # of the rows that equal an earlier one
NEAR_LINE = 0.2  # of the rows that are near another
GOLD_LINE = 0.1  # of the rows that are near a gold row they were shown
LEAST_ROWS = 30
MOST_ROWS = 5_000  # texts that are compared with one another; equal ones are sought among all
BINS = 20
PAIRS = 5
SHOWN = 160  # characters of a text in a table
UNKNOWN = Interval(np.nan)


@dataclass(frozen=True)
class Contents:
    """Rows as they are compared: `keys` equal where rows are, `texts` what they say in words, empty where nothing."""

    ids: Sequence[str]
    keys: Sequence[str]
    texts: Sequence[str]

    @classmethod
    def read(cls, dataset: Dataset, table: pl.DataFrame | None, ids: Sequence[str]) -> "Contents":
        """Read a table's rows; nothing where it has not all the fields of a row."""
        if table is None or not list_fields(dataset, table):
            return cls((), (), ())
        rows = [(write_canonical(row), gather_text(row)) for row in iter_rows(dataset, table)]
        return cls(ids, [key for key, _ in rows], [text for _, text in rows])

    def pick_texts(self, rng: np.random.Generator) -> "Contents":
        """Draw at most MOST_ROWS of the rows that have a text, in their order."""
        places = [at for at, text in enumerate(self.texts) if text]
        drawn = [places[at] for at in np.sort(rng.permutation(len(places))[:MOST_ROWS])]
        ids, keys, texts = ([part[at] for at in drawn] for part in (self.ids, self.keys, self.texts))
        return Contents(ids, keys, texts)


@dataclass(frozen=True)
class Found:
    """Shares of rows, each unknown where nothing could be compared; `pairs` are the nearest, `histogram` of bins."""

    repeated: Interval
    near: Interval = UNKNOWN
    copied: Interval = UNKNOWN
    near_gold: Interval = UNKNOWN
    pairs: Sequence[dict[str, Any]] = ()
    histograms: dict[str, Any] = field(default_factory=dict)


def ask_duplicates(run: FinishedRun, seed: int) -> Answer:
    """Ask whether rows repeat one another, or the gold.

    Rows of one family are meant to be alike: the first of each is asked about. Near is a text with at least NEAR of its
    word triples in common with another (`nearness`). Where gold rows have the same fields, how often the gold repeats
    itself is the measure: of held-out rows for copies, of the train part for the rest.
    """
    dataset, nouns = run.dataset, run.dataset.nouns
    accepted = keep_one_of_each_family(run.accepted)
    made = Contents.read(dataset, accepted, accepted["row_id"].cast(pl.String).to_list())
    shown, held = (_read_gold(dataset, part) for part in (run.train, run.holdout))
    rng = np.random.default_rng([seed, *b"duplicates"])
    found, own = compare_rows(made, shown, rng), compare_rows(shown, None, rng)
    by_chance = compare_rows(held, shown, rng)
    verdict, reason = judge(found, own, by_chance, len(made.keys), nouns)
    metrics = {
        "rows": len(made.keys),
        "rows_with_text": sum(bool(text) for text in made.texts),
        "gold_rows": len(shown.keys),
        "near_from": NEAR,
        "found": found,
        "gold": own,
        "held_out": by_chance,
    }
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            (f"{nouns} that repeat another, exactly", say_percent(found.repeated)),
            (f"texts that are near another's ({NEAR:.0%} of word triples)", say_percent(found.near)),
            (
                f"{nouns} that are a gold one's copy; near one",
                f"{say_percent(found.copied)}; {say_percent(found.near_gold)}" if shown.keys else "no gold to compare",
            ),
        ),
        metrics=to_json(metrics),
        needs=f"{LEAST_ROWS} accepted {nouns}" if verdict == CANNOT_TELL and len(made.keys) < LEAST_ROWS else "",
    )


def _read_gold(dataset: Dataset, part: pl.DataFrame | None) -> Contents:
    ids = [] if part is None else [f"gold row {place + 1}" for place in range(part.height)]
    return Contents.read(dataset, part, ids)


def compare_rows(made: Contents, shown: Contents | None, rng: np.random.Generator) -> Found:
    """Compare rows with one another, and with gold rows where some are given."""
    count = len(made.keys)
    if not count:
        return Found(UNKNOWN)
    repeated = bound_share(1.0 - len(set(made.keys)) / count, count)
    copied = near = near_gold = UNKNOWN
    histograms, pairs, worded = {}, [], made.pick_texts(rng)
    texts = vectorise(worded.texts) if worded.texts else None
    if len(worded.texts) > 1:
        nearest = find_nearest(texts)
        near, histograms["among themselves"] = _count_near(nearest.similarity)
        pairs = _list_pairs(nearest, worded, worded)
    if shown is not None and shown.keys:
        known, others = set(shown.keys), shown.pick_texts(rng)
        copied = bound_share(sum(key in known for key in made.keys) / count, count)
        if worded.texts and others.texts:
            nearest = find_nearest(texts, vectorise(others.texts))
            near_gold, histograms["to gold"] = _count_near(nearest.similarity)
            pairs += _list_pairs(nearest, worded, others)
    pairs.sort(key=lambda pair: -pair["similarity"])
    return Found(repeated, near, copied, near_gold, pairs[:PAIRS], histograms)


def _count_near(similarity: Matrix) -> tuple[Interval, list[float]]:
    counts, _ = np.histogram(similarity, BINS, (0.0, 1.0))
    return bound_share(float(np.mean(similarity >= NEAR)), len(similarity)), (counts / len(similarity)).tolist()


def _list_pairs(nearest: Nearest, left: Contents, right: Contents) -> list[dict[str, Any]]:
    """List the nearest pairs, each once."""
    pairs: dict[frozenset[str], dict[str, Any]] = {}
    for at in np.argsort(-nearest.similarity, kind="stable")[: 2 * PAIRS].tolist():
        other = int(nearest.place[at])
        ids = [left.ids[at], right.ids[other]]
        texts = [left.texts[at][:SHOWN], right.texts[other][:SHOWN]]
        pairs.setdefault(frozenset(ids), {"similarity": float(nearest.similarity[at]), "ids": ids, "texts": texts})
    return list(pairs.values())


def judge(found: Found, own: Found, by_chance: Found, rows: int, nouns: str) -> tuple[Verdict, str]:
    """Give verdict and reason; the first that holds.

    | what | verdict |
    |---|---|
    | equal to a gold row, surely more often than held-out gold rows are | overfit (copies) |
    | near one, surely more often than that, and than GOLD_LINE | overfit (copies) |
    | equal to another row, surely more often than gold rows are, and than REPEATED_LINE | underfit |
    | near another, surely more often than gold rows are, and than NEAR_LINE | underfit |
    | fewer than LEAST_ROWS, or an interval that reaches over its line | cannot tell |
    | otherwise | good |
    """
    bars = [
        (found.copied, _know(by_chance.copied), COPIES, "are gold rows as they are"),
        (found.near_gold, max(GOLD_LINE, _know(by_chance.near_gold)), COPIES, "are near a gold row they were shown"),
        (found.repeated, max(REPEATED_LINE, _know(own.repeated)), UNDERFIT, "repeat another one"),
        (found.near, max(NEAR_LINE, _know(own.near)), UNDERFIT, "are near another one in words"),
    ]
    known = [bar for bar in bars if bar[0].is_known]
    for share, line, verdict, what in known:
        if share.low > line:
            return verdict, f"{say_percent(share)} of the {nouns} {what}, surely above {line:.1%}."
    if rows < LEAST_ROWS:
        return CANNOT_TELL, f"{rows} {nouns} are too few to tell repeats from chance; at least {LEAST_ROWS} are needed."
    for share, line, _, what in known:
        if share.value > line or (line > 0.0 and share.high > line):
            return CANNOT_TELL, f"{say_percent(share)} of the {nouns} {what}: it may be above or below {line:.1%}."
    return GOOD, f"{', '.join(f'{share.value:.1%} {what}' for share, _, _, what in known)}.".replace("rows", nouns)


def _know(share: Interval) -> float:
    return share.value if share.is_known else 0.0
