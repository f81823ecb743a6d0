"""Buckets that come from the gold fit it; buckets that do not are told from those that do."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from data_designer.config.column_configs import SamplerColumnConfig
from hypothesis import given
from hypothesis import strategies as st

from designer_configs.compile.controls import (
    Control,
    find_foreign_buckets,
    list_cells,
    narrow_tolerance,
    resolve_control,
    resolve_controls,
    sample_from_gold,
)
from designer_configs.compile.profile import Profile, load_profile
from tests.columns.notes import write_notes

WriteProfile = Callable[[Path, Mapping[str, Any]], Path]
LoadWith = Callable[..., Profile]
RULE = {"field": "entry_volatility_percent", "tolerance": 0.05, "widest": 0.5}
HEAT = {
    "description": "How much it moves.",
    "column": {"name": "heat", "column_type": "sampler", "sampler_type": "category"},
    "prompt": "Close to {{ heat }}.",
    "from_gold": {"field": "entry_volatility_percent", "bins": 3},
    "match": RULE,
    "check": {"field": "entry_volatility_percent", "tolerance": 0.02},
}


@pytest.fixture
def load_with(tmp_path: Path, write_profile: WriteProfile) -> LoadWith:
    """Give a function that loads the profile `offline` with other controls."""
    return lambda *controls: load_profile(write_profile(tmp_path / "mine.yaml", {"controls": list(controls)}))


def draw_numbers(values: list[float], bins: int) -> dict[float, float]:
    params = sample_from_gold(pl.Series(values, dtype=pl.Float64), {"bins": bins})
    return dict(zip(params["values"], params["weights"], strict=True))


@pytest.mark.parametrize(
    ("values", "bins", "buckets"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], 3, {2: 1 / 3, 5: 1 / 3, 8: 1 / 3}),
        ([9, 1, 4, 7, 2, 8, 3, 6, 5], 3, {2: 1 / 3, 5: 1 / 3, 8: 1 / 3}),
        ([1, 2, 4, 8], 1, {3: 1}),
        ([0.3, 0.3, 0.3, 0.3, 0.9, 1.1], 3, {0.3: 2 / 3, 1.0: 1 / 3}),
        ([0.4] * 7, 9, {0.4: 1}),
        ([0.4], 9, {0.4: 1}),
        ([0.2, 0.6], 9, {0.2: 1 / 2, 0.6: 1 / 2}),
        ([0.1] * 96 + [0.2, 5.0, 40.0, 300.0], 4, {0.1: 1}),
        ([0.1] * 6 + [5.0, 300.0], 40, {0.1: 3 / 4, 5.0: 1 / 8, 300.0: 1 / 8}),
        ([0.123456, 0.123457, 0.9, 0.91], 4, {0.1235: 1 / 2, 0.9: 1 / 4, 0.91: 1 / 4}),
        ([-2.0, -1.0, 0.0, 1.0], 2, {-1.5: 1 / 2, 0.5: 1 / 2}),
    ],
    ids=[
        "even",
        "order",
        "one bin",
        "ties",
        "constant",
        "one trade",
        "few",
        "very skewed",
        "skewed",
        "digits",
        "negative",
    ],
)
def test_numbers_become_medians_of_quantile_bins(values: list[float], bins: int, buckets: dict[float, float]) -> None:
    assert draw_numbers(values, bins) == pytest.approx(buckets)


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=60), st.integers(1, 12))
def test_buckets_of_any_gold_can_be_drawn(values: list[float], bins: int) -> None:
    drawn = draw_numbers(values, bins)
    buckets = list(drawn)
    assert sum(drawn.values()) == pytest.approx(1, abs=1e-9)
    assert 1 <= len(buckets) <= bins
    assert buckets == sorted(buckets)
    assert min(values) * 0.999 <= buckets[0] <= buckets[-1] <= max(values) * 1.001


@given(st.lists(st.integers(1, 400), min_size=40, max_size=40, unique=True), st.integers(1, 5))
def test_distinct_numbers_fall_into_even_bins(values: list[int], bins: int) -> None:
    parts = np.array_split(np.sort(values), bins)
    drawn = draw_numbers([float(value) for value in values], bins)
    assert len(drawn) == bins
    assert [weight * 40 for weight in drawn.values()] == pytest.approx([len(part) for part in parts], abs=1 + 1e-9)


def test_categories_are_drawn_as_often_as_the_gold_has_them() -> None:
    params = sample_from_gold(pl.Series(["SPY", "IBM", "SPY", "SPY"]), {})
    assert params == {"values": ["IBM", "SPY"], "weights": [0.25, 0.75]}


def test_sessions_are_drawn_as_text() -> None:
    days = [date(2024, 10, 2), date(2024, 10, 1), date(2024, 10, 2)]
    assert sample_from_gold(pl.Series(days), {})["values"] == ["2024-10-01", "2024-10-02"]


@pytest.mark.parametrize(
    ("buckets", "tolerance", "widest"),
    [
        ([0.1, 0.14, 0.18], 0.02, 0.2),
        ([0.18, 0.1, 0.14], 0.02, 0.2),
        ([0.1, 0.2, 0.3], 0.05, 0.5),
        ([1, 2, 3], 0.05, 0.5),
        ([0.1, 0.12, 0.9, 0.92, 5.0], 0.05, 0.5),
        ([0.3], 0.05, 0.5),
    ],
)
def test_tolerance_is_half_the_usual_distance_at_most(buckets: list[float], tolerance: float, widest: float) -> None:
    assert narrow_tolerance(RULE, buckets) == pytest.approx(RULE | {"tolerance": tolerance, "widest": widest})


@pytest.mark.parametrize("rule", [None, {"field": "ticker"}])
def test_rule_without_a_tolerance_is_left_as_it_is(rule: dict[str, Any] | None) -> None:
    assert narrow_tolerance(rule, ["IBM", "SPY"]) == rule


def test_control_from_gold_is_a_sampler_with_nothing_left_open() -> None:
    train = pl.DataFrame({"entry_volatility_percent": [0.1, 0.12, 0.14]})
    control = resolve_control(HEAT, train)
    SamplerColumnConfig.model_validate(control.column)
    assert control.column["params"]["values"] == [0.1, 0.12, 0.14]
    assert control.column["params"]["weights"] == pytest.approx([1 / 3] * 3)
    assert control.match == pytest.approx(RULE | {"tolerance": 0.01, "widest": 0.1})
    assert control.check == {"field": "entry_volatility_percent", "tolerance": 0.01}
    assert "params" not in HEAT["column"]


def test_control_with_values_of_its_own_keeps_its_tolerance() -> None:
    params = {"values": [0.3, 0.31]}
    column = {"name": "heat", "column_type": "sampler", "sampler_type": "category", "params": params}
    control = resolve_control(HEAT | {"column": column, "from_gold": None}, pl.DataFrame())
    assert (control.column["params"], control.match) == (params, RULE)


TRAIN = pl.DataFrame({"entry_volatility_percent": [0.5, 0.62], "ticker": ["IBM", "SPY"], "trade_type": ["buy"] * 2})


def test_params_of_the_profile_take_the_place_of_the_controls(load_with: LoadWith) -> None:
    params = {"values": [0.5, 0.6], "weights": [0.9, 0.1]}
    (control,) = resolve_controls(load_with({"use": "target_volatility", "params": params}), TRAIN)
    assert control.column["params"] == params
    assert control.match == RULE


def test_profile_may_take_a_controls_values_from_the_gold(load_with: LoadWith) -> None:
    (control,) = resolve_controls(load_with({"use": "target_volatility", "from_gold": {"bins": 2}}), TRAIN)
    assert control.column["params"] == {"values": [0.5, 0.62], "weights": [0.5, 0.5]}


def test_buckets_from_the_gold_are_never_foreign(load_with: LoadWith) -> None:
    assert (
        find_foreign_buckets(load_with({"use": "target_volatility", "from_gold": {"bins": 9}}, "ticker"), TRAIN) == []
    )


def test_a_bucket_of_the_command_line_that_is_foreign_is_said_to_be_its() -> None:
    profile = load_profile("offline", {"onlys": ("controls.target_volatility=4",)})
    found = find_foreign_buckets(profile, TRAIN)
    said = [problem for problem in found if "4 to 4 lie outside" in problem.message]
    assert [(one.file, one.path) for one in said] == [("command line", "--only controls.target_volatility=4")]


def test_foreign_buckets_are_refused_with_both_ranges() -> None:
    (problem,) = find_foreign_buckets(load_profile("nim_dev"), TRAIN)
    assert (problem.file, problem.path) == ("designer_configs/nim_dev.yaml", "controls.target_volatility")
    assert problem.message == (
        "the buckets 0.3 to 1.1 lie outside the gold's entry_volatility_percent, 0.5 to 0.62 (tolerance 0.05; outside: "
        "0.3, 0.4, 0.7, 0.8, 0.9, 1, 1.1). Take them from the gold: {use: target_volatility, from_gold: {bins: 9}}, or "
        "give other params"
    )


@pytest.mark.parametrize(("bucket", "foreign"), [(0.45, False), (0.67, False), (0.44, True), (0.68, True)])
def test_bucket_may_lie_outside_by_the_tolerance(load_with: LoadWith, bucket: float, foreign: bool) -> None:
    profile = load_with({"use": "target_volatility", "params": {"values": [bucket]}})
    assert bool(find_foreign_buckets(profile, TRAIN)) is foreign


def test_category_that_the_gold_does_not_have_is_foreign(load_with: LoadWith) -> None:
    symbols, directions = {"values": ["IBM", "XYZ"]}, {"values": ["buy", "short"]}
    profile = load_with({"use": "ticker", "params": symbols}, {"use": "trade_type", "params": directions})
    assert [problem.message for problem in find_foreign_buckets(profile, TRAIN)] == [
        "['XYZ'] not in the gold, which has ['IBM', 'SPY']: take the values from_gold",
        "['short'] not in the gold, which has ['buy']: take the values from_gold",
    ]


def category(name: str, values: list[Any], **match: Any) -> Control:
    column = {"name": name, "sampler_type": "category", "params": {"values": values}}
    return Control(column, "", {"field": name, **match}, None)


def test_cells_are_what_controls_can_draw_together() -> None:
    state = category("state", ["NY", "CA"])
    params = {"category": "state", "values": {"NY": ["Albany", "Troy"], "CA": ["Fresno"]}}
    city = Control({"name": "city", "sampler_type": "subcategory", "params": params}, "", {"field": "city"}, None)
    assert sorted(list_cells([city, state])) == [("Albany", "NY"), ("Fresno", "CA"), ("Troy", "NY")]
    assert list_cells([state, category("size", [1, 2])]) == [("NY", "1"), ("NY", "2"), ("CA", "1"), ("CA", "2")]
    assert list_cells([city]) == [("Albany",), ("Troy",), ("Fresno",)]


def test_value_that_is_never_drawn_is_in_no_cell() -> None:
    state = category("state", ["NY", "CA"])
    state.column["params"]["weights"] = [1.0, 0.0]
    assert list_cells([state]) == [("NY",)]


EXACT = {"column_type": "gold-examples", "k": 2, "exact": True}
NOTES = """\
schema_version: 1
description: notes
dataset: notes
controls: [kind, size]
provider: {name: offline}
models: {writer: {model: a}, critic: {model: b}, mender: {model: c}}
gold: {rows: rows.csv}
"""


@pytest.fixture
def notes(tmp_path: Path) -> Profile:
    """Give a profile of a dataset that shows exact examples, by two controls of two values each."""
    folder = write_notes(tmp_path, {"examples": EXACT}, gold_columns={"kind": "text", "size": "text"})
    (folder / "controls").mkdir()
    for name, values in (("kind", ["a", "b"]), ("size", ["big", "small"])):
        column = {"name": name, "column_type": "sampler", "sampler_type": "category", "params": {"values": values}}
        control = {"description": name, "column": column, "prompt": f"{{{{ {name} }}}}", "match": {"field": name}}
        (folder / "controls" / f"{name}.yaml").write_text(yaml.safe_dump(control))
    (tmp_path / "notes.yaml").write_text(NOTES)
    return load_profile(tmp_path / "notes.yaml")


def test_cells_of_which_the_gold_has_no_row_are_named(notes: Profile) -> None:
    gold = pl.DataFrame({"gold_id": ["1", "2", "3"], "kind": ["a", "a", "b"], "size": ["big", "small", "big"]})
    (problem,) = find_foreign_buckets(notes, gold)
    assert (problem.file, problem.path) == (str(notes.file), "controls")
    assert problem.message == (
        "no gold row has kind b, size small: leave one of kind, size out of the profile's controls, or draw only what "
        "there is, with a subcategory sampler for one of them or other values"
    )
    full = pl.concat([gold, pl.DataFrame({"gold_id": ["4"], "kind": ["b"], "size": ["small"]})])
    assert find_foreign_buckets(notes, full) == []


def test_columns_that_the_gold_does_not_have_are_named(notes: Profile) -> None:
    (problem,) = find_foreign_buckets(notes, pl.DataFrame({"gold_id": ["1"], "kind": ["a"]}))
    assert (problem.path, problem.message) == (
        "controls.size",
        "match reads size of the gold, but its rows have gold_id, kind",
    )


def test_gold_without_a_row_has_none_to_show(notes: Profile) -> None:
    said = [(problem.path, problem.message) for problem in find_foreign_buckets(notes, pl.DataFrame())]
    assert ("controls.kind", "match reads kind of the gold, but it has no rows") in said
    none = "the column examples shows gold rows, and there are none: name a file of them"
    assert ("gold", none) in said
    optional = {**notes.dataset.document, "gold": {"rows": "optional"}}
    other = replace(notes, dataset=replace(notes.dataset, document=optional))
    assert none not in [problem.message for problem in find_foreign_buckets(other, pl.DataFrame())]
