"""Collapse, lost regions and starved controls are seen; other marginals are no fault."""

import json
from collections.abc import Sequence
from math import isnan, log

import numpy as np
import polars as pl
import pytest
from scipy.stats import multinomial

from verification.answers import CANNOT_TELL, GOOD, UNDERFIT, to_json
from verification.delivery import NO_BUCKET, Declared, compare_control, count_values
from verification.trades import diversity
from verification.trades.diversity import (
    Reach,
    ask_diversity,
    estimate_mean,
    measure_coverage,
    measure_effective,
    measure_reach,
    narrow_gold,
)
from verification.trades.references import EXACT_COPIES, GAUSSIAN_COPULA, PROTOTYPE_COLLAPSE
from verification.trades.sameness import find_same, measure_duplicates
from verification.trades.yardstick import Yardstick

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


def mark(values: Sequence[object]) -> pl.DataFrame:
    """Make trades of which no more is known than what was asked."""
    return pl.DataFrame({"period": pl.Series(values)})


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
    reach, points = measure_reach(yardstick, yardstick.train), yardstick.space.place(fresh[:50])
    inside = [
        [np.linalg.norm(row - point) <= radius for point in points]
        for row, radius in zip(reach.points, reach.radii, strict=True)
    ]
    found = measure_coverage(reach, points)
    assert found.covered.value == pytest.approx(np.mean([any(row) for row in inside]))
    assert found.density == pytest.approx(np.sum(inside) * (len(inside) - 1) / (5 * 50 * len(inside)))


def test_balls_reach_the_fifth_row_of_other_sessions(gold: pl.DataFrame) -> None:
    yardstick, _ = make_yardstick(gold)
    days, reach = yardstick.train["session_date"].to_list(), measure_reach(yardstick, yardstick.train)
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
    found = compare_control(THREE, mark(["open"] * 60 + ["midday"] * 35 + ["close"] * 5), draw_rng())
    assert found.delivered == pytest.approx((0.6, 0.35, 0.05))
    assert found.variation.value == pytest.approx(0.15)
    assert found.variation.low < 0.15 < found.variation.high
    assert found.starved == ("close",)
    assert found.undeclared == 0.0


def test_what_is_drawn_as_declared_is_within_chance() -> None:
    drawn = multinomial(200, THREE.shares, seed=4).rvs(200)
    found = [
        compare_control(THREE, mark(np.repeat(THREE.values, counts).tolist()), draw_rng()) for counts in drawn[:100]
    ]
    assert sum(each.variation.value > each.by_chance for each in found) <= 12
    assert not any(each.starved for each in found)


def test_few_rows_starve_nothing() -> None:
    assert compare_control(THREE, mark(["open"] * 5), draw_rng()).starved == ()
    assert compare_control(THREE, mark(["open"] * 60), draw_rng()).starved == ("midday", "close")


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
    assert "1 session of gold" in ask_diversity(Yardstick(train, gold[-50:], 100), gold[300:400], []).reason


def test_columns_that_do_not_vary_do_no_harm(gold: pl.DataFrame) -> None:
    still = {"entry_volatility_percent": pl.lit(0.5), "trade_type": pl.lit("buy")}
    train, holdout, fresh = (part.with_columns(**still) for part in split_gold(gold))
    assert ask_diversity(Yardstick(train, holdout, len(fresh)), fresh, []).verdict == GOOD


def test_gold_of_one_trade_repeated_gives_no_traceback(gold: pl.DataFrame) -> None:
    numbers = [name for name, kind in gold.schema.items() if kind.is_float()]
    same = gold.with_columns(pl.col([*numbers, "trade_type"]).first())
    answer = ask_diversity(Yardstick(same[:300], same[300:400], 200), same[400:], [])
    assert answer.metrics["rows_used"] == len(same) - 400


def test_trades_written_twice_are_not_varied(gold: pl.DataFrame) -> None:
    twice = find_same(gold, pl.concat([gold[:100], gold[:100]]), ())
    assert twice.faults[0].startswith("50.0%")
    assert twice.numbers[0][0] == "trades that repeat another one"
    assert find_same(gold, pl.concat([gold[:100], gold[:10]]), ()).faults == ()


def test_a_number_that_no_trade_has_otherwise_is_named_unless_a_control_sets_it(gold: pl.DataFrame) -> None:
    frozen = gold.with_columns(entry_volatility_percent=0.3, worst_exit_percent=-0.2)
    said = "Volatility at the entry and worst exit are the same in all"
    assert find_same(gold, frozen, ()).faults[0].startswith(said)
    controlled = ("entry_volatility_percent", "worst_exit_percent")
    assert find_same(gold, frozen, controlled).faults == find_same(gold, gold, ()).faults == ()
    assert find_same(frozen, frozen, ()).faults == find_same(gold, frozen[:29], ()).faults == ()


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


@pytest.mark.parametrize(
    ("kept", "controlled"),
    [
        (pl.col("trade_type") == "short", ["is_short"]),
        (pl.col("entry_time").dt.hour() < 11, ["entry_minute"]),
        (pl.col("entry_volatility_percent").rank().is_between(200, 350), ["entry_volatility_percent"]),
    ],
)
def test_what_controls_narrow_is_no_fault(gold: pl.DataFrame, kept: pl.Expr, controlled: list[str]) -> None:
    yardstick, fresh = make_yardstick(gold)
    narrowed = fresh.filter(kept)
    answer = ask_diversity(yardstick, narrowed, [], controlled)
    assert answer.verdict == GOOD
    assert 30 <= answer.metrics["gold_rows_asked"] < answer.metrics["gold_rows"]
    assert ask_diversity(yardstick, narrowed, []).verdict != GOOD


