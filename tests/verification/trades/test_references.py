"""Reference generators: what each keeps of the gold and what it breaks."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import rankdata

from gold_data.trades.rules import measure_exit_percent
from verification.answers import Matrix
from verification.trades.features import EXITS, FEATURES, PERCENTS, measure_features
from verification.trades.references import (
    BLOCK_BOOTSTRAP,
    EXACT_COPIES,
    GAUSSIAN_COPULA,
    JITTERED_BOOTSTRAP,
    PROTOTYPE_COLLAPSE,
    SHUFFLED_MARGINALS,
    UNIFORM_NOISE,
    assemble_trades,
    build_references,
    copy_half,
    draw_copula,
    draw_sessions,
    ignore_volatility,
    shuffle_columns,
    spoil_some,
)

NAMES = {
    BLOCK_BOOTSTRAP,
    JITTERED_BOOTSTRAP,
    GAUSSIAN_COPULA,
    SHUFFLED_MARGINALS,
    UNIFORM_NOISE,
    EXACT_COPIES,
    PROTOTYPE_COLLAPSE,
}


def make_trades(count: int, seed: int = 0, per_session: int = 5) -> pl.DataFrame:
    """Draw possible trades, whose percents and holding time grow with volatility; entry prices are 100, 101, ..."""
    rng = np.random.default_rng(seed)
    volatility = np.exp(rng.normal(-1.0, 0.5, count))
    ends = volatility[:, None] * np.exp(rng.normal(0.0, 0.4, (count, 2))) * [-1.0, 1.5]
    change = ends[:, 0] + rng.random(count) * (ends[:, 1] - ends[:, 0])
    values = np.column_stack(
        [volatility, ends, change, 5 + 40 * volatility, rng.uniform(580, 840, count), rng.integers(0, 2, count)]
    )
    days = [date(2024, 3, 4) + timedelta(days=place // per_session * 7) for place in range(count)]
    session = pl.Series(days, dtype=pl.Date)
    stamp = session.cast(pl.Datetime("us")).dt.replace_time_zone("America/New_York")
    frame = pl.DataFrame(
        {
            "trade_id": pl.Series([f"gold-{place}" for place in range(count)], dtype=pl.String),
            "ticker": pl.Series(["AAA"] * count, dtype=pl.String),
            "trade_type": pl.Series(["buy"] * count, dtype=pl.String),
            "session_date": session,
            "entry_time": stamp,
            "exit_time": stamp,
            "entry_price": 100.0 + np.arange(count),
            "exit_price": np.ones(count),
        }
        | dict.fromkeys(PERCENTS, np.ones(count))
    )
    return assemble_trades(frame, values.reshape(count, len(FEATURES)))


def list_values(trades: pl.DataFrame) -> Matrix:
    return measure_features(trades).select(FEATURES).to_numpy()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
@pytest.mark.parametrize("size", [0, 1, 3, 100])
def test_every_table_has_the_gold_s_columns_types_and_own_ids(count: int, size: int) -> None:
    train = make_trades(count)
    made = build_references(train, size, np.random.default_rng(1))
    assert set(made) == NAMES
    for name, trades in made.items():
        assert (trades.schema, trades.height) == (train.schema, size if count else 0)
        assert trades["trade_id"].to_list() == [f"{name}-{place}" for place in range(trades.height)]
        assert sum(trades.null_count().row(0)) == 0
        assert all(price > 0 for price in trades["exit_price"])


def test_the_same_seed_draws_the_same() -> None:
    train = make_trades(30)
    first, again = (build_references(train, 50, np.random.default_rng(3)) for _ in range(2))
    for name in NAMES:
        assert_frame_equal(first[name], again[name])


def test_constant_columns_stay_constant() -> None:
    train = make_trades(30).with_columns(trade_type=pl.lit("buy"), entry_volatility_percent=pl.lit(0.5))
    for trades in build_references(train, 50, np.random.default_rng(1)).values():
        assert trades["trade_type"].unique().to_list() == ["buy"]
        assert trades["entry_volatility_percent"].to_numpy() == pytest.approx(0.5)


def test_prices_times_and_percents_agree() -> None:
    for trades in build_references(make_trades(40), 60, np.random.default_rng(1)).values():
        for row in trades.iter_rows(named=True):
            percent = measure_exit_percent(row["trade_type"], row["entry_price"], row["exit_price"])
            assert percent == pytest.approx(row["trade_percent_change"])
            assert row["exit_time"] > row["entry_time"]
            assert row["entry_time"].date() == row["session_date"]


def test_sessions_are_drawn_whole_in_their_order() -> None:
    sessions = pl.Series([date(2024, 1, day) for day in (3, 2, 3, 4, 2, 3)])
    places = draw_sessions(sessions, 200, np.random.default_rng(0)).tolist()
    whole, left = [[1, 4], [0, 2, 5], [3]], list(places)
    while len(left) > 3:
        session = next(rows for rows in whole if rows[0] == left[0])
        assert left[: len(session)] == session
        left = left[len(session) :]
    assert len(places) == 200


def test_copies_are_gold_rows_and_jitter_is_five_percent() -> None:
    train = make_trades(200)
    made = build_references(train, 2000, np.random.default_rng(1))
    for name in (EXACT_COPIES, BLOCK_BOOTSTRAP):
        assert made[name].join(train, on=train.columns[1:], how="anti").is_empty()
    # Within a session the entry price names the gold row here.
    pairs = made[JITTERED_BOOTSTRAP].join(train, on="entry_price")
    moved = pairs["best_exit_percent"] - pairs["best_exit_percent_right"]
    assert float(moved.std()) == pytest.approx(0.05 * list_values(train)[:, 2].std(), rel=0.1)  # type: ignore[arg-type]
    assert (pairs["trade_type"] == pairs["trade_type_right"]).all()


def test_the_copula_keeps_marginals_and_rank_correlation() -> None:
    values = list_values(make_trades(500))
    drawn = draw_copula(values, 4000, np.random.default_rng(1))
    apart = np.median(drawn, axis=0)[:6] - np.median(values, axis=0)[:6]
    assert (np.abs(apart) < 0.1 * values.std(axis=0)[:6]).all()
    gold, made = (np.corrcoef(rankdata(table[:, :6], axis=0).T) for table in (values, drawn))
    assert np.asarray(made) == pytest.approx(np.asarray(gold), abs=0.1)
    assert set(drawn[:, 6]) == {0.0, 1.0}


def test_shuffling_uses_every_value_alike_and_breaks_the_rows() -> None:
    values = list_values(make_trades(100))
    drawn = shuffle_columns(values, 200, np.random.default_rng(1))
    assert np.sort(drawn, axis=0) == pytest.approx(np.sort(np.repeat(values, 2, axis=0), axis=0))
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 4])[0, 1]) < 0.3 < np.corrcoef(values[:, 0], values[:, 4])[0, 1]


def test_noise_fills_the_gold_s_range_and_a_collapse_has_three_places() -> None:
    train = make_trades(100)
    made = build_references(train, 1000, np.random.default_rng(1))
    low, high = list_values(train).min(axis=0)[:4], list_values(train).max(axis=0)[:4]
    noise = list_values(made[UNIFORM_NOISE])[:, :4]
    assert (noise >= low).all()
    assert (noise <= high).all()
    assert noise.mean(axis=0) == pytest.approx((low + high) / 2, abs=0.05 * float((high - low).max()))
    assert len(np.unique(np.round(list_values(made[PROTOTYPE_COLLAPSE])[:, 5] / 20))) <= 6


def test_a_skipped_hour_leaves_the_gold_s_own_entry() -> None:
    gold = make_trades(1).with_columns(session_date=pl.lit(date(2024, 3, 10)))
    values = list_values(gold)
    values[0, FEATURES.index("entry_minute")] = 2 * 60 + 30  # clocks skip it that day
    assert assemble_trades(gold, values)["entry_time"][0] == gold["entry_time"][0]


def test_a_short_that_loses_all_leaves_above_zero() -> None:
    gold = make_trades(1)
    values = list_values(gold)
    values[0, [FEATURES.index("trade_percent_change"), FEATURES.index("is_short")]] = (150.0, 1.0)
    assert assemble_trades(gold, values)["exit_price"][0] == pytest.approx(100.0 * 1e-4)


def test_a_half_is_copied_with_its_own_ids() -> None:
    fresh, train = make_trades(20, seed=1).with_columns(target=pl.lit(1)), make_trades(10, seed=2)
    mixed = copy_half(fresh, train, np.random.default_rng(0))
    assert mixed.columns == fresh.columns
    assert mixed["trade_id"].equals(fresh["trade_id"])
    assert mixed.join(train, on=train.columns[1:], how="semi").height == 10
    assert mixed.join(fresh, on=fresh.columns, how="semi").height == 10
    assert_frame_equal(copy_half(fresh, train.clear(), np.random.default_rng(0)), fresh)


def test_spoiled_trades_are_impossible_and_the_others_as_they_were() -> None:
    fresh = make_trades(200)
    spoiled = spoil_some(fresh, 0.2, np.random.default_rng(0))
    assert spoiled.join(fresh, on=fresh.columns, how="semi").height == 160
    percent = pl.col("trade_percent_change")
    side = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    priced = 100.0 * side * (pl.col("exit_price") / pl.col("entry_price") - 1.0)
    faults = [
        (percent > pl.col("best_exit_percent") + 0.4) & ((priced - percent).abs() < 1e-6),
        pl.col("worst_exit_percent") > pl.col("best_exit_percent"),
        pl.col("exit_time") < pl.col("entry_time"),
        priced * percent < 0,
    ]
    assert [spoiled.filter(fault).height for fault in faults] == [10, 10, 10, 10]


def test_exits_that_ignore_volatility_keep_their_joint_law_and_the_hours() -> None:
    fresh = make_trades(400)
    moved = ignore_volatility(fresh, np.random.default_rng(0))
    before, after = (measure_features(trades).select(EXITS).sort(EXITS) for trades in (fresh, moved))
    assert_frame_equal(before, after)
    assert moved.select("entry_time", "entry_price", "entry_volatility_percent").equals(
        fresh.select("entry_time", "entry_price", "entry_volatility_percent")
    )
    assert (moved["exit_time"].dt.hour() < 16).all()
    assert abs(np.asarray(np.corrcoef(list_values(moved)[:, [0, 4]].T))[0, 1]) < 0.2
    for row in moved.iter_rows(named=True):
        percent = measure_exit_percent(row["trade_type"], row["entry_price"], row["exit_price"])
        assert percent == pytest.approx(row["trade_percent_change"])


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_known_faults_take_tiny_tables(count: int) -> None:
    fresh, rng = make_trades(count), np.random.default_rng(0)
    for made in (copy_half(fresh, make_trades(2), rng), spoil_some(fresh, 0.5, rng), ignore_volatility(fresh, rng)):
        assert (made.schema, made.height) == (fresh.schema, count)
