"""Blind review: a deck of rows in random order, one at a time, whose origin the server keeps to itself.

The deck mixes accepted rows with held-out gold ones, row for row, some rejected ones and some planted faults. It is
drawn once, by the run's name, and kept in `review_deck.json`; every verdict is a line of `reviews.jsonl`, on the disk
before it is answered. Beside a row stand the facts that its judge was shown and the bars up to its moment, unless real
rows are in the deck: those have none, and their absence would name them.
"""

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from columns.dataset import load_dataset
from columns.declared import Declared
from columns.rendering import list_gold_rows
from files.append_file import AppendFile
from files.hashes import write_recorded
from service.errors import ServiceError
from service.jobs import hold
from service.shown import list_facts, print_row, read_known_bars, read_plans, read_profile
from verification.review import DECK, REVIEWS, read_reviews

ROWS = 100  # accepted and gold ones together
FAULTS = 0.1  # of the deck: rejected ones, and as many planted
PATIENCE = 60.0  # seconds that one who draws or books a verdict waits for another
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def open_deck(folder: Path) -> dict[str, Any]:
    """Open a run's deck; it is drawn where there is none, once, whoever asks at the same time.

    Raises:
        ServiceError: 409 where the run has no accepted rows yet.
    """
    path, ledger = folder / DECK, folder / "ledger.parquet"
    if not path.is_file():
        if not ledger.is_file():
            raise ServiceError(409, "the run has no rows to review yet")
        with hold(ledger, PATIENCE):
            if not path.is_file():
                write_recorded(json.dumps({"items": draw_items(folder)}).encode(), path, folder)
    return dict(json.loads(path.read_text(encoding="utf-8")))


def draw_items(folder: Path) -> list[dict[str, Any]]:
    """Draw the items of a deck: half real and half made where the gold has rows of the kind, and some faults.

    Facts and bars come with the items of a deck without real rows, which have none: they would name what has some.
    """
    declared = read_profile(folder).dataset
    rng = Random(folder.name)  # noqa: S311 - nobody is to guess it from outside: items have names of their own
    ledger = pl.read_parquet(folder / "ledger.parquet", glob=False)
    made = {row["row_id"]: row for row in ledger.iter_rows(named=True) if row["generated_row"]}
    by_end = {end: [n for n, row in made.items() if row["status"] == end] for end in ("accepted", "rejected")}
    gold = dict(_list_gold(folder, declared))
    half = min(ROWS // 2, len(by_end["accepted"]), len(gold)) if gold else min(ROWS, len(by_end["accepted"]))
    faults = max(1, round(FAULTS * 2 * half))
    chosen = [("accepted", name) for name in rng.sample(by_end["accepted"], half)]
    chosen += [("gold", name) for name in rng.sample([*gold], half if gold else 0)]
    chosen += [("rejected", name) for name in rng.sample(by_end["rejected"], min(faults, len(by_end["rejected"])))]
    sound = [*gold] or by_end["accepted"]
    chosen += [("planted", name) for name in rng.sample(sound, min(faults, len(sound)))]
    rng.shuffle(chosen)
    dataset, plans = load_dataset(declared.folder), {} if gold else read_plans(folder, [name for _, name in chosen])
    items = []
    for origin, name in chosen:
        plan = plans.get(name)
        text = gold[name] if name in gold else print_row(dataset, made[name]["generated_row"], plan)
        shown = show(text, declared)
        items.append(
            {"item": secrets.token_hex(8), "origin": origin}
            | {"row_id": f"planted-{name}" if origin == "planted" else name}
            | {"text": plant(shown, rng) if origin == "planted" else shown}
            | {"facts": "" if plan is None else list_facts(declared, made[name] | plan)}
            | {"bars": [] if plan is None else read_known_bars(folder, declared, plan)}
        )
    return items


def _list_gold(folder: Path, declared: Declared) -> list[tuple[str, str]]:
    path = folder / "gold" / "holdout.parquet"
    if not path.is_file() or not declared.fields:
        return []
    rows = pl.read_parquet(path, glob=False)
    if not set(declared.fields) <= set(rows.columns):
        return []
    names = [str(name) for name in rows.to_series(0)]
    return [(name, json.dumps(row)) for name, row in zip(names, list_gold_rows(rows, declared), strict=True)]


def show(text: str, declared: Declared) -> str:
    """Show a row as every other: its fields in the schema's order, numbers at four decimals at most."""
    if declared.schema is None:
        return text
    row = json.loads(text)
    plain = {name: row[name] for name in declared.fields if name in row}
    return json.dumps({name: round(value, 4) if isinstance(value, float) else value for name, value in plain.items()})


def plant(text: str, rng: Random) -> str:
    """Plant a fault: one number of a row ten times as large, or a text whose sentences say one thing twice."""
    found = list(NUMBER.finditer(text))
    if not found:
        return f"{text} {text}"
    spot = rng.choice(found)
    return f"{text[: spot.start()]}{float(spot[0]) * 10 + 7:g}{text[spot.end() :]}"


def next_item(folder: Path, reviewer: str) -> dict[str, Any]:
    """Give the next row that a reviewer has not judged, without a byte of where it comes from."""
    items, done = open_deck(folder)["items"], _list_done(folder, reviewer)
    left = [item for item in items if item["row_id"] not in done]
    shown = left[0] if left else {"item": None, "text": "", "facts": "", "bars": []}
    return {"done": len(done), "left": len(left)} | {name: shown[name] for name in ("item", "text", "facts", "bars")}


def book_review(folder: Path, review: Mapping[str, Any]) -> None:
    """Append a verdict; it is on the disk when this returns.

    Raises:
        ServiceError: 404 for an item that is not the deck's, 409 for one that the reviewer has judged.
    """
    item = next((item for item in open_deck(folder)["items"] if item["item"] == review["item"]), None)
    if item is None:
        raise ServiceError(404, "there is no such item in this run's deck")
    line = {name: review[name] for name in ("verdict", "reason", "seconds", "reviewer")} | {"row_id": item["row_id"]}
    with hold(folder / DECK, PATIENCE):
        if item["row_id"] in _list_done(folder, review["reviewer"]):
            raise ServiceError(409, "this row is judged already")
        with AppendFile(folder / REVIEWS, recorded_in=folder) as file:
            file.append(json.dumps(line))


def _list_done(folder: Path, reviewer: str) -> set[str]:
    if not (folder / REVIEWS).is_file():
        return set()
    return {review["row_id"] for review in read_reviews(folder) if review["reviewer"] == reviewer}
