"""Blind review over HTTP: the deck's mix, nothing said of an origin, every verdict kept."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from service.app import build_app
from service.guards import Guard
from service.review import open_deck
from verification.review import read_reviews


@pytest.fixture
def deck(run_folder: Path, tmp_path: Path) -> Path:
    """A finished run in a folder of runs of its own."""
    place = tmp_path / "runs" / "mine"
    place.mkdir(parents=True)
    for path in (*run_folder.glob("*.parquet"), run_folder / "profile.yaml", run_folder / "usage.json"):
        (place / path.name).write_bytes(path.read_bytes())
    (place / "gold").mkdir()
    for path in (run_folder / "gold").iterdir():
        (place / "gold" / path.name).write_bytes(path.read_bytes())
    return place


def open_client(deck: Path) -> Any:
    return TestClient(build_app(deck.parent, deck.parent, guard=Guard(per_minute=1000), workers=0))


def test_a_deck_mixes_real_made_and_spoiled_rows_alike(deck: Path) -> None:
    items = open_deck(deck)["items"]
    origins = [item["origin"] for item in items]
    assert origins.count("gold") == origins.count("accepted") > 0
    assert origins.count("planted") > 0
    keys = {tuple(json.loads(item["text"])) for item in items}
    assert len(keys) == 1  # the same fields in the same order, whatever the origin
    assert open_deck(deck)["items"] == items


def test_no_byte_says_where_a_row_comes_from_and_ten_verdicts_outlive_the_server(deck: Path) -> None:
    client, names = open_client(deck), {item["row_id"] for item in open_deck(deck)["items"]}
    for place in range(10):
        reply = client.get("/v1/runs/mine/review", params={"reviewer": "me"})
        assert not [word for word in ("accepted", "gold", "rejected", "planted", *names) if word in reply.text]
        item = reply.json()
        assert item["done"] == place
        review = {"item": item["item"], "verdict": "accept", "reviewer": "me", "seconds": 1.5}
        assert client.post("/v1/runs/mine/review", json=review).status_code == 200
        assert client.post("/v1/runs/mine/review", json=review).status_code == 409
    assert open_client(deck).get("/v1/runs/mine/review", params={"reviewer": "me"}).json()["done"] == 10
    assert len(read_reviews(deck)) == 10
    assert set(read_reviews(deck)[0]) == {"row_id", "verdict", "reason", "seconds", "reviewer"}
    before = pl.read_parquet(deck / "accepted.parquet")
    assert before.height > 0


def test_a_verdict_on_nothing_is_refused(deck: Path) -> None:
    review = {"item": "0" * 16, "verdict": "accept", "reviewer": "me"}
    assert open_client(deck).post("/v1/runs/mine/review", json=review).status_code == 404
    assert open_client(deck).post("/v1/runs/mine/review", json=review | {"verdict": "maybe"}).status_code == 422
    assert open_client(deck).post("/v1/runs/mine/review", json=review | {"reviewer": "  "}).status_code == 422
    assert open_client(deck).get("/v1/runs/mine/review", params={"reviewer": "  "}).status_code == 422
