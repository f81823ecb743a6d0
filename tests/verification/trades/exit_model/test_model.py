"""The exit model: its target, what it may see, and how few trades it can be given."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from verification.ask import use_one_thread
from verification.trades.exit_model.model import (
    FARTHEST,
    INPUTS,
    NEIGHBOURS,
    Boosting,
    Examples,
    ExitModel,
    Lens,
    Logistic,
    Recipe,
    choose_target,
    draw_some,
    find_set_outcome,
    find_shortage,
    narrow_alike,
)
from verification.trades.matching import CALIPER

VOLATILITY = "entry_volatility_percent"
RECIPES = [Logistic(), Logistic(curved=True), Boosting(leaves=4, rate=0.1, l2=1.0, least=5)]


def make_trades(best: list[float | None], volatility: list[float] | None = None) -> pl.DataFrame:
    count = len(best)
    entries = [datetime(2024, 3, 18, 10) + timedelta(days=day) for day in range(count)]  # noqa: DTZ001
    return pl.DataFrame(
        {
            "trade_id": [str(number) for number in range(count)],
            "trade_type": ["buy"] * count,
            "session_date": [entry.date() for entry in entries],
            "entry_time": entries,
            "exit_time": entries,
            "entry_volatility_percent": volatility or [0.5] * count,
            "worst_exit_percent": [-1.0] * count,
            "best_exit_percent": best,
            "trade_percent_change": [0.0] * count,
        },
        schema_overrides={
            "trade_id": pl.String,
            "trade_type": pl.String,
            "session_date": pl.Date,
            "entry_time": pl.Datetime("us"),
            "exit_time": pl.Datetime("us"),
            "entry_volatility_percent": pl.Float64,
            "worst_exit_percent": pl.Float64,
            "best_exit_percent": pl.Float64,
            "trade_percent_change": pl.Float64,
        },
    )


def make_examples(reached: list[int], first: list[float] | None = None) -> Examples:
    inputs = np.zeros((len(reached), len(INPUTS)))
    inputs[:, 0] = first or np.zeros(len(reached))
    return Examples(inputs, np.array(reached, dtype=np.int64), np.arange(len(reached)))


@pytest.mark.parametrize(
    ("best", "threshold", "rule"),
    [
        ([0.1, 0.6, 0.5, 0.2, 0.3], 0.6, "fixed"),  # a fifth reaches it, one exactly
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.7], 0.35, "median of gold"),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 0.1], 2.5, "median of gold"),
        ([None, float("nan"), 0.1, 0.9], 0.6, "fixed"),
        ([], 0.6, "fixed"),
    ],
)
def test_target_is_the_median_where_few_reach_the_threshold(
    best: list[float | None], threshold: float, rule: str
) -> None:
    target = choose_target(make_trades(best))
    assert target.threshold == pytest.approx(threshold)
    assert target.rule == rule


def test_target_says_which_trades_reach_it() -> None:
    assert choose_target(make_trades([0.1, 0.9])).describe() == "that reach +0.6%"


def test_inputs_are_in_units_of_gold_and_bounded() -> None:
    lens = Lens.fit(make_trades([0.1, 0.9], [np.exp(-1.0), np.exp(1.0)]))
    taken = lens.take(make_trades([0.7, 0.5, 0.6], [np.exp(0.5), 1.0, 1e9]))
    assert taken.inputs.tolist() == [[pytest.approx(0.5), 0.0, 0.0], [pytest.approx(0.0), 0.0, 0.0], [3.0, 0.0, 0.0]]
    assert taken.reached.tolist() == [1, 0, 1]


def test_outcomes_do_not_reach_the_inputs() -> None:
    trades = make_trades([0.1, 0.9, 0.3], [0.2, 0.4, 0.9])
    later = pl.col("exit_time") + timedelta(minutes=50)
    changed = trades.with_columns(later, worst_exit_percent=pl.lit(-9.0), trade_percent_change=pl.lit(7.0))
    lens = Lens.fit(trades)
    assert lens.take(changed).inputs.tolist() == lens.take(trades).inputs.tolist()


def test_trades_with_something_unknown_are_left_out() -> None:
    trades = make_trades([0.1, None, 0.9, float("nan"), 0.8], [0.2, 0.4, float("inf"), 0.4, 0.5])
    lens = Lens.fit(trades)
    assert lens.take(trades).reached.tolist() == [0, 1]
    assert len(lens.take(trades.with_columns(pl.lit(None, pl.Date).alias("session_date")))) == 0


def test_gold_of_no_trades_is_a_lens_all_the_same() -> None:
    lens = Lens.fit(make_trades([]))
    assert len(lens.take(make_trades([]))) == 0
    assert lens.take(make_trades([0.7])).reached.tolist() == [1]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("reached", "chance"), [([], 0.5), ([1], 2 / 3), ([0, 0], 1 / 4), ([1] * 500, 0.99)])
def test_one_kind_of_trades_gives_one_chance(recipe: Recipe, reached: list[int], chance: float) -> None:
    told = ExitModel(recipe, make_examples(reached)).tell(np.zeros((2, len(INPUTS))))
    assert told.tolist() == pytest.approx([chance, chance])


@pytest.mark.parametrize("recipe", RECIPES)
def test_constant_inputs_give_about_the_base_rate(recipe: Recipe) -> None:
    with use_one_thread():
        told = ExitModel(recipe, make_examples([1, 0, 0, 0] * 20)).tell(np.zeros((1, len(INPUTS))))
    assert told[0] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("recipe", RECIPES)
def test_model_learns_and_repeats(recipe: Recipe) -> None:
    first = np.linspace(-2.0, 2.0, 200)
    examples = make_examples((first > 0.0).astype(int).tolist(), first.tolist())
    asked = make_examples([0, 0], [-1.5, 1.5]).inputs
    with use_one_thread():
        low, high = ExitModel(recipe, examples).tell(asked)
        assert ExitModel(recipe, examples).tell(asked).tolist() == [low, high]
    assert low < 0.2
    assert high > 0.8


@pytest.mark.parametrize("recipe", RECIPES)
def test_nothing_is_asked_nothing_is_told(recipe: Recipe) -> None:
    assert ExitModel(recipe, make_examples([0, 1] * 20)).tell(np.zeros((0, len(INPUTS)))).shape == (0,)


def test_drawn_examples_keep_their_order_and_number() -> None:
    drawn = draw_some(make_examples([0] * 50), 20, np.random.default_rng(0))
    assert len(drawn) == 20
    assert (np.diff(drawn.sessions) > 0).all()
    assert len(draw_some(make_examples([0] * 5), 20, np.random.default_rng(0))) == 5


@pytest.mark.parametrize(
    ("synthetic", "train", "holdout", "part"),
    [
        (40, 40, 29, "29 held-out gold trades, at least 30 are needed"),
        (40, 29, 40, "29 gold trades to train on, at least 30 are needed"),
        (0, 40, 40, "0 synthetic trades to train on, at least 30 are needed"),
    ],
)
def test_shortage_names_limit_and_number(synthetic: int, train: int, holdout: int, part: str) -> None:
    sets = [make_examples(([0, 1] * count)[:count]) for count in (synthetic, train, holdout)]
    assert part in str(find_shortage(*sets))


def test_shortage_of_sessions_and_of_kinds() -> None:
    enough = make_examples([0, 1] * 20)
    one_day = Examples(enough.inputs, enough.reached, np.zeros(40, dtype=np.int64))
    assert "1 held-out session, at least 4 are needed" in str(find_shortage(enough, enough, one_day))
    assert "same side of the target" in str(find_shortage(enough, enough, make_examples([1] * 40)))
    assert find_shortage(enough, enough, enough) is None


def draw_volatile(trades: int, seed: int, low: float = -9.0, high: float = 9.0) -> pl.DataFrame:
    """Draw trades whose logarithm of volatility is normal, of which a control kept what lies between two values."""
    logs = np.random.default_rng(seed).normal(size=20 * trades)
    kept = logs[(logs > low) & (logs < high)][:trades]
    return make_trades([1.0] * trades, np.exp(kept).tolist())


def test_reach_is_that_of_counting_one_by_one() -> None:
    train, holdout, made = draw_volatile(60, 0), draw_volatile(20, 1), draw_volatile(80, 2, 0.0, 1.0)
    found = narrow_alike(train, holdout, made, [VOLATILITY], np.random.default_rng(0))
    gold = np.log(pl.concat([train, holdout])[VOLATILITY].to_numpy())
    gold, own = gold / gold.std(), np.log(made[VOLATILITY].to_numpy()) / gold.std()
    reach = [min(max(np.sort(abs(gold - each))[NEIGHBOURS], CALIPER), FARTHEST) for each in gold]
    is_kept = [abs(own - each).min() <= far for each, far in zip(gold, reach, strict=True)]
    assert found.train["trade_id"].to_list() == train.filter(pl.Series(is_kept[:60]))["trade_id"].to_list()
    assert found.holdout["trade_id"].to_list() == holdout.filter(pl.Series(is_kept[60:]))["trade_id"].to_list()
    assert (found.kept, found.given) == (sum(is_kept), 80)
    assert 20 < found.kept < 60


def test_trades_of_the_same_law_reach_nearly_all_of_the_gold() -> None:
    for made in (draw_volatile(30, 2), draw_volatile(3000, 2)):
        found = narrow_alike(draw_volatile(300, 0), draw_volatile(100, 1), made, [VOLATILITY], np.random.default_rng(0))
        assert found.kept > 375


def test_a_buy_never_stands_for_a_short() -> None:
    gold = make_trades([1.0] * 20).with_columns(trade_type=pl.Series(["buy", "short"] * 10))
    found = narrow_alike(gold, gold.clear(), make_trades([1.0] * 5), ["is_short", VOLATILITY], np.random.default_rng(0))
    assert found.train["trade_type"].to_list() == ["buy"] * 10
    assert found.say() == (
        " Of 20 gold trades 10 count: those that are like the synthetic ones in direction and entry volatility, which "
        "the run's controls set on purpose."
    )


def test_trades_with_a_controlled_feature_unknown_go() -> None:
    gaps = make_trades([1.0] * 4, [0.5, 0.5, float("nan"), 0.5]).with_columns(
        pl.when(pl.int_range(pl.len()) > 0).then(VOLATILITY)
    )
    found = narrow_alike(make_trades([1.0] * 3), gaps, gaps, [VOLATILITY], np.random.default_rng(0))
    assert [len(part) for part in (found.train, found.holdout, found.synthetic)] == [3, 2, 2]
    unknown = gaps.with_columns(pl.lit(None, pl.Float64).alias(VOLATILITY))
    assert narrow_alike(gaps, gaps, unknown, [VOLATILITY], np.random.default_rng(0)).kept == 0


@pytest.mark.parametrize(("gold", "made", "names"), [(3, 0, [VOLATILITY]), (0, 3, [VOLATILITY]), (3, 3, [])])
def test_nothing_goes_where_nothing_is_compared(gold: int, made: int, names: list[str]) -> None:
    train, own = make_trades([1.0] * gold), make_trades([1.0] * made, [9.0] * made)
    found = narrow_alike(train, train, own, names, np.random.default_rng(0))
    assert (found.kept, len(found.synthetic), found.say()) == (2 * gold, made, "")


def test_outcomes_that_are_set_are_named() -> None:
    assert find_set_outcome(["is_short", "entry_minute", VOLATILITY]) is None
    said = find_set_outcome(["is_short", "best_exit_percent", "holding_minutes"])
    assert said is not None
    assert "best exit and holding minutes" in said
