"""Copies are told from new trades; too little is said to be too little."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from gold_data.trades.rules import fingerprint
from verification.answers import CANNOT_TELL, COPIES, GOOD, Answer, Interval, Matrix, bound_share, to_json
from verification.trades import memorisation
from verification.trades.digits import find_exact
from verification.trades.features import FEATURES, PERCENTS, measure_features
from verification.trades.memorisation import (
    Pull,
    ask_memorisation,
    compare_distances,
    estimate_share,
    find_nearest,
    judge,
    say_enough,
    weigh_train,
)
from verification.trades.references import (
    EXACT_COPIES,
    GAUSSIAN_COPULA,
    JITTERED_BOOTSTRAP,
    PROTOTYPE_COLLAPSE,
    SHUFFLED_MARGINALS,
    UNIFORM_NOISE,
    assemble_trades,
    build_references,
    copy_half,
)
from verification.trades.yardstick import Yardstick


def make_trades(count: int, seed: int, first: int = 0, per_session: int = 10) -> pl.DataFrame:
    """Draw trades of one law; sessions are weeks from the `first` on."""
    rng = np.random.default_rng(seed)
    volatility = np.exp(rng.normal(-1.0, 0.4, count))
    ends = volatility[:, None] * np.exp(rng.normal(0.0, 0.4, (count, 2))) * [-1.0, 1.5]
    change = ends[:, 0] + rng.random(count) * (ends[:, 1] - ends[:, 0])
    held, minute = 20 * np.exp(rng.normal(0.0, 0.6, count)), rng.uniform(580, 840, count)
    values = np.column_stack([volatility, ends, change, held, minute, rng.integers(0, 2, count)])
    days = [date(2010, 1, 4) + timedelta(days=7 * (first + place // per_session)) for place in range(count)]
    stamp = pl.Series(days, dtype=pl.Date).cast(pl.Datetime("us")).dt.replace_time_zone("America/New_York")
    frame = pl.DataFrame(
        {
            "trade_id": pl.Series([f"{seed}-{place}" for place in range(count)], dtype=pl.String),
            "ticker": pl.Series(["AAA"] * count, dtype=pl.String),
            "trade_type": pl.Series(["buy"] * count, dtype=pl.String),
            "session_date": pl.Series(days, dtype=pl.Date),
            "entry_time": stamp,
            "exit_time": stamp,
            "entry_price": rng.uniform(50, 150, count).round(2),
            "exit_price": np.ones(count),
        }
        | dict.fromkeys(PERCENTS, np.ones(count))
    )
    return assemble_trades(frame, values.reshape(count, len(FEATURES)))


def make_yardstick(train: int = 320, holdout: int = 80, size: int = 400) -> Yardstick:
    return Yardstick(make_trades(train, 1), make_trades(holdout, 2, first=200), size)


def move_prices(trades: pl.DataFrame) -> pl.DataFrame:
    """Hide a copy from the exact search: the same trade at another price level."""
    return trades.with_columns(pl.col("entry_price") * 1.01, pl.col("exit_price") * 1.01)


def test_a_fresh_draw_is_new() -> None:
    answer = ask_memorisation(make_yardstick(), make_trades(400, 3))
    assert answer.verdict == GOOD
    assert answer.metrics["exact_copies"] == 0
    assert answer.metrics["nearer_than_held_out"]["value"] == pytest.approx(0.5, abs=0.1)
    assert answer.metrics["falls_to_train"]["all"]["share"] == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("name", [GAUSSIAN_COPULA, SHUFFLED_MARGINALS, UNIFORM_NOISE])
def test_noise_is_bad_but_no_copy(name: str) -> None:
    yardstick = make_yardstick()
    assert ask_memorisation(yardstick, yardstick.references[name]).verdict == GOOD


def test_a_collapse_is_not_called_a_copy() -> None:
    yardstick = make_yardstick()
    assert ask_memorisation(yardstick, yardstick.references[PROTOTYPE_COLLAPSE]).verdict in (GOOD, CANNOT_TELL)


def test_a_jittered_bootstrap_is_a_copy() -> None:
    yardstick = make_yardstick()
    answer = ask_memorisation(yardstick, yardstick.references[JITTERED_BOOTSTRAP])
    assert (answer.verdict, answer.metrics["exact_copies"]) == (COPIES, 0)
    assert answer.metrics["near_copies"]["low"] > 0.5


def test_a_half_copied_set_is_found_even_at_other_prices() -> None:
    yardstick = make_yardstick()
    mixed = move_prices(copy_half(make_trades(400, 3), yardstick.train, np.random.default_rng(0)))
    answer = ask_memorisation(yardstick, mixed)
    assert (answer.verdict, answer.metrics["exact_copies"]) == (COPIES, 0)
    assert (
        answer.metrics["falls_to_train"]["near"]["share"] > answer.metrics["falls_to_train"]["near"]["chance"]["high"]
    )


def test_a_tight_generator_is_no_copy() -> None:
    yardstick = make_yardstick()
    base = yardstick.references[GAUSSIAN_COPULA]
    values = measure_features(base).select(FEATURES).to_numpy()
    centre = np.median(values, axis=0)
    tight = np.column_stack([(centre + 0.4 * (values - centre))[:, :6], values[:, 6]])
    answer = ask_memorisation(yardstick, assemble_trades(base, tight))
    assert answer.metrics["nearer_than_held_out"]["low"] > 0.55
    assert answer.verdict in (GOOD, CANNOT_TELL)


def test_one_exact_copy_is_one_too_many_and_leads_the_pairs() -> None:
    yardstick = make_yardstick()
    one = yardstick.train[7:8].with_columns(trade_id=pl.lit("copied"))
    answer = ask_memorisation(yardstick, pl.concat([make_trades(399, 3), one]))
    assert answer.verdict == COPIES
    assert answer.numbers[0] == ("exact copies of train rows", "1 of 400")
    first = answer.metrics["pairs"][0]
    assert (first["synthetic_id"], first["train_id"], first["distance"]) == ("copied", "1-7", 0.0)
    assert first["is_exact"]
    assert first["train"]["entry_price"] == yardstick.train["entry_price"][7]
    assert len(answer.metrics["pairs"]) == 5


def test_exact_copies_agree_with_the_rules_fingerprints() -> None:
    train, fresh = make_trades(30, 1), make_trades(20, 2)
    mixed = copy_half(fresh, train, np.random.default_rng(0))
    known = {fingerprint(row) for row in train.iter_rows(named=True)}
    oracle = [row["trade_id"] for row in mixed.iter_rows(named=True) if fingerprint(row) in known]
    assert find_exact(train, mixed)["trade_id"].to_list() == oracle
    assert find_exact(train, fresh).is_empty()


def test_zero_has_no_sign_and_rounding_hides_no_copy() -> None:
    train = make_trades(1, 1).with_columns(worst_exit_percent=pl.lit(0.0))
    copy = train.with_columns(worst_exit_percent=pl.lit(-0.0), exit_price=pl.col("exit_price") * (1 + 1e-14))
    assert find_exact(train, copy).height == 1
    assert find_exact(train, copy.with_columns(pl.col("exit_price") + 0.01)).is_empty()


def search_naively(train: pl.DataFrame, placed: Matrix, point: Matrix, own: date | None) -> tuple[float, float]:
    """Look at every pair: the closest row, and how far it is over the closest row of any other session."""
    days = train["session_date"].to_list()
    apart = [float(np.linalg.norm(row - point)) for row in placed]
    near = min((distance, place) for place, distance in enumerate(apart) if days[place] != own)
    far = min(apart[place] for place, day in enumerate(days) if day not in (own, days[near[1]]))
    return near[0], near[0] / far


@pytest.mark.parametrize("leave_out", [False, True])
def test_neighbours_agree_with_a_search_of_all_pairs(leave_out: bool) -> None:
    yardstick = make_yardstick(train=60, size=60)
    placed = yardstick.space.place(yardstick.train)
    asked = yardstick.train if leave_out else make_trades(40, 3)
    own = asked["session_date"] if leave_out else None
    points = yardstick.space.place(asked)
    found = find_nearest(yardstick.train, placed, points, own)
    days = own.to_list() if own is not None else [None] * len(points)
    oracle = [search_naively(yardstick.train, placed, point, day) for point, day in zip(points, days, strict=True)]
    assert found.distance == pytest.approx([distance for distance, _ in oracle])
    assert found.ratio == pytest.approx([ratio for _, ratio in oracle])


def test_trades_are_weighed_per_gold_row() -> None:
    fallen, rows = np.array([8.0, 8.0, 2.0]), np.array([4, 4, 2])
    held = np.array([[False, False, True], [True, False, False], [False, False, False]])
    assert weigh_train(fallen, rows, held).tolist() == pytest.approx([2 / 3, (10 / 6) / (10 / 6 + 2), 1.0])
    assert np.isnan(weigh_train(np.zeros(3), rows, held)).all()


def test_a_share_of_few_clusters_is_barely_known() -> None:
    found = np.repeat([True, False, False], 100)
    alike, apart = estimate_share(found, np.repeat([1, 2, 3], 100)), estimate_share(found, np.arange(300))
    assert alike.low < 0.1
    assert apart.low == pytest.approx(bound_share(1 / 3, 300).low, abs=0.001)
    assert estimate_share(np.full(300, True), np.repeat([1, 2, 3], 100)).low == pytest.approx(0.4385, abs=0.0001)


def test_nearer_than_held_out_agrees_with_all_pairs() -> None:
    yardstick = make_yardstick(train=60, holdout=20)
    placed = yardstick.space.place(yardstick.train)
    held = find_nearest(yardstick.train, placed, yardstick.space.place(yardstick.holdout))
    near = find_nearest(yardstick.train, placed, yardstick.space.place(make_trades(50, 3)))
    share = compare_distances(near, held, yardstick.holdout["session_date"])
    oracle = np.mean([[left < right for left in near.distance] for right in held.distance])
    assert share.value == pytest.approx(oracle)
    assert share.low < share.value < share.high


@pytest.mark.parametrize(
    ("train", "holdout", "rows", "named"),
    [
        (320, 0, 400, "0 held-out gold trades, at least 15"),
        (320, 10, 400, "10 held-out"),
        (50, 80, 400, "50 gold trades to train on, at least 60"),
        (320, 80, 5, "5 synthetic trades, at least 20"),
        (320, 80, 1, "1 synthetic trade,"),
        (320, 80, 0, "0 synthetic trades"),
        (0, 0, 5, "0 gold trades"),
    ],
)
def test_too_little_is_named(train: int, holdout: int, rows: int, named: str) -> None:
    yardstick = Yardstick(make_trades(train, 1), make_trades(holdout, 2, first=200), rows)
    answer = ask_memorisation(yardstick, make_trades(rows, 3))
    assert answer.verdict == CANNOT_TELL
    assert named in answer.reason
    assert len(answer.numbers) == 3


def test_an_exact_copy_of_little_gold_is_still_one() -> None:
    yardstick = Yardstick(make_trades(3, 1), make_trades(1, 2, first=9), 1)
    answer = ask_memorisation(yardstick, yardstick.train[:1])
    assert answer.verdict == COPIES
    assert answer.metrics["exact_pairs"] == [["1-0", "1-0"]]


def test_one_session_of_gold_cannot_tell() -> None:
    yardstick = Yardstick(make_trades(100, 1, per_session=100), make_trades(50, 2, first=9), 100)
    assert "1 session of gold" in ask_memorisation(yardstick, make_trades(100, 3)).reason


def test_columns_that_do_not_vary_do_no_harm() -> None:
    still = {"entry_volatility_percent": pl.lit(0.5), "trade_type": pl.lit("buy")}
    yardstick = make_yardstick()
    flat = Yardstick(yardstick.train.with_columns(**still), yardstick.holdout.with_columns(**still), 400)
    assert ask_memorisation(flat, make_trades(400, 3).with_columns(**still)).verdict == GOOD
    assert ask_memorisation(flat, move_prices(flat.references[EXACT_COPIES])).verdict == COPIES


def test_gold_of_one_trade_repeated_gives_no_traceback() -> None:
    train = make_trades(100, 1).with_columns(pl.col(name).first() for name in (*PERCENTS, "trade_type"))
    answer = ask_memorisation(Yardstick(train, make_trades(50, 2, first=99), 100), make_trades(100, 3))
    assert answer.verdict in (GOOD, CANNOT_TELL)


def ask_twice() -> tuple[Answer, Answer]:
    synthetic = make_trades(200, 3)
    return ask_memorisation(make_yardstick(), synthetic), ask_memorisation(make_yardstick(), synthetic)


def test_metrics_repeat_are_json_and_small() -> None:
    first, again = ask_twice()
    text = json.dumps(first.metrics, allow_nan=False)
    assert text == json.dumps(again.metrics, allow_nan=False)
    assert len(text) < 20_000
    assert to_json(first.metrics) == first.metrics
    counts = first.metrics["distances"]["counts"]
    assert [sum(counts[name]) for name in ("to_train", "to_holdout", "real", "held_out")] == [200, 200, 320, 80]


def test_more_rows_than_the_cap_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memorisation, "MOST_ROWS", 100)
    answer = ask_memorisation(make_yardstick(), make_trades(400, 3))
    assert (answer.metrics["rows"], answer.metrics["rows_used"]) == (400, 100)


def test_verdicts_hold_over_seeds() -> None:
    for seed in range(3):
        train, holdout = make_trades(160, 10 + seed), make_trades(40, 20 + seed, first=200)
        rng = np.random.default_rng(seed)
        yardstick, copies = Yardstick(train, holdout, 200, seed), build_references(train, 200, rng)
        assert ask_memorisation(yardstick, make_trades(200, 30 + seed)).verdict != COPIES
        assert ask_memorisation(yardstick, copies[JITTERED_BOOTSTRAP]).verdict == COPIES


def test_what_decided_comes_first() -> None:
    yardstick = make_yardstick()
    near = ask_memorisation(yardstick, yardstick.references[JITTERED_BOOTSTRAP])
    assert near.numbers[0][0].startswith("near copies")
    assert near.numbers[1][0].startswith("near trades that fall to train")
    assert near.numbers[2] == ("exact copies of train rows", "0 of 400")
    assert "fall to the train part (chance: up to" in near.reason


@pytest.mark.parametrize(
    ("pull", "named"),
    [
        (Pull(0.5, Interval(0.5, 0.4, 0.6)), "they may be on either side."),
        (Pull(0.9, Interval(0.5, 0.4, 0.6)), "90% of those near gold fall to the train part (chance: up to 60%)"),
    ],
)
def test_what_near_copies_fall_to_is_said(pull: Pull, named: str) -> None:
    verdict, reason = judge("", Interval(0.1, 0.08, 0.12), pull)
    assert (verdict, named in reason, "too few" in reason) == (CANNOT_TELL, True, False)
    assert ("suspicious" in reason) == pull.is_beyond_chance


def test_what_would_settle_it_is_said() -> None:
    share = Interval(0.06, 0.02, 0.14)
    assert say_enough(share, 100, 100) == "about 400 gold trades"  # more like these tell the same
    assert say_enough(share, 50, 100) == "about 200 trades on either side"
    assert say_enough(Interval(0.2, 0.15, 0.25), 50, 100) == "more held-out gold trades"
