"""A row without a planted fault keeps every rule and control, whatever the examples look like."""

from collections.abc import Callable, Mapping
from datetime import date
from random import Random
from statistics import median
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gold_data.trades.rules import Expectation, GoldLimits, check_trade, fingerprint
from offline_model.tasks.trade_log.generator import draft_trade
from offline_model.tasks.trade_log.judge import find_faults
from offline_model.tasks.trade_log.trades import Trade, find_price, write_row
from tests.offline_model.tasks.trade_log.reading import read

WritePrompt = Callable[..., str]

DAYS = (date(2013, 10, 4), date(2024, 7, 3))  # a full session, and one that closes at 13:00
TICKERS = ("NVDA", "BRK.B", "F")


def write_examples(volatility: float, price: float, decimals: int, draw: Random) -> list[dict[str, Any]]:
    """Three trades with heavy tails, one-way moves and exits at an extreme, as real ones have."""
    rows = []
    for _ in range(3):
        trade_type = draw.choice(["buy", "short"])
        scale = volatility * draw.uniform(0.7, 1.4)
        worst, best = sorted([-draw.expovariate(0.5) * scale, draw.expovariate(0.5) * scale])
        move = draw.choice([worst, best, draw.uniform(worst, best)])
        worst = draw.choice([worst, worst, min(worst, move), move * 0.5 if move > 0 else worst])
        entry_time = draw.randrange(34200, 44000)
        entry_price = round(price * draw.uniform(0.95, 1.05), 2)
        exit_price = round(find_price(trade_type, entry_price, move), 2)
        trade = Trade(
            ticker=draw.choice(TICKERS),
            trade_type=trade_type,
            entry_time=entry_time,
            exit_time=entry_time + draw.choice([5, 60, 600, 2500]),
            entry_price=entry_price,
            exit_price=max(exit_price, 0.01),
            entry_volatility_percent=round(scale, 3),
            worst_exit_percent=round(worst, decimals),
            best_exit_percent=round(best, decimals),
        )
        rows.append(write_row(trade))
    return rows


def check(trade: Trade, limits: GoldLimits, day: date, controls: Mapping[str, object], rows: list[Any]) -> list[str]:
    asked = [
        Expectation("entry_volatility_percent", controls["target_volatility"], 0.05),
        Expectation("ticker", controls["ticker"]),
        Expectation("trade_type", controls["trade_type"]),
    ]
    known = {fingerprint(row): f"gold-{i}" for i, row in enumerate(rows)}
    violations = check_trade(write_row(trade), session_date=day, limits=limits, expectations=asked, known_trades=known)
    return [violation.message for violation in violations]


SITUATIONS = st.fixed_dictionaries(
    {
        "controls": st.fixed_dictionaries(
            {
                "target_volatility": st.integers(20, 1200).map(lambda thousandths: thousandths / 1000),
                "ticker": st.sampled_from(TICKERS),
                "trade_type": st.sampled_from(["buy", "short"]),
                "session_period": st.sampled_from(["open", "midday", "close"]),
            }
        ),
        "price": st.sampled_from([1.5, 14.06, 48.0, 184.2, 2900.0]),
        "decimals": st.integers(2, 3),
        "day": st.sampled_from(DAYS),
        "seed": st.integers(0, 10**6),
    }
)


@settings(deadline=None, max_examples=150)
@given(situation=SITUATIONS)
def test_honest_row_keeps_every_rule_and_pleases_the_judge(
    write_prompt: WritePrompt, situation: dict[str, Any]
) -> None:
    controls, price, day, rng = situation["controls"], situation["price"], situation["day"], Random(situation["seed"])
    rows = write_examples(controls["target_volatility"], price, situation["decimals"], rng)
    limits = GoldLimits(dict.fromkeys(TICKERS, (price * 0.9, price * 1.1)), False, (0.01, 2.0))
    frame = {"controls": controls, "shown": rows, "allowed": limits, "session_date": day}
    trade = draft_trade(read(write_prompt("generator", **frame)), rng)
    assert check(trade, limits, day, controls, rows) == []
    assert find_faults(read(write_prompt("judge", **frame, trade=write_row(trade)))) == []


def draw_trades(text: str, count: int = 400) -> list[Trade]:
    task = read(text)
    return [draft_trade(task, Random(i)) for i in range(count)]


def test_excursions_grow_with_the_wanted_volatility(write_prompt: WritePrompt) -> None:
    calm, wild = (
        median(trade.best_exit_percent for trade in draw_trades(write_prompt("generator", controls=controls)))
        for controls in ({"target_volatility": 0.3}, {"target_volatility": 0.9})
    )
    assert 2.7 < wild / calm < 3.3


def test_holding_times_spread_around_the_examples(write_prompt: WritePrompt) -> None:
    holds = sorted(trade.hold for trade in draw_trades(write_prompt("generator")))
    assert 1000 < holds[200] < 1400
    assert 1.5 < holds[380] / holds[20] < 3.5


def test_examples_in_whole_minutes_give_whole_minutes(
    write_prompt: WritePrompt, examples: list[dict[str, Any]]
) -> None:
    shown = [row | {"entry_time": "10:12:00", "exit_time": "10:31:00"} for row in examples]
    trades = draw_trades(write_prompt("generator", shown=shown), 50)
    assert all(trade.entry_time % 60 == trade.exit_time % 60 == 0 for trade in trades)


def test_without_controls_ticker_and_direction_are_an_examples(write_prompt: WritePrompt) -> None:
    trades = draw_trades(write_prompt("generator", controls={}), 100)
    assert {(trade.ticker, trade.trade_type) for trade in trades} == {
        ("NVDA", "buy"),
        ("TSLA", "short"),
        ("NVDA", "short"),
    }


def test_price_is_near_the_tickers_own_examples(write_prompt: WritePrompt) -> None:
    prices = [trade.entry_price for trade in draw_trades(write_prompt("generator"), 100)]
    assert min(prices) > 117
    assert max(prices) < 125


def test_ticker_without_an_example_is_priced_within_its_range(
    write_prompt: WritePrompt, examples: list[dict[str, Any]]
) -> None:
    text = write_prompt("generator", controls={"ticker": "TSLA"}, shown=[examples[0]])
    prices = [trade.entry_price for trade in draw_trades(text, 100)]
    assert all(200 < price < 300 for price in prices)


def test_copy_of_an_example_is_drawn_again(write_prompt: WritePrompt, examples: list[dict[str, Any]]) -> None:
    still = examples[0] | {"worst_exit_percent": 0.0, "best_exit_percent": 0.0, "entry_price": 1.0, "exit_price": 1.0}
    task = read(
        write_prompt(
            "generator",
            controls={"ticker": "NVDA"},
            shown=[still],
            allowed=GoldLimits({"NVDA": (0.99, 1.01)}, False, (0.3, 1.1)),
        )
    )
    drawn = [fingerprint(write_row(draft_trade(task, Random(i)))) for i in range(300)]
    assert fingerprint(still) not in drawn
