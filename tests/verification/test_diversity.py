"""Collapse, lost regions and starved controls are seen; other marginals are no fault."""

import json
from math import isnan, log

import numpy as np
import polars as pl
import pytest
from scipy.stats import multinomial

from verification import diversity
from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, to_json
from verification.diversity import (
    Declared,
    Reach,
    ask_diversity,
    compare_control,
    count_values,
    measure_coverage,
    measure_duplicates,
    measure_effective,
    measure_reach,
)
from verification.references import EXACT_COPIES, GAUSSIAN_COPULA, PROTOTYPE_COLLAPSE
from verification.yardstick import Yardstick

THREE = Declared("period", ("open", "midday", "close"), (0.5, 0.3, 0.2))


def split_gold(gold: pl.DataFrame, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Deal the gold's sessions out to train, hold-out and a fresh draw of about equally many as train."""
    days = gold["session_date"].unique().sort()
    mixed = days.gather(np.random.default_rng(seed).permutation(len(days)))
    train, held = len(days) * 4 // 10, len(days) * 5 // 10
    return tuple(  # type: ignore[return-value]
        gold.filter(pl.col("session_date").is_in(part.implode()))
        for part in (mixed[:train], mixed[train:held], mixed[held:])
    )


def make_yardstick(gold: pl.DataFrame, seed: int = 0) -> tuple[Yardstick, pl.DataFrame]:
    train, holdout, fresh = split_gold(gold, seed)
    return Yardstick(train, holdout, len(fresh), seed), fresh


def draw_rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("seed", range(3))
def test_a_fresh_draw_is_as_varied(gold: pl.DataFrame, seed: int) -> None:
    yardstick, fresh = make_yardstick(gold, seed)
    answer = ask_diversity(yardstick, fresh, [])
    assert answer.verdict == GOOD
    assert answer.metrics["coverage"]["covered"]["value"] > 0.9
    assert answer.metrics["likeness"]["effective"]["value"] > 0.9
    assert all(score["position"]["value"] > 0.9 for score in answer.metrics["scores"])


def test_a_collapse_is_underfit_and_copies_are_told_from_it(gold: pl.DataFrame) -> None:
    yardstick, _ = make_yardstick(gold)
    said = {
        name: ask_diversity(yardstick, yardstick.references[name], []) for name in (PROTOTYPE_COLLAPSE, EXACT_COPIES)
    }
    collapse, copies = (said[name].metrics["likeness"] for name in (PROTOTYPE_COLLAPSE, EXACT_COPIES))
    assert said[PROTOTYPE_COLLAPSE].verdict == UNDERFIT
    assert collapse["effective"]["value"] * collapse["rows"] < 10
    assert 0.4 < copies["effective"]["value"] < 0.75
    assert said[EXACT_COPIES].metrics["duplicates"]["value"] > 0.3


def test_most_rows_repeated_is_underfit(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    answer = ask_diversity(yardstick, pl.concat([fresh] * 4), [])
    assert answer.metrics["duplicates"]["value"] == pytest.approx(0.75)
    assert (answer.verdict, "repeat another" in answer.reason) == (UNDERFIT, True)


def test_a_lost_half_of_the_gold_is_underfit(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    answer = ask_diversity(yardstick, fresh.filter(pl.col("trade_type") == "buy"), [])
    assert (answer.verdict, "of the gold trades have a trade near them" in answer.reason) == (UNDERFIT, True)


def test_another_law_of_volatility_is_no_fault(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    bins = fresh["entry_volatility_percent"].rank() // (len(fresh) // 4 + 1)
    uneven = pl.concat([fresh.filter(bins >= 1), fresh.filter(bins < 1)[::4]])
    assert ask_diversity(yardstick, uneven, []).verdict == GOOD


def test_a_copula_is_varied_enough(gold: pl.DataFrame) -> None:
    yardstick, _ = make_yardstick(gold)
    assert ask_diversity(yardstick, yardstick.references[GAUSSIAN_COPULA], []).verdict != UNDERFIT


def test_coverage_agrees_with_all_pairs(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    reach, points = measure_reach(yardstick), yardstick.space.place(fresh[:50])
    inside = [
        [np.linalg.norm(row - point) <= radius for point in points]
        for row, radius in zip(reach.points, reach.radii, strict=True)
    ]
    found = measure_coverage(reach, points)
    assert found.covered.value == pytest.approx(np.mean([any(row) for row in inside]))
    assert found.density == pytest.approx(np.sum(inside) * (len(inside) - 1) / (5 * 50 * len(inside)))


def test_balls_reach_the_fifth_row_of_other_sessions(gold: pl.DataFrame) -> None:
    yardstick, _ = make_yardstick(gold)
    days, reach = yardstick.train["session_date"].to_list(), measure_reach(yardstick)
    for place in range(0, len(days), 17):
        apart = np.linalg.norm(reach.points - reach.points[place], axis=1)
        others = sorted(distance for distance, day in zip(apart, days, strict=True) if day != days[place])
        assert reach.radii[place] == pytest.approx(others[4])


def test_expected_coverage_is_that_of_rows_in_random_order() -> None:
    rng = draw_rng()
    shares = []
    for _ in range(200):
        gold, fresh = rng.random((40, 1)), rng.random((20, 1))
        apart = np.sort(np.abs(gold - gold.T), axis=1)[:, 5]
        shares.append(measure_coverage(Reach(gold, apart, 0.0), fresh))
    assert shares[0].expected == pytest.approx(np.mean([each.covered.value for each in shares]), abs=0.02)
    assert np.mean([each.density for each in shares]) == pytest.approx(1.0, abs=0.05)


def test_effective_rows_agree_with_their_definition() -> None:
    points = np.array([[0.0], [0.0], [0.05], [5.0]])
    oracle = np.exp(-(3 * log(3) + log(1)) / 4)
    assert measure_effective(points, 0.1) == pytest.approx(oracle)
    assert measure_effective(np.zeros((100, 2)), 0.1) == pytest.approx(0.01)
    assert measure_effective(np.arange(10.0)[:, None], 0.1) == pytest.approx(1.0)


def test_three_equal_prototypes_count_three() -> None:
    points = np.repeat([[0.0], [5.0], [9.0]], 50, axis=0)
    assert 150 * measure_effective(points, 0.1) == pytest.approx(3.0)


def test_delivered_shares_and_total_variation() -> None:
    column = pl.Series(["open"] * 60 + ["midday"] * 35 + ["close"] * 5)
    found = compare_control(THREE, column, draw_rng())
    assert found.delivered == pytest.approx((0.6, 0.35, 0.05))
    assert found.variation.value == pytest.approx(0.15)
    assert found.variation.low < 0.15 < found.variation.high
    assert found.starved == ("close",)
    assert found.undeclared == 0.0


def test_what_is_drawn_as_declared_is_within_chance() -> None:
    drawn = multinomial(200, THREE.shares, seed=4).rvs(200)
    found = [compare_control(THREE, pl.Series(np.repeat(THREE.values, counts)), draw_rng()) for counts in drawn[:100]]
    assert sum(each.variation.value > each.by_chance for each in found) <= 12
    assert not any(each.starved for each in found)


def test_few_rows_starve_nothing() -> None:
    assert compare_control(THREE, pl.Series(["open"] * 5), draw_rng()).starved == ()
    assert compare_control(THREE, pl.Series(["open"] * 60), draw_rng()).starved == ("midday", "close")


def test_numbers_are_one_value_however_they_are_written() -> None:
    values = (0.3, 0.4, "1")
    column = pl.Series([0.1 + 0.2, 0.4, 0.4, 1.0, None, 7.0], dtype=pl.Float64)
    assert count_values(values, column).tolist() == [1, 2, 1, 2]
    assert count_values(values, pl.Series(["0.30", "0.4", "1.0", "x"])).tolist() == [1, 1, 1, 1]
    assert count_values(("buy", "nan"), pl.Series(["buy", "nan", None])).tolist() == [1, 1, 1]


def test_shares_are_even_where_no_weights_are_declared() -> None:
    assert Declared("x", (1.0, 2.0)).shares.tolist() == [0.5, 0.5]
    assert Declared("x", (1.0, 2.0), (3.0, 1.0)).shares.tolist() == [0.75, 0.25]


def test_a_starved_control_is_underfit_and_named(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    marked = fresh.with_columns(period=pl.lit("open"))
    answer = ask_diversity(yardstick, marked, [THREE, Declared("absent", ("a",)), Declared("empty", ())])
    assert answer.verdict == UNDERFIT
    assert "period midday, period close" in answer.reason
    assert answer.metrics["controls_not_compared"] == ["absent", "empty"]
    assert answer.numbers[2] == ("starved buckets of controls", "2")


@pytest.mark.parametrize(
    ("train", "rows", "named"),
    [
        (20, 100, "20 gold trades"),
        (0, 100, "0 gold trades"),
        (200, 0, "0 synthetic"),
        (200, 1, "1 synthetic"),
        (200, 5, "5 synthetic"),
    ],
)
def test_too_little_is_named(gold: pl.DataFrame, train: int, rows: int, named: str) -> None:
    answer = ask_diversity(Yardstick(gold[:train], gold[-50:], rows), gold[300 : 300 + rows], [THREE])
    assert (answer.verdict, named in answer.reason, len(answer.numbers)) == (CANNOT_TELL, True, 3)


def test_one_session_of_gold_cannot_tell(gold: pl.DataFrame) -> None:
    train = gold[:100].with_columns(pl.col("session_date").first())
    assert "1 sessions" in ask_diversity(Yardstick(train, gold[-50:], 100), gold[300:400], []).reason


def test_columns_that_do_not_vary_do_no_harm(gold: pl.DataFrame) -> None:
    still = {"entry_volatility_percent": pl.lit(0.5), "trade_type": pl.lit("buy")}
    train, holdout, fresh = (part.with_columns(**still) for part in split_gold(gold))
    assert ask_diversity(Yardstick(train, holdout, len(fresh)), fresh, []).verdict == GOOD


def test_gold_of_one_trade_repeated_gives_no_traceback(gold: pl.DataFrame) -> None:
    numbers = [name for name, kind in gold.schema.items() if kind.is_float()]
    same = gold.with_columns(pl.col([*numbers, "trade_type"]).first())
    answer = ask_diversity(Yardstick(same[:300], same[300:400], 200), same[400:], [])
    assert answer.metrics["rows_used"] == len(same) - 400


def test_duplicates_are_rows_beyond_the_first(gold: pl.DataFrame) -> None:
    assert measure_duplicates(pl.concat([gold[:10], gold[:5], gold[:5]])).value == pytest.approx(0.5)
    assert isnan(measure_duplicates(gold[:0]).value)


def test_metrics_repeat_are_json_and_small(gold: pl.DataFrame) -> None:
    texts = []
    for _ in range(2):
        yardstick, fresh = make_yardstick(gold)
        answer = ask_diversity(yardstick, fresh, [Declared("trade_type", ("buy", "short"), (0.5, 0.5))])
        texts.append(json.dumps(answer.metrics, allow_nan=False))
        assert to_json(answer.metrics) == answer.metrics
    assert texts[0] == texts[1]
    assert len(texts[0]) < 20_000


def test_more_rows_than_the_cap_are_drawn_from(gold: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversity, "MOST_ROWS", 100)
    yardstick, fresh = make_yardstick(gold)
    metrics = ask_diversity(yardstick, fresh, []).metrics
    assert (metrics["rows"], metrics["rows_used"]) == (len(fresh), 100)


def test_fewer_rows_are_expected_to_cover_less() -> None:
    points = draw_rng().random((100, 2))
    reach = Reach(points, np.full(100, 0.1), 0.01)
    few, many = (measure_coverage(reach, points[:rows]) for rows in (10, 100))
    assert few.expected < 0.5
    assert many.expected > 0.95
