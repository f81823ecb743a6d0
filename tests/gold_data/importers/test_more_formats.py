"""The formats whose rows need little more than their columns: each on a file written from its documentation."""

import pytest

from tests.gold_data.importers.test_formats import Told, read, tell

# By file: its round trips; line and rule of rejected rows; line and rule of rows that are no fills.
Expected = tuple[list[Told], list[tuple[int, str]], list[tuple[int, str]]]
EXPECTED: dict[str, Expected] = {
    "activity_statement.csv": (
        [
            (5, "BRK.B", "buy", "27 13:31:38", "27 14:02:08", 6.73, 7.45, 500.0),
            (10, "NOK", "buy", "28 10:33:59", "28 12:31:18", 4.775, 4.982, 1000.0),
        ],
        [(12, "other_currency"), (15, "not_a_stock")],
        [(line, "not_an_execution") for line in (4, 6, 8, 13, 16)],
    ),
    "alpaca_py_orders.csv": (
        [(2, "AAPL", "buy", "09 10:00:00", "09 10:30:00", 255.1, 256.1, 10.0)],
        [],
        [(3, "not_filled")],
    ),
    "backtesting_py.csv": (
        [
            (2, "SPY", "buy", "17 09:45:00", "17 10:00:00", 600.0, 601.0, 16.0),
            (3, "SPY", "short", "17 10:45:00", "17 11:00:00", 602.0, 601.0, 16.0),
        ],
        [],
        [],
    ),
    "backtrader.csv": (
        [
            (2, "SPY", "buy", "17 09:45:00", "17 10:00:00", 600.0, 601.2, 1.0),
            (3, "SPY", "short", "17 10:45:00", "17 11:00:00", 602.0, 601.0, 1.0),
        ],
        [],
        [],
    ),
    "das.csv": (
        [(2, "ACME", "short", "17 09:41:00", "17 09:43:00", 10.0, 9.625, 100.0)],
        [(5, "close_without_open")],
        [],
    ),
    "fidelity.csv": (
        [(4, "AAPL", "buy", "20 10:05:00", "20 10:31:00", 255.0, 256.0, 10.0)],
        [],
        [(6, "not_a_fill"), (8, "no_fill")],
    ),
    "flex_two_columns.csv": (
        [
            (2, "AAPL", "buy", "09 09:45:00", "09 10:15:00", 255.1, 256.3, 100.0),
            (7, "AAPL", "buy", "09 09:46:00", "09 10:16:00", 255.4, 256.4, 50.0),
        ],
        [],
        [],
    ),
    "freqtrade.json": (
        [
            (1, "NVDA/USD", "buy", "09 10:00:00", "09 11:00:00", 185.0, 186.0, 1e-05),
            (2, "NVDA/USD", "short", "09 12:00:00", "09 13:00:00", 200.0, 199.0, 1e-05),
        ],
        [(3, "not_a_stock")],
        [],
    ),
    "metatrader.html": (
        [
            (7, "NVDA", "buy", "22 10:50:36", "22 10:54:58", 181.1, 182.3, 100.0),
            (9, "AMD", "short", "22 12:50:36", "22 12:54:58", 160.0, 159.5, 10.0),
        ],
        [(8, "not_a_stock")],
        [],
    ),
    "ninjatrader_executions.csv": (
        [
            (4, "SPY", "buy", "15 10:30:00", "15 11:00:00", 602.0, 602.75, 2.0),
            (2, "SPY", "short", "15 11:15:00", "15 11:30:00", 602.5, 601.5, 1.0),
        ],
        [(7, "close_without_open")],
        [],
    ),
    "quantconnect.json": (
        [(1, "SPY", "buy", "07 09:31:00", "07 10:31:00", 144.78, 145.02, 100.0)],
        [(4, "not_a_stock")],
        [(2, "not_filled")],
    ),
    "robinhood.csv": (
        [(2, "AAPL", "buy", "20 10:05:00", "20 10:31:00", 255.0, 256.0, 10.0)],
        [],
        [(4, "not_a_fill"), (6, "no_fill")],
    ),
    "schwab.csv": (
        [(3, "GME", "short", "20 10:05:00", "20 10:31:00", 22.0, 21.0, 50.0)],
        [],
        [(5, "not_a_fill"), (6, "no_fill")],
    ),
    "tradingview.csv": (
        [
            (2, "SPY", "buy", "17 09:45:00", "17 10:00:00", 600.0, 601.0, 10.0),
            (4, "SPY", "short", "17 10:30:00", "17 11:00:00", 603.0, 602.0, 10.0),
        ],
        [],
        [(6, "still_open")],
    ),
    "tradovate_orders.csv": (
        [(2, "MESM6", "buy", "05 09:41:00", "05 09:55:00", 5200.25, 5195.25, 2.0)],
        [],
        [(3, "no_quantity")],
    ),
    "tradovate_performance.csv": (
        [
            (2, "MNQU6", "buy", "01 10:30:00", "01 10:45:00", 20000.0, 20010.0, 2.0),
            (3, "MNQU6", "short", "21 11:00:00", "21 11:20:00", 20100.0, 20130.0, 1.0),
        ],
        [],
        [],
    ),
    "vectorbt.csv": (
        [
            (2, "SPY", "buy", "17 09:45:00", "17 10:00:00", 600.0, 601.2, 0.166666666667),
            (3, "SPY", "short", "17 10:45:00", "17 11:00:00", 602.0, 601.0, 0.1),
        ],
        [],
        [(4, "not_filled")],
    ),
    "webull.csv": (
        [
            (2, "AAPL", "buy", "10 09:30:05", "10 10:00:02", 150.0, 155.0, 100.0),
            (5, "AMC", "short", "10 10:00:02", "10 10:31:05", 5.31, 5.02, 100.0),
        ],
        [(7, "close_without_open")],
        [(3, "not_filled")],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_round_trips_and_what_became_of_other_rows(name: str) -> None:
    file = read(name)
    trips, rejected, not_fills = EXPECTED[name]
    assert tell(file) == trips
    assert [(row.line, row.rule) for row in file.rejected] == rejected
    assert [(row.line, row.rule) for row in file.not_fills] == not_fills


def test_excursions_that_a_backtest_states() -> None:
    assert read("backtrader.csv").trips[1].stated == {"worst_exit_percent": -0.05, "best_exit_percent": 0.2}
    assert read("freqtrade.json").trips[1].stated == pytest.approx(
        {"worst_exit_percent": -0.5, "best_exit_percent": 1.0}
    )