def test_what_is_lost_of_the_rest_is_still_seen(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    early = fresh.filter(pl.col("entry_time").dt.hour() < 11)
    assert ask_diversity(yardstick, early, [], ["entry_volatility_percent"]).verdict != GOOD
    longs = fresh.filter(pl.col("trade_type") == "buy")
    assert ask_diversity(yardstick, longs, [], ["entry_volatility_percent", "entry_minute"]).verdict == UNDERFIT
    collapse = yardstick.references[PROTOTYPE_COLLAPSE]
    assert ask_diversity(yardstick, collapse, [], ["entry_volatility_percent", "entry_minute"]).verdict == UNDERFIT


def test_gold_within_reach_agrees_with_all_pairs(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    few = fresh[:40].filter(pl.col("trade_type") == "buy")
    found = narrow_gold(yardstick, few, ["entry_volatility_percent", "is_short"])
    theirs, own = yardstick.space.place(few), yardstick.space.place(yardstick.train)
    is_near = [all(min(abs(theirs[:, axis] - row[axis])) <= 0.2 for axis in (0, 6)) for row in own]
    assert found.train["trade_id"].to_list() == yardstick.train.filter(is_near)["trade_id"].to_list()
    assert narrow_gold(yardstick, few, []) is yardstick


def test_too_little_gold_within_reach_is_named(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    moved = fresh.with_columns(pl.col("entry_volatility_percent") * 50.0)
    answer = ask_diversity(yardstick, moved, [], ["entry_volatility_percent"])
    assert answer.verdict == CANNOT_TELL
    assert "gold trades to train on within reach of the controls, at least 30" in answer.reason
    assert answer.metrics["coverage"]["covered"]["value"] is None


def make_volatile(own: Sequence[float], asked: Sequence[float]) -> pl.DataFrame:
    return pl.DataFrame({"entry_volatility_percent": own, "target": asked}, strict=False)


def test_a_field_says_what_the_trades_are() -> None:
    control = Declared("target", (0.3, 0.4), None, "entry_volatility_percent", 0.05)
    found = compare_control(control, make_volatile([0.31, 0.42, 0.44, 0.9], [0.3, 0.3, 0.4, 0.4]), draw_rng())
    assert (found.measured, found.values) == ("row", ("0.3", "0.4", NO_BUCKET))
    assert (found.delivered, found.declared) == ((0.25, 0.5, 0.25), (0.5, 0.5, 0.0))
    assert found.undeclared == 0.25
    ignored = compare_control(control, make_volatile([0.3] * 60, [0.3, 0.4] * 30), draw_rng())
    assert ignored.starved == ("0.4",)


def test_overlapping_tolerances_move_nothing() -> None:
    control = Declared("target", (0.70, 0.72), None, "entry_volatility_percent", 0.05)
    found = compare_control(control, make_volatile([0.73, 0.73, 0.75], [0.70, 0.72, 0.70]), draw_rng())
    assert found.delivered == pytest.approx((2 / 3, 1 / 3))
    edge = Declared("target", (0.3,), None, "entry_volatility_percent", 0.1)
    assert compare_control(edge, make_volatile([0.3 + 0.1], [0.3]), draw_rng()).undeclared == 0.0


def test_text_and_dates_are_compared_as_they_are_written(gold: pl.DataFrame) -> None:
    first = str(gold["session_date"][0])
    day = Declared("day", (first, "2001-01-01"), None, "session_date")
    side = Declared("side", ("buy", "short"), (0.9, 0.1), "trade_type")
    shares = [compare_control(each, gold, draw_rng()).delivered[0] for each in (day, side)]
    assert shares[0] == pytest.approx((gold["session_date"] == gold["session_date"][0]).mean())
    assert shares[1] == pytest.approx((gold["trade_type"] == "buy").mean())


def test_a_control_without_a_field_counts_what_was_asked() -> None:
    assert compare_control(THREE, mark(["open"] * 5), draw_rng()).measured == "asked"


def test_one_draw_of_all_rows_is_no_certainty() -> None:
    rng = draw_rng()
    found = estimate_mean([rng.random((60, 2))], lambda part: measure_effective(part, 0.05))
    assert found.low < found.value < found.high
    alike = estimate_mean([np.zeros((60, 2))], lambda part: measure_effective(part, 0.05))
    assert alike.high - alike.low > 0.05
    spread = [measure_effective(rng.random((60, 2)), 0.05) for _ in range(200)]
    assert 0.4 < (found.high - found.low) / (4 * np.std(spread)) < 2.5


def test_ids_that_come_twice_are_told(gold: pl.DataFrame) -> None:
    yardstick, fresh = make_yardstick(gold)
    twice = fresh.with_columns(trade_id=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("same")).otherwise("trade_id"))
    answer = ask_diversity(yardstick, twice, [])
    assert (answer.verdict, answer.metrics["repeated_ids"]) == (GOOD, 2)
    assert "2 trades have the trade_id of another one." in answer.reason
