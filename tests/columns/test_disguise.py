"""A disguise gives every price back, on the steps of its ticker."""

from datetime import date

import polars as pl
import pytest

from columns.declared import Disguisable
from columns.disguise import draw_disguise, put_on_step
from columns.trade_log.dataset import measure_on_steps
from gold_data.markets import USUAL, read_markets

FIELDS = Disguisable("ticker", ("entry_price", "exit_price"), ("session_date",))
TRAIN = pl.DataFrame(
    {
        "ticker": ["AAA", "AAA", "BBB"],
        "session_date": [date(2024, 3, 5), date(2024, 6, 4), date(2024, 3, 7)],
        "entry_price": [13.31, 14.0, 4250.25],
        "exit_price": [13.5, 14.01, 4251.0],
    }
)


def test_every_row_comes_back_as_it_was() -> None:
    disguise = draw_disguise(TRAIN, FIELDS, seed=7)
    for row in TRAIN.to_dicts():
        shown = disguise.hide_row(row)
        assert not set(map(str, shown.values())) & set(map(str, row.values()))
        found, ticker = disguise.find_row(shown)
        assert disguise.put_on_steps(found, str(ticker)) == row


def test_all_cents_of_a_ticker_come_back() -> None:
    disguise = draw_disguise(TRAIN, FIELDS, seed=7)
    for cents in range(1, 5000, 7):
        shown = disguise.hide_price("AAA", cents / 100)
        assert put_on_step(disguise.find_price("AAA", shown), disguise.steps["AAA"]) == cents / 100


def test_a_disguise_hangs_on_the_gold_and_the_seed() -> None:
    again = draw_disguise(TRAIN, FIELDS, seed=7)
    assert draw_disguise(TRAIN, FIELDS, seed=7) == again
    assert draw_disguise(TRAIN, FIELDS, seed=8) != again
    assert draw_disguise(TRAIN.with_columns(entry_price=pl.col("entry_price") + 0.01), FIELDS, seed=7) != again


def test_dates_leave_the_gold_by_whole_weeks() -> None:
    weeks = draw_disguise(TRAIN, FIELDS, seed=7).weeks
    assert weeks < -13 - 26
    assert draw_disguise(TRAIN, FIELDS, seed=7).shift("2024-03-05", 1) == "2024-03-12"
    assert draw_disguise(TRAIN, FIELDS, seed=7).shift("some day", 1) == "some day"


def test_a_declared_tick_is_the_step() -> None:
    disguise = draw_disguise(TRAIN, FIELDS, 7, {"BBB": 0.25})
    row = disguise.put_on_steps({"entry_price": 4250.3712345, "exit_price": 0.0123456}, "BBB")
    assert row == {"entry_price": 4250.25, "exit_price": 0.25}


def test_an_answer_with_the_decimals_that_were_shown_comes_back_on_a_step() -> None:
    disguise = draw_disguise(TRAIN, FIELDS, seed=7)
    for shown in range(400_000, 410_000, 13):
        found = {"entry_price": disguise.find_price("AAA", shown / 10_000)}
        price = disguise.put_on_steps(found, "AAA")["entry_price"]
        assert price == round(price, 2)


def test_an_answer_that_is_exact_between_two_steps_comes_back_as_it_was_meant() -> None:
    disguise = draw_disguise(TRAIN, FIELDS, seed=7)
    shown = disguise.hide_row({"ticker": "AAA", "entry_price": 13.315})
    found, ticker = disguise.find_row(shown)
    assert disguise.put_on_steps(found, str(ticker))["entry_price"] == 13.315


def test_the_end_of_a_range_shows_no_more_decimals_than_prices_do() -> None:
    disguise = draw_disguise(TRAIN, FIELDS, 7, {"BBB": 5.0})
    assert disguise.hide_limit("BBB", 4120.1234) == round(4120.1234 * disguise.hundredths["BBB"] / 100, 4)


def test_a_ticker_that_the_gold_does_not_know_stays_with_its_prices() -> None:
    disguise = draw_disguise(TRAIN, FIELDS, seed=7)
    row = {"ticker": "ZZZ", "entry_price": 1.0}
    assert disguise.hide_row(row) == row
    assert disguise.find_row(row) == (row, None)


@pytest.mark.parametrize(("side", "worst", "best"), [("buy", -1.004, 2.004), ("short", -2.004, 1.004)])
def test_excursions_are_measured_anew_from_prices_on_steps(side: str, worst: float, best: float) -> None:
    exact = {"trade_type": side, "entry_price": 10.004, "worst_exit_percent": worst, "best_exit_percent": best}
    measured = measure_on_steps({**exact, "entry_price": 10.0}, exact, 0.01)
    low, high = sorted(measured.values())
    assert (low, high) == ((-1.0, 2.0) if side == "buy" else (-2.0, 1.0))


def test_a_shifted_market_has_its_sessions_on_shifted_days() -> None:
    shifted = USUAL.disguise({}, weeks=-60)
    real, moved = USUAL.default, shifted.default
    early, holiday = date(2024, 11, 29), date(2024, 12, 25)  # half a day; closed
    later = date(2023, 10, 6)
    assert (early - later).days == 60 * 7
    session = moved.find_session(later)
    assert session is not None
    assert session.closes.time() == real.find_session(early).closes.time()  # type: ignore[union-attr]
    assert moved.find_session(date(2023, 11, 1)) is None
    assert (holiday - date(2023, 11, 1)).days == 60 * 7
    assert shifted.is_usual
    assert not read_markets("CMES", "here").disguise({}, 1).is_usual
