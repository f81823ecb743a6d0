"""What the models are told of the rules."""

from dataclasses import replace
from datetime import date

import pytest

from gold_data.trades.rules import GoldLimits, describe_rules

LIMITS = GoldLimits(
    {"IBM": (180.11, 186.9), "SPY": (160.0, 175.5)}, holds_overnight=False, volatility_range=(0.02, 0.17)
)


def test_all_lines_of_one_ticker() -> None:
    assert describe_rules(LIMITS, session_date=date(2013, 10, 4), ticker="IBM").split("\n") == [
        "- Exactly the fields of the schema; times as HH:MM:SS, numbers plain and finite.",
        "- Exit percent: 100 x (exit_price / entry_price - 1) for a buy, the same with its sign reversed for a short.",
        "- Percents: worst_exit_percent <= exit percent <= best_exit_percent, within 0.01.",
        "- Volatility: above 0; this trader's entry_volatility_percent: 0.02 to 0.17.",
        "- No copy: at least two of the prices and percents differ from every known trade.",
        "- Regular session: 09:30:00 to 16:00:00 (exchange time); entry before exit, both inside.",
        "- Ticker: IBM.",
        "- Price of IBM: 180.11 to 186.9.",
    ]


def test_excursions_on_both_sides_of_the_entry_are_said_where_the_golds_are() -> None:
    text = describe_rules(replace(LIMITS, spans_entry=True), session_date=date(2013, 10, 4), ticker="IBM")
    assert "- Excursions: worst_exit_percent <= 0 <= best_exit_percent.\n" in text


@pytest.mark.parametrize("ticker", [None, "NOT_GOLD"])
def test_without_a_known_ticker_all_are_listed(ticker: str | None) -> None:
    text = describe_rules(LIMITS, session_date=date(2013, 10, 4), ticker=ticker)
    assert "- Ticker: IBM, SPY.\n- Price of IBM: 180.11 to 186.9.\n- Price of SPY: 160 to 175.5." in text


@pytest.mark.parametrize(
    ("day", "line"),
    [
        (
            date(2013, 11, 29),
            "- Regular session: 09:30:00 to 13:00:00 (exchange time); entry before exit, both inside.",
        ),
        (date(2013, 10, 5), "- Regular session: none, the exchange is closed on 2013-10-05."),
    ],
)
def test_the_hours_are_those_of_the_day(day: date, line: str) -> None:
    assert line in describe_rules(LIMITS, session_date=day, ticker="IBM").split("\n")


def test_overnight_is_said() -> None:
    limits = GoldLimits(LIMITS.price_ranges, holds_overnight=True, volatility_range=(0.02, 0.17))
    assert "an exit_time at or before the entry_time is one in the next session." in describe_rules(
        limits, session_date=date(2013, 10, 4), ticker=None
    )
