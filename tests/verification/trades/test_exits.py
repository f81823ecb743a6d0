"""Exits that follow volatility pass, those that ignore it do not, however volatility is drawn."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from verification.answers import Interval, Matrix
from verification.trades.exits import (
    DRIVERS,
    LEAST_ROWS,
    _list_numbers,
    ask_conditional,
    draw_slopes,
    fit_ruler,
    fit_slopes,
    measure_gap,
    place_rows,
    trace_curves,
)
from verification.trades.features import EXITS
from verification.trades.matching import measure_sound
from verification.trades.references import ignore_volatility
from verification.trades.yardstick import Yardstick


def draw_trades(
    rng: np.random.Generator, count: int, *, follow: float = 1.0, volatility: Matrix | None = None
) -> pl.DataFrame:
    """Draw trades of 40 sessions whose exits grow with volatility to the power `follow`."""
    known = rng.lognormal(-0.5, 0.35, count) if volatility is None else volatility
    size = (known / 0.6) ** follow
    worst, best = -size * rng.exponential(1.0, count), size * rng.exponential(1.2, count)
    change = worst + (best - worst) * rng.random(count)
    day = np.datetime64("2024-10-01") + rng.integers(0, 40, count)
    entry = pl.Series(day.astype("datetime64[us]")) + pl.Series(rng.integers(600, 900, count) * 60_000_000).cast(
        pl.Duration("us")
    )
    frame = pl.DataFrame({"entry_time": entry.dt.replace_time_zone("America/New_York")})
    held = pl.Series(rng.integers(1, 1200, count) * 1_000_000).cast(pl.Duration("us"))
    return frame.select(
        pl.Series("trade_id", np.arange(count)).cast(pl.String),
        pl.lit("SIM").alias("ticker"),
        pl.Series("trade_type", np.where(rng.random(count) < 0.5, "buy", "short")),
        pl.col("entry_time").dt.date().alias("session_date"),
        "entry_time",
        (pl.col("entry_time") + held).alias("exit_time"),
        pl.lit(10.0).alias("entry_price"),
        (10.0 * (1.0 + pl.Series(change) / 100.0)).alias("exit_price"),
        pl.Series("entry_volatility_percent", known),
        pl.Series("worst_exit_percent", worst),
        pl.Series("best_exit_percent", best),
        pl.Series("trade_percent_change", change),
    )


def make_yardstick(seed: int, count: int = 400, **law: Any) -> Yardstick:
    trades = draw_trades(np.random.default_rng([seed, 1]), count, **law)
    return Yardstick(trades.head(count * 4 // 5), trades.slice(count * 4 // 5), count, seed)


def test_exits_that_follow_pass_and_those_that_ignore_volatility_do_not() -> None:
    followed, ignored = [], []
    for seed in range(20):
        yardstick, rng = make_yardstick(seed), np.random.default_rng([seed, 2])
        fresh = draw_trades(rng, 400)
        followed.append(ask_conditional(yardstick, fresh).verdict)
        ignored.append(ask_conditional(yardstick, ignore_volatility(fresh, rng)).verdict)
    assert followed.count("underfit") <= 1
    assert followed.count("good") >= 10
    assert ignored.count("underfit") >= 19


def test_the_first_number_is_of_the_driver_that_decided() -> None:
    off, on, unknown = Interval(0.1, 0.0, 0.2), Interval(1.0, 0.9, 1.1), Interval(float("nan"))
    strength = dict.fromkeys(DRIVERS, on)
    first = [
        _list_numbers(strength, dict(zip(DRIVERS, follow, strict=True)), on)[0]
        for follow in ((off, off), (on, off), (on, on), (unknown, unknown))
    ]
    assert [label for label, _ in first] == [
        "exits' move with volatility, gold = 1",
        "exits' move with time of day, gold = 1",
        "exits' move with volatility, gold = 1",
        "strength with volatility in gold",
    ]
    assert first[1][1] == str(off)


@pytest.mark.parametrize(("follow", "verdicts"), [(1.0, {"good", "cannot tell"}), (0.0, {"underfit"})])
def test_volatility_drawn_flat_changes_no_verdict(follow: float, verdicts: set[str]) -> None:
    rng = np.random.default_rng(5)
    flat = draw_trades(rng, 400, follow=follow, volatility=rng.uniform(0.3, 1.2, 400))
    assert ask_conditional(make_yardstick(5), flat).verdict in verdicts


def test_where_the_gold_does_not_follow_there_is_nothing_to_follow() -> None:
    answer = ask_conditional(make_yardstick(3, 4_000, follow=0.0), draw_trades(np.random.default_rng(1), 400))
    assert answer.verdict in {"good", "cannot tell"}
    assert answer.metrics["follow"]["volatility"]["value"] is None
    assert "do not move" in answer.reason or "do not show" in answer.reason


def test_it_is_repeatable_and_small() -> None:
    fresh = draw_trades(np.random.default_rng(0), 400)
    first, second = (ask_conditional(make_yardstick(1), fresh) for _ in range(2))
    assert first == second
    assert len(first.metrics["curves"]) == 2 * len(EXITS)
    assert first.metrics["scores"][0]["position"]["value"] > 0.5


@pytest.mark.parametrize("rows", [0, 1, 5, LEAST_ROWS - 1])
def test_few_rows_on_either_side_say_nothing(rows: int) -> None:
    fresh = draw_trades(np.random.default_rng(0), 400)
    answer = ask_conditional(make_yardstick(1), fresh.head(rows))
    assert answer.verdict == "cannot tell"
    assert str(LEAST_ROWS) in answer.reason
    assert ask_conditional(Yardstick(fresh.head(rows), fresh.clear(), 400), fresh).verdict == "cannot tell"


def test_one_session_says_nothing() -> None:
    day = draw_trades(np.random.default_rng(0), 400).with_columns(pl.lit(dt.date(2024, 10, 1)).alias("session_date"))
    answer = ask_conditional(Yardstick(day, day.clear(), 400), day)
    assert answer.verdict == "cannot tell"
    assert answer.numbers[0] == ("gold sessions", "1")


def test_constant_columns_and_nan_do_no_harm() -> None:
    fresh = draw_trades(np.random.default_rng(0), 400)
    flat = fresh.with_columns(pl.lit(0.5).alias("entry_volatility_percent"), pl.lit(1.0).alias("best_exit_percent"))
    nan = fresh.with_columns(pl.lit(float("nan")).alias("worst_exit_percent"))
    assert "hardly varies" in ask_conditional(make_yardstick(1), flat).reason
    assert ask_conditional(make_yardstick(1), nan).metrics["rows_used"] == 0
    assert ask_conditional(Yardstick(flat, flat.clear(), 400), flat).metrics["follow"]["volatility"]["value"] is None


def test_slopes_are_those_of_least_squares_session_by_session() -> None:
    features = measure_sound(draw_trades(np.random.default_rng(0), 120))
    rows = place_rows(features, fit_ruler(features))
    weights = np.random.default_rng(1).integers(0, 3, (2, rows.sessions.max() + 1)).astype(float)
    for weight, drawn in zip(weights, fit_slopes(rows, weights), strict=True):
        own = np.repeat(np.arange(120), weight[rows.sessions].astype(int))
        volatility, hour = rows.drivers[own].T
        terms = np.column_stack([np.ones(len(own)), volatility, hour, (2 * hour - 1) ** 2])
        assert drawn == pytest.approx(np.linalg.lstsq(terms, rows.sizes[own], rcond=None)[0][1:])
    assert draw_slopes(rows, np.random.default_rng(2)).shape == (400, 3, 4)


def test_curves_are_the_quantiles_of_each_bin() -> None:
    features = measure_sound(draw_trades(np.random.default_rng(0), 100))
    rows = place_rows(features, fit_ruler(features))
    curves = trace_curves(rows, "volatility")
    order = np.argsort(rows.drivers[:, 0])
    assert curves[1, 0] == pytest.approx(np.quantile(rows.exits[order[:20], 1], (0.1, 0.5, 0.9)))
    assert np.isnan(trace_curves(rows.take(order[:20]), "volatility")[:, 1:]).all()
    assert measure_gap(curves, curves + 0.5) == pytest.approx(0.5)
