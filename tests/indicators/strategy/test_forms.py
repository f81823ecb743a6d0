"""The text form of reference 004 both ways, and the spec of wickra out."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from indicators.strategy.canonical import canonicalize
from indicators.strategy.errors import StrategyError
from indicators.strategy.sampler import Controls, draw_strategy
from indicators.strategy.shape import check_shape
from indicators.strategy.tree import Document
from indicators.strategy.tst_form import list_departures, read_tst, write_tst
from indicators.strategy.wickra_form import write_wickra

PAIRS = Path(__file__).parents[3].parent / "shared" / "real" / "strategy_prompts.jsonl"
START = "Strategy(ticker='A', position_type=PositionTypeEnum.LONG, "
TEXT = (
    "Strategy(ticker='IBM', position_type=PositionTypeEnum.LONG, "
    "buy_condition=AND(CrossOverCondition(first_series=CLOSE('IBM'), second_series=SMA('IBM', length=20)), "
    "AfterXDaysCondition(condition=LessThanCondition(first_series=RSI('IBM'), second_series=CONST(30)), "
    "number_of_days=2)), sell_condition=IntraIntervalChangeOfXPercentCondition(series=CLOSE('IBM'), percent=-3.5), "
    "stop_loss=StopLoss(percentage=2, stop_loss_type=StopLossType.NORMAL), start_date=datetime(2011, 5, 15), "
    "interval=Interval.ONE_WEEK, order_size=USD(5000))"
)
SELL = "sell_condition=UptrendForXDaysCondition(series=CLOSE('A'), number_of_days=3))"


def test_a_text_says_what_the_document_says() -> None:
    assert read_tst(TEXT) == {
        "ticker": "IBM",
        "position_type": "LONG",
        "buy_condition": {
            "all": [
                {"after": {"condition": {"less": [{"RSI": {}}, 30]}, "bars": 2}},
                {"cross_over": [{"CLOSE": {}}, {"SMA": {"length": 20}}]},
            ]
        },
        "sell_condition": {"intra": {"series": {"CLOSE": {}}, "percent": -3.5}},
        "stop_loss": {"percent": 2},
        "start_date": "2011-05-15",
        "interval": "1wk",
        "order_size": {"usd": 5000},
    }


def is_sayable(document: Document) -> bool:
    """Tell whether the text form has words for a strategy."""
    try:
        write_tst(document)
    except StrategyError:
        return False
    return True


def test_what_is_written_reads_back_the_same() -> None:
    controls = Controls(interval="1d", exits=("trailing", "take_profit"), size="usd")
    drawn = [draw_strategy(random.Random(seed), controls) for seed in range(60)]
    sayable = [document for document in drawn if is_sayable(document)]
    assert len(sayable) > 10
    assert [read_tst(write_tst(document)) for document in sayable] == sayable


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "text"),
        ("Here it is: Strategy(ticker='A')", "text"),
        ("__import__('os').system('ls')", "text"),
        (f"{START}buy_condition=__import__('os'), {SELL}", "unknown-key"),
        (f"{START}buy_condition=open('x').read(), {SELL}", "text"),
        (f"{START}**{{}})", "text"),
        (f"{START}stop_loss=StopLoss(), {SELL}", "text"),
        (f"{START}initial_capital=10**9, {SELL}", "text"),
        (f"{START}buy_condition=GreaterThanCondition(first_series=CLOSE('A')), {SELL}", "missing-key"),
        (f"{START}start_date=datetime(2023, 2, 30), {SELL}", "date"),
        (f"{START}buy_condition=UptrendForXDaysCondition(series=CLOSE('B'), number_of_days=3), {SELL}", "ticker"),
        (
            f"{START}buy_condition=UptrendForXDaysCondition(series=ICHIMOKU_LAGGING_SPAN('A'), number_of_days=3))",
            "future",
        ),
        (
            f"{START}buy_condition=UptrendFibRetracementLevelCondition(fib_level=FibonacciLevels.LEVEL_0), {SELL}",
            "choice",
        ),
        ("(" * 5_000, "text"),
        ("x" * 70_000, "size"),
    ],
)
def test_a_text_that_says_something_else_is_refused(text: str, rule: str) -> None:
    with pytest.raises(StrategyError) as caught:
        read_tst(text)
    assert rule in {problem.rule for problem in caught.value.problems}


def test_what_the_reference_trades_otherwise_is_named() -> None:
    document = {**read_tst(TEXT), "position_type": "SHORT", "take_profit": {"percent": 3}}
    assert {problem.rule for problem in list_departures(document)} == {"short-exit", "two-exits"}
    assert list_departures(read_tst(TEXT)) == []


@pytest.mark.skipif(not PAIRS.exists(), reason="the folder of real inputs is not beside the checkout")
def test_real_texts_are_read_or_refused_with_a_rule() -> None:
    read, rules = [], []
    for line in PAIRS.read_text(encoding="utf-8").splitlines()[::8]:
        try:
            read.append(read_tst(json.loads(line)["completion"]))
        except StrategyError as exc:
            rules.append(exc.problems[0].rule)
    assert len(read) > 75
    assert set(rules) == {"choice", "future", "range"}
    assert all(check_shape(document) == [] for document in read)
    assert [read_tst(write_tst(document)) for document in read] == read


def test_a_spec_says_what_the_document_says() -> None:
    document: dict[str, Any] = {
        "ticker": "IBM",
        "position_type": "SHORT",
        "buy_condition": {"up": {"series": {"CLOSE": {}}, "bars": 3}},
        "sell_condition": {"cross_under": [{"EMA": {"length": 9, "offset": 2}}, {"PRIOR_LOW": {}}]},
        "stop_loss": {"percent": 2},
        "exit_after_bars": 5,
    }
    spec = write_wickra(canonicalize(document))
    close = {"price": "close"}
    rising = [{"ge": [close, {"prev": [close, 1]}]}, {"ge": [{"prev": [close, 1]}, {"prev": [close, 2]}]}]
    crossing = {"cross_below": [{"prev": ["ema_9", 2]}, {"prev": ["donchian_20.lower", 1]}]}
    assert spec["short_entry"] == {"all": [crossing, {"not": {"all": rising}}]}
    assert spec["short_exit"] == {"any": [{"all": rising}, {"bars_since_entry": {"ge": 4}}]}
    assert spec["risk"] == {"stop_loss_pct": 2}
    assert spec["indicators"]["donchian_20"] == {"type": "Donchian", "params": [20]}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"position_type": "LONG_SHORT_COMBINED"}, "$.position_type"),
        ({"trailing": {"percent": 2}}, "$.trailing"),
        ({"period": "1y"}, "$.period"),
        ({"buy_condition": {"greater": [{"VOLUME": {}}, {"VOLUME_SMA": {}}]}}, "$.buy_condition.greater[1]"),
        ({"buy_condition": {"greater": [{"SMA": {"source": "OPEN"}}, 5]}}, "$.buy_condition.greater[0]"),
    ],
)
def test_what_wickra_cannot_say_is_refused_with_its_place(change: Document, path: str) -> None:
    document = {**read_tst(TEXT), **change}
    with pytest.raises(StrategyError) as caught:
        write_wickra(document)
    assert path in {problem.path for problem in caught.value.problems}
