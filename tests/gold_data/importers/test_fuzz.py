"""Mutants of every fixture: rows add up, or one clear error; never another exception."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gold_data.errors import GoldError
from gold_data.importers import LogOptions, import_files, trips_to_frame
from tests.gold_data.importers.test_formats import FIXTURES, KNOWN, LOGS

MUTANTS = 300  # of every reader; the quick run takes every 15th
CELLS = (
    *("", "0", "-1", "1e999", "nan", "108'165", "1,2", "12.5.5", "\x00", "\ufeff", '"', "NVDA", "SPY 9JAN26 690 C"),
    *(
        "2026-01-09",
        "10:31",
        "31/12/2026 25:61",
        "1774531800",
        "sell_short",
        "C;O",
        "TOTAL",
        "Header",
        "=1+1",
        "\u0660",
    ),
)
VALUES: tuple[Any, ...] = (None, True, -1, 0.1, "", "x", [], {}, [1], {"value": 1}, "2026-01-09T10:00:00Z", "9" * 400)


@pytest.mark.parametrize("part", [pytest.param(0, id="quick"), pytest.param(1, id="all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_mutants(tmp_path: Path, log: Path, part: int) -> None:
    for seed in range(0, MUTANTS, 1 if part else 15):
        check(tmp_path, log, mutate_text(log.read_text("utf-8-sig"), Random(seed)))


@pytest.mark.parametrize("part", [pytest.param(0, id="quick"), pytest.param(1, id="all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("log", [log for log in LOGS if log.suffix == ".json"], ids=lambda log: log.name)
def test_structural_mutants(tmp_path: Path, log: Path, part: int) -> None:
    for seed in range(0, MUTANTS, 1 if part else 15):
        random = Random(seed)
        data = json.loads(log.read_text())
        for _ in range(random.randint(1, 4)):
            data = mutate_data(data, random)
        check(tmp_path, log, json.dumps(data))


def check(folder: Path, log: Path, text: str) -> None:
    path = folder / f"log{log.suffix}"
    path.write_text(text, encoding="utf-8", errors="replace")
    mapping = log.with_suffix(".yaml")
    known = LogOptions(mapping=mapping if mapping.exists() else None, **KNOWN.get(log.name, {}))
    try:
        (file,) = import_files([path], known)
    except GoldError as exc:
        assert "\n" not in str(exc)  # noqa: PT017
        return
    assert file.rows_in == file.rows_accounted > 0
    assert trips_to_frame(file.trips).height == len(file.trips)


def mutate_text(text: str, random: Random) -> str:
    """Change some lines: a cell, a line twice or gone or elsewhere, its end cut off."""
    lines = text.splitlines()
    for _ in range(random.randint(1, 5)):
        place = random.randrange(len(lines))
        cells = lines[place].split(",")
        spot = random.randrange(len(cells))
        match random.randrange(6):
            case 0:
                cells[spot] = random.choice(CELLS)
            case 1:
                cells.insert(spot, random.choice(CELLS))
            case 2:
                del cells[spot]
            case 3:
                lines.insert(random.randrange(len(lines)), lines[place])
            case 4:
                lines[place], lines[0] = lines[0], lines[place]
                continue
            case _:
                cells = [",".join(cells)[: random.randrange(40)]]
        lines[place] = ",".join(cells)
    return "\n".join(lines) + "\n"


def mutate_data(data: Any, random: Random) -> Any:
    """Put something else somewhere in a tree of lists and objects."""
    if isinstance(data, dict) and data and random.random() < 0.9:
        key = random.choice(list(data))
        match random.randrange(8):
            case 0:
                return {name: value for name, value in data.items() if name != key}
            case 1:
                return {key.swapcase() if name == key else name: value for name, value in data.items()}
            case _:
                return data | {key: mutate_data(data[key], random)}
    if isinstance(data, list) and data and random.random() < 0.9:
        place = random.randrange(len(data))
        changed = mutate_data(data[place], random)
        return [*data[:place], *([changed] * random.randint(0, 2)), *data[place + 1 :]]
    return random.choice(VALUES)


def test_every_fixture_is_tried() -> None:
    assert {log.name for log in LOGS} >= set(KNOWN)
    assert FIXTURES.is_dir()
