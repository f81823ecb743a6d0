"""Every fault really changes a gold trade, and the checks see it exactly where that is stated."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gold_data.trades.ingest import read_gold
from gold_data.trades.limits import derive_limits
from gold_data.trades.rules import Expectation, check_trade, fingerprint
from gold_data.trades.schema import CORE_FIELDS
from verification.judge.faults import Fault
from verification.trades.fault_changes import Core, Scene, Trader, read_clock, write_clock
from verification.trades.faults import FAULTS, find_violations, plant_fault

ROOT = Path(__file__).parents[3]
DAY = date(2024, 3, 5)
TRADE: Core = {
    "ticker": "AA",
    "trade_type": "buy",
    "entry_time": "10:00:05",
    "exit_time": "10:20:00",
    "entry_price": 100.0,
    "exit_price": 100.5,
    "entry_volatility_percent": 0.5,
    "worst_exit_percent": -0.25,
    "best_exit_percent": 1.0,
}
OTHERS: list[Core] = [
    TRADE | {"trade_type": "short", "entry_time": "10:31:00", "exit_time": "10:41:00", "entry_price": 102.0},
    TRADE | {"ticker": "BB", "entry_time": "11:10:30", "exit_time": "11:11:00", "entry_price": 9.5, "exit_price": 9.45},
]
FOUND = {fault.name: fault for fault in FAULTS}


@pytest.fixture
def scene() -> Scene:
    rows = [TRADE, *OTHERS]
    limits = derive_limits(build_gold(rows))
    asked = [Expectation("entry_volatility_percent", 0.5, 0.05), Expectation("ticker", "AA")]
    return Scene.set_up(Trader.describe(build_gold(rows), limits), DAY, asked)


def build_gold(rows: list[Core]) -> pl.DataFrame:
    """Give core rows as the columns of a trade table that a trader is described by."""
    clocks = [pl.lit(DAY).dt.combine(pl.col(name).str.to_time()) for name in ("entry_time", "exit_time")]
    timed = pl.DataFrame(rows).with_columns(
        entry_time=clocks[0].dt.replace_time_zone("America/New_York"),
        exit_time=clocks[1].dt.replace_time_zone("America/New_York"),
    )
    return timed.with_columns(trade_id=pl.format("gold-{}", pl.int_range(pl.len())), session_date=pl.lit(DAY))


def change(name: str, scene: Scene, core: Core = TRADE, seed: int = 0) -> Core | None:
    """Apply a fault's change, and give the fields that it changed."""
    planted = FOUND[name].change(core, scene, np.random.default_rng(seed))
    return None if planted is None else {key: value for key, value in planted.items() if value != core[key]}


def test_there_are_enough_kinds_and_each_field_can_be_missing() -> None:
    names = [fault.name for fault in FAULTS]
    missing = [name.removeprefix("missing ") for name in names if name.startswith("missing ")]
    assert missing == list(CORE_FIELDS)
    assert len(set(names)) == len(names)
    assert len(names) - len(missing) >= 18
    assert {fault.criterion for fault in FAULTS} == {"realism", "consistency", "completeness"}
    assert sum(not fault.seen_by_checks for fault in FAULTS) >= 8


def test_trader_is_described_by_what_it_did(scene: Scene) -> None:
    trader = scene.trader
    assert (trader.longest_hold, trader.shortest_hold) == (1195, 30)
    assert trader.widest == 2.0  # a best of 1.0 at a volatility of 0.5
    assert (trader.price_decimals, trader.percent_decimals) == (2, 2)
    assert [write_clock(second) for second in trader.entries] == ["10:00:05", "10:31:00", "11:10:30"]
    assert (scene.opens, scene.closes) == (read_clock("09:30:00"), read_clock("16:00:00"))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("swapped excursions", {"worst_exit_percent": 1.0, "best_exit_percent": -0.25}),
        ("reversed excursions", {"worst_exit_percent": -1.0, "best_exit_percent": 0.25}),
        ("wrong sign", {"worst_exit_percent": 0.25}),
        ("wrong direction", {"trade_type": "short"}),
        ("exit before the entry", {"entry_time": "10:20:00", "exit_time": "10:00:05"}),
        ("exit beyond the best", {"exit_price": 101.19}),  # 1 + a third of 0.5 + two cents of 100 dollars
        ("exit beyond the worst", {"exit_price": 99.56}),
        ("negative price", {"exit_price": -100.5}),
        ("no volatility", {"entry_volatility_percent": 0.0}),
        ("held too briefly", {"exit_time": "10:00:06"}),
        ("frozen price", {"exit_price": 100.0, "worst_exit_percent": 0.0, "best_exit_percent": 0.0}),
        ("half-hour times", {"entry_time": "10:00:00", "exit_time": "10:30:00"}),
        ("hour never traded", {"entry_time": "13:35:15", "exit_time": "13:55:10"}),  # between 11:10:30 and 16:00
        ("stale entry price", {"entry_price": 102.0}),
    ],
)
def test_change_is_what_its_name_says(scene: Scene, name: str, changed: Mapping[str, Any]) -> None:
    assert change(name, scene) == changed


