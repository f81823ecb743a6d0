"""A classifier, columns and pairs place synthetic trades between noise and gold, given what controls fixed."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sdmetrics.column_pairs import CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement
from sklearn.metrics import roc_auc_score

from verification.answers import Answer, Interval, Score
from verification.trades.classifier import WIDENING, build_classifier, cross_fit, measure_auc
from verification.trades.column_scores import compare_columns, measure_columns, measure_pairs
from verification.trades.features import FEATURES, PERCENTS
from verification.trades.fidelity import Sides, ask_fidelity, say_enough, see_shapes
from verification.trades.matching import CALIPER, match_trades, measure_sound, pair_nearest
from verification.trades.references import ignore_volatility
from verification.trades.waiving import Waived
from verification.trades.yardstick import Yardstick

VOLATILITY = ("entry_volatility_percent",)
WAIVED = (Waived(VOLATILITY[0], "aim", (0.4, 0.5, 0.6, 0.7, 0.8), is_inside=True),)


def split_gold(gold: pl.DataFrame) -> tuple[Yardstick, pl.DataFrame]:
    """Give two thirds of the sessions as gold, the rest as fresh trades of the same law."""
    place = pl.col("session_date").rank("dense") % 3
    own, fresh = gold.filter(place > 0), gold.filter(place == 0)
    return Yardstick(own.head(300), own.slice(300), len(fresh)), fresh


@pytest.fixture(scope="module")
def parts(gold: pl.DataFrame) -> tuple[Yardstick, pl.DataFrame]:
    return split_gold(gold)


@pytest.fixture(scope="module")
def answer(parts: tuple[Yardstick, pl.DataFrame]) -> Answer:
    """Ask of fresh trades of the same law."""
    return ask_fidelity(*parts)


def test_fresh_trades_of_the_same_law_are_not_blamed(answer: Answer) -> None:
    assert answer.verdict in {"good", "cannot tell"}
    score = answer.metrics["scores"][0]
    assert score["value"]["low"] < 0.55
    assert score["noise"]["value"] > 0.7


def test_a_wilder_day_has_the_same_shapes(gold: pl.DataFrame) -> None:
    features = measure_sound(gold.head(50))
    wilder = features.with_columns(pl.col(PERCENTS) * 3.0)
    assert see_shapes(wilder) == pytest.approx(see_shapes(features))
    assert see_shapes(features).shape == (50, len(FEATURES) - 1)


def test_rows_written_twice_move_nothing(parts: tuple[Yardstick, pl.DataFrame], answer: Answer) -> None:
    yardstick, fresh = parts
    twice = ask_fidelity(yardstick, pl.concat([fresh] * 2))
    once, again = (each.metrics["scores"][0]["value"] for each in (answer, twice))
    assert again == pytest.approx(once)


def test_trees_of_equal_weights_are_those_of_none() -> None:
    rng = np.random.default_rng(3)
    rows, sides = rng.normal(size=(300, 3)), rng.random(300) < 0.5
    chances = [build_classifier().fit(rows, sides, given).predict_proba(rows) for given in (None, np.ones(300))]
    assert np.array_equal(*chances)


def test_what_would_settle_it_is_said() -> None:
    table = pl.DataFrame({"is_short": [0.0] * 100})
    ones = np.ones(100)
    sides = Sides(table, table, (ones[:, None], ones[:, None]), (np.arange(100), np.arange(100)), (ones, ones))
    ends = Interval(0.5, 0.4, 0.6), Interval(0.9, 0.8, 0.95), Interval(0.0)
    wide = Score("auc", Interval(0.5, 0.3, 0.7), *ends, "noise")  # the line lies at 0.6
    assert say_enough(sides, wide) == "about 280 trades on either side"
    assert say_enough(sides, replace(wide, value=Interval(0.3, 0.25, 0.35))) == ""  # rows are shared
    assert say_enough(sides, replace(wide, noise=Interval(0.6, 0.4, 0.8))) == "about 400 gold trades"
    assert say_enough(sides, replace(wide, value=Interval(float("nan")))) == ""
    few = replace(sides, synthetic=table.head(39), groups=(np.arange(5), np.arange(100)))
    unknown = replace(wide, value=Interval(float("nan")))
    assert say_enough(few, unknown) == "40 synthetic trades in reach of the gold and 6 gold sessions"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("shuffled_marginals", "noise"), ("uniform_noise", "noise"), ("prototype_collapse", "underfit")],
)
def test_known_faults_are_named(parts: tuple[Yardstick, pl.DataFrame], name: str, verdict: str) -> None:
    assert ask_fidelity(parts[0], parts[0].references[name]).verdict == verdict


def test_volatility_that_controls_draw_unlike_the_gold_is_no_fault(gold: pl.DataFrame) -> None:
    place = pl.col("session_date").rank("dense") % 2
    volatility = pl.col("entry_volatility_percent")
    wild = volatility > volatility.median()
    own = gold.filter(place == 0)
    other = gold.filter(place == 1)
    high = pl.concat([other.filter(wild), other.filter(~wild).head(len(other) // 10)])
    yardstick = Yardstick(own, own.clear(), len(high))
    given, blind = ask_fidelity(yardstick, high, VOLATILITY, WAIVED), ask_fidelity(yardstick, high)
    assert given.verdict in {"good", "cannot tell"}
    assert "entry_volatility_percent" not in [column["column"] for column in given.metrics["columns"]]
    assert given.metrics["scores"][0]["value"]["value"] < blind.metrics["scores"][0]["value"]["value"]


def test_another_law_given_volatility_is_found(parts: tuple[Yardstick, pl.DataFrame]) -> None:
    yardstick, fresh = parts
    calm = fresh.with_columns(pl.col("worst_exit_percent", "best_exit_percent", "trade_percent_change") * 0.2)
    assert ask_fidelity(yardstick, calm, VOLATILITY, WAIVED).verdict == "underfit"


def test_the_same_seed_gives_the_same_metrics(gold: pl.DataFrame, answer: Answer) -> None:
    assert ask_fidelity(*split_gold(gold)).metrics == answer.metrics


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_trades_say_nothing(parts: tuple[Yardstick, pl.DataFrame], rows: int) -> None:
    yardstick, fresh = parts
    assert ask_fidelity(yardstick, fresh.head(rows)).verdict == "cannot tell"
    assert ask_fidelity(yardstick, fresh.head(rows), VOLATILITY, WAIVED).verdict == "cannot tell"
    assert ask_fidelity(Yardstick(fresh.head(rows), fresh.clear(), 100), fresh).verdict == "cannot tell"


def test_one_session_says_nothing(gold: pl.DataFrame) -> None:
    day = gold.with_columns(pl.lit(gold["session_date"][0]).alias("session_date"))
    answer = ask_fidelity(Yardstick(day, day.clear(), len(day)), gold)
    assert answer.verdict == "cannot tell"
    assert "1 gold session, at" in answer.reason
    assert answer.numbers[0] == ("sessions a side", "1")


def test_unknown_numbers_and_constant_columns_do_no_harm(parts: tuple[Yardstick, pl.DataFrame]) -> None:
    yardstick, fresh = parts
    nan = fresh.with_columns(
        pl.when(pl.int_range(pl.len()) < 7)
        .then(float("nan"))
        .otherwise("worst_exit_percent")
        .alias("worst_exit_percent"),
        pl.lit("buy").alias("trade_type"),
        pl.lit(0.5).alias("entry_volatility_percent"),
    )
    answer = ask_fidelity(yardstick, nan)
    assert answer.metrics["rows_left_out"] == 7
    pair = next(each for each in answer.metrics["pairs"] if "is_short" in each["pair"])
    assert pair["score"] is None


def test_means_are_those_of_sdmetrics(parts: tuple[Yardstick, pl.DataFrame]) -> None:
    left, right = measure_sound(parts[0].gold), measure_sound(parts[1])
    rows = [side.select(FEATURES).to_numpy() for side in (left, right)]
    columns = [
        (TVComplement if name == "is_short" else KSComplement).compute(left[name].to_pandas(), right[name].to_pandas())
        for name in FEATURES
    ]
    assert measure_columns(rows[0], rows[1]) == pytest.approx(1.0 - np.mean(columns))
    frames = [side.select(FEATURES).to_pandas() for side in (left, right)]
    pairs = [
        CorrelationSimilarity.compute(*(frame[[one, two]] for frame in frames), coefficient="Spearman")
        for place, one in enumerate(FEATURES)
        for two in FEATURES[place + 1 :]
    ]
    assert measure_pairs(rows[0], rows[1]) == pytest.approx(1.0 - np.mean(pairs))
    told = compare_columns(left, right, ())
    assert [pair["score"] for pair in told["pairs"]] == pytest.approx(pairs)


def test_pairs_differ_by_less_than_the_caliper(parts: tuple[Yardstick, pl.DataFrame]) -> None:
    gold, made = measure_sound(parts[0].gold), measure_sound(parts[1])
    left, right = match_trades(gold, made, ("entry_volatility_percent", "is_short"), np.random.default_rng(0))
    assert left["entry_volatility_percent"].to_list() == right["entry_volatility_percent"].to_list()
    assert left["is_short"].to_list() == right["is_short"].to_list()
    assert right["trade_id"].n_unique() == left["trade_id"].n_unique() == len(left) > 150
    meant = made.join(right.select("trade_id"), on="trade_id", how="right", maintain_order="right")
    gaps = (meant["entry_volatility_percent"].log() - left["entry_volatility_percent"].log()).abs()
    assert gaps.max() < 1.3 * CALIPER * np.log(gold["entry_volatility_percent"].to_numpy()).std()
    assert (meant["is_short"] == left["is_short"]).all()


def test_nearest_partners_are_as_a_loop_finds_them() -> None:
    rng = np.random.default_rng(1)
    left, right = rng.random((40, 2)), rng.random((30, 2))
    gaps = np.linalg.norm(left[:, None] - right[None], axis=2)
    wanted: dict[int, int] = {}
    while gaps.min() < 0.2:
        proposals = sorted(
            (gaps[one].min(), one, int(gaps[one].argmin())) for one in range(40) if gaps[one].min() < 0.2
        )
        taken = {two: one for _, one, two in reversed(proposals)}
        for two, one in taken.items():
            wanted[one] = two
            gaps[one], gaps[:, two] = np.inf, np.inf
    chosen, partners = pair_nearest(left, right, 0.2)
    assert dict(zip(chosen.tolist(), partners.tolist(), strict=True)) == wanted


def test_auc_is_that_of_scikit_and_its_interval_that_of_delong() -> None:
    rng = np.random.default_rng(2)
    left, right = rng.normal(0.5, 1, 80).round(1), rng.normal(0, 1, 60).round(1)
    auc = measure_auc(left, right, np.arange(80), np.arange(100, 160))
    truth = np.repeat([1, 0], [80, 60])
    assert auc.value == pytest.approx(roc_auc_score(truth, np.concatenate([left, right])))
    wins = (left[:, None] > right[None]) + 0.5 * (left[:, None] == right[None])
    error = np.sqrt(wins.mean(axis=1).var(ddof=1) / 80 + wins.mean(axis=0).var(ddof=1) / 60)
    assert auc.high - auc.value == pytest.approx(1.96 * WIDENING * error)


def test_a_group_is_never_on_both_sides_of_a_fold() -> None:
    rng = np.random.default_rng(4)
    left, right = rng.normal(0, 1, (200, 1)), rng.normal(0, 1, (200, 1))
    groups = np.repeat(np.arange(20), 10)
    left += 300.0 * rng.normal(0, 1, 20)[groups][:, None]  # each session has a level of its own, that tells its side
    right += 300.0 * rng.normal(0, 1, 20)[groups][:, None]
    blind = cross_fit(left, right, groups, 100 + groups, rng)
    told = cross_fit(left, right, np.arange(200), 200 + np.arange(200), rng)
    assert blind is not None
    assert told is not None
    ones = np.arange(200), 200 + np.arange(200)
    assert measure_auc(told.left, told.right, *ones).value > 0.75
    assert measure_auc(blind.left, blind.right, *ones).value < 0.65


@pytest.mark.slow
def test_exits_that_ignore_volatility_are_farther_away(gold: pl.DataFrame) -> None:
    yardstick, fresh = split_gold(gold)
    rng = np.random.default_rng(0)
    kept, lost = (ask_fidelity(yardstick, each) for each in (fresh, ignore_volatility(fresh, rng)))
    auc = [answer.metrics["scores"][0]["value"]["value"] for answer in (kept, lost)]
    assert auc[0] < auc[1]
