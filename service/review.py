"""Blind review: a deck of rows in random order, one at a time, whose origin the server keeps to itself.

The deck mixes accepted rows with held-out gold ones, row for row, some rejected ones and some planted faults. It is
drawn once, by the run's name, and kept in `review_deck.json`; every verdict is a line of `reviews.jsonl`, on the disk
before it is answered. No candles are shown: a rejected row has none, and their absence would name it.
"""

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from columns.declared import Declared
from columns.rendering import list_gold_rows
from designer_configs.compile.profile import load_profile
from files.append_file import AppendFile
from files.hashes import write_recorded
from service.errors import ServiceError
from verification.review import DECK, REVIEWS, read_reviews

ROWS = 100  # accepted and gold ones together
FAULTS = 0.1  # of the deck: rejected ones, and as many planted
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def open_deck(folder: Path) -> dict[str, Any]:
    """Open a run's deck; it is drawn where there is none.

    Raises:
        ServiceError: 409 where the run has no accepted rows yet.
    """
    path = folder / DECK
    if not path.is_file():
        if not (folder / "ledger.parquet").is_file():
            raise ServiceError(409, "the run has no rows to review yet")
        write_recorded(json.dumps(draw_deck(folder)).encode(), path, folder)
    return dict(json.loads(path.read_text(encoding="utf-8")))


def draw_deck(folder: Path) -> dict[str, Any]:
    """Draw a deck: half real and half made where the gold has rows of the kind, and some faults."""
    declared = load_profile(str(folder / "profile.yaml"), {}).dataset
    rng = Random(folder.name)  # noqa: S311 - nobody is to guess it from outside: items have names of their own
    ledger = pl.read_parquet(folder / "ledger.parquet", glob=False).select("row_id", "status", "generated_row")
    made = {
        status: [(row[0], row[2]) for row in ledger.filter(pl.col("status") == status).iter_rows() if row[2]]
        for status in ("accepted", "rejected")
    }
    gold = _list_gold(folder, declared)
    half = min(ROWS // 2, len(made["accepted"]), len(gold)) if gold else min(ROWS, len(made["accepted"]))
    faults = max(1, round(FAULTS * 2 * half))
    chosen = [("accepted", *row) for row in rng.sample(made["accepted"], half)]
    chosen += [("gold", *row) for row in rng.sample(gold, half if gold else 0)]
    chosen += [("rejected", *row) for row in rng.sample(made["rejected"], min(faults, len(made["rejected"])))]
    sound = gold or made["accepted"]
    chosen += [
        ("planted", f"planted-{name}", plant(text, rng)) for name, text in rng.sample(sound, min(faults, len(sound)))
    ]
    rng.shuffle(chosen)
    items = [
        {"item": secrets.token_hex(8), "origin": origin, "row_id": name, "text": show(text, declared)}
        for origin, name, text in chosen
    ]
    return {"items": items}


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
    told: dict[str, Any] = {"done": len(done), "left": len(left), "item": None, "text": "", "bars": [], "facts": ""}
    return told if not left else told | {"item": left[0]["item"], "text": left[0]["text"]}


def book_review(folder: Path, review: Mapping[str, Any]) -> None:
    """Append a verdict; it is on the disk when this returns.

    Raises:
        ServiceError: 404 for an item that is not the deck's, 409 for one that the reviewer has judged.
    """
    item = next((item for item in open_deck(folder)["items"] if item["item"] == review["item"]), None)
    if item is None:
        raise ServiceError(404, "there is no such item in this run's deck")
    if item["row_id"] in _list_done(folder, review["reviewer"]):
        raise ServiceError(409, "this row is judged already")
    line = {name: review[name] for name in ("verdict", "reason", "seconds", "reviewer")} | {"row_id": item["row_id"]}
    with AppendFile(folder / REVIEWS, recorded_in=folder) as file:
        file.append(json.dumps(line))


def _list_done(folder: Path, reviewer: str) -> set[str]:
    if not (folder / REVIEWS).is_file():
        return set()
    return {review["row_id"] for review in read_reviews(folder) if review["reviewer"] == reviewer}