def test_sizes_that_are_drawn_lie_beyond_what_the_trader_did(scene: Scene) -> None:
    for seed in range(20):
        for name, field in (("worst too far", "worst_exit_percent"), ("best too far", "best_exit_percent")):
            assert 2.0 <= abs((change(name, scene, seed=seed) or {})[field]) <= 3.0
        held = read_clock((change("held too long", scene, seed=seed) or {})["exit_time"]) - read_clock("10:00:05")
        assert 2 * 1195 <= held <= 4 * 1195
        missed = (change("volatility off target", scene, seed=seed) or {})["entry_volatility_percent"]
        assert 0.95 <= missed <= 1.2
        assert (change("before the open", scene, seed=seed) or {})["entry_time"] < "09:30:00"
        assert "16:00:59" < (change("after the close", scene, seed=seed) or {})["exit_time"] < "18:00:00"


def test_price_of_another_ticker_keeps_the_percents(scene: Scene) -> None:
    changed = change("price of another ticker", scene) or {}
    assert changed["entry_price"] == 9.5
    assert changed["exit_price"] / changed["entry_price"] == pytest.approx(1.005, abs=1e-4)


def test_fault_that_a_trade_cannot_have_is_not_planted(scene: Scene) -> None:
    late = TRADE | {"entry_time": "15:30:00", "exit_time": "15:45:00"}
    assert change("held too long", scene, late) is None
    unasked = Scene(scene.trader, DAY, scene.opens, scene.closes, [])
    assert change("volatility off target", unasked) is None
    assert change("stale entry price", scene, OTHERS[1]) is None  # of its ticker there is no other trade
    assert plant_fault(FOUND["wrong sign"], TRADE | {"worst_exit_percent": 0.1}, scene, {}, make_rng()) is None
    assert plant_fault(FOUND["wrong direction"], TRADE | {"exit_price": 100.0}, unasked, {}, make_rng()) is None


def test_trade_held_overnight_is_not_moved(scene: Scene) -> None:
    overnight = TRADE | {"entry_time": "15:00:00", "exit_time": "09:45:00"}
    assert change("stale copy", scene, overnight) is None
    assert change("hour never traded", scene, overnight) is None


def make_rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_numbers_of_the_trade_itself_are_no_copy_but_a_stale_copy_is(scene: Scene) -> None:
    known = {fingerprint(TRADE): "gold-0"}
    assert find_violations(TRADE, scene, known, fingerprint(TRADE)) == []
    assert find_violations(TRADE, scene, known, None) == ["copy"]
    assert plant_fault(FOUND["stale copy"], TRADE, scene, known, make_rng()) is not None
    assert plant_fault(FOUND["held too briefly"], TRADE, scene, known, make_rng()) is not None


@pytest.fixture(scope="module")
def sample() -> pl.DataFrame:
    return read_gold(ROOT / "gold_data/sample/trades.csv", None).rows


@pytest.fixture(scope="module")
def trader(sample: pl.DataFrame) -> Trader:
    return Trader.describe(sample, derive_limits(sample))


def is_seen(fault: Fault, planted: Core, core: Core, scene: Scene, known: Mapping[tuple[float, ...], str]) -> bool:
    """Ask the rules alone; but for the copy, nothing is held against the trade that was changed."""
    others = known if fault.is_copy else {mark: name for mark, name in known.items() if mark != fingerprint(core)}
    limits, asked = scene.trader.limits, scene.expectations
    found = check_trade(
        planted, session_date=scene.session_date, limits=limits, expectations=asked, known_trades=others
    )
    return bool(found)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_planted_row_differs_and_is_seen_as_stated(fault: Fault, sample: pl.DataFrame, trader: Trader) -> None:
    known = {fingerprint(row): "gold" for row in trader.rows}
    places = range(0, sample.height, 30)
    planted_rows = 0
    for place in places:
        core = trader.rows[place]
        asked = [Expectation(name, core[name], 0.05 if "percent" in name else None) for name in list(core)[:7:6]]
        scene = Scene.set_up(trader, sample["session_date"][place], asked)
        planted = plant_fault(fault, core, scene, known, np.random.default_rng(place))
        if planted is None:
            continue
        planted_rows += 1
        assert planted != core
        assert json.loads(json.dumps(planted)) == planted
        assert is_seen(fault, planted, core, scene, known) == fault.seen_by_checks
    expected = 0 if fault.name == "hour never traded" else len(places) // 2  # the sample trades all day
    assert (planted_rows >= expected) if expected else (planted_rows == 0)


def test_same_seed_plants_the_same(scene: Scene) -> None:
    for fault in FAULTS:
        first, second = (plant_fault(fault, TRADE, scene, {}, np.random.default_rng(3)) for _ in range(2))
        assert first == second
