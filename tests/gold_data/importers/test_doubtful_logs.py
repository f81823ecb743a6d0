"""Never a wrong trade: what a log does not tell is not guessed, and one bad row costs its own trade."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from gold_data.errors import GoldError
from gold_data.importers import ImportedFile, LogOptions, import_files
from gold_data.importers.events import Event, Execution, Unreadable
from gold_data.importers.instruments import name_ticker
from gold_data.importers.numerals import find_apostrophe, read_number
from gold_data.importers.pairing import Pairing, pair_executions
from gold_data.markets import Markets, read_markets

START = datetime(2025, 6, 9, 14, 0, tzinfo=UTC)
FLEX = "Symbol,DateTime,Quantity,TradePrice,Buy/Sell"
SIDES = "rows: executions\ncolumns: {ticker: S, side: D, quantity: Q, price: P, time: T}\n"


def fill(
    line: int, quantity: int, price: float = 20, *, days: int = 0, effect: str = "", ticker: str = "IBM"
) -> Execution:
    time = START + timedelta(days=days, minutes=line)
    return Execution(line, ticker, time, Decimal(quantity), Decimal(str(price)), effect)


def lost(line: int, quantity: int | None = None, ticker: str = "IBM") -> Unreadable:
    return Unreadable(line, ticker, None if quantity is None else Decimal(quantity))


def tell(pairing: Pairing) -> list[tuple[str, float, float]]:
    return [(trip.trade_type, trip.entry_price, trip.exit_price) for trip in pairing.trips]


def read(folder: Path, *logs: str, **known: object) -> list[ImportedFile]:
    paths = []
    for number, text in enumerate(logs):
        paths.append(folder / f"log{number}.csv")
        paths[-1].write_text(text)
    files = import_files(paths, LogOptions(**known))  # type: ignore[arg-type]
    assert all(file.rows_in == file.rows_accounted for file in files)
    return files


def write_fills(folder: Path, *rows: str) -> tuple[str, Path]:
    mapping = folder / "map.yaml"
    mapping.write_text(SIDES)
    return "\n".join(["S,D,Q,P,T", *rows]) + "\n", mapping


@pytest.mark.parametrize(
    ("events", "trips"),
    [
        # the quantity is known, and the position flat again after line 3
        ([fill(1, 10), lost(2, -4), fill(3, -6), fill(4, 5, 21), fill(5, -5, 22)], [("buy", 21, 22)]),
        # a sale that closes, then one that opens: flat between them
        (
            [fill(1, 10), lost(2), fill(3, -10, effect="close"), fill(4, -5, 21, effect="open"), fill(5, 5, 20)],
            [("short", 21, 20)],
        ),
        # nothing proves it flat
        ([fill(1, 10), lost(2), fill(3, -10), fill(4, 5, 21), fill(5, -5, 22)], []),
        # flat over night on every other day
        (
            [
                lost(1),
                fill(2, 5),
                fill(3, 5, 21, days=1),
                fill(4, -5, 22, days=1),
                fill(5, 1, days=2),
                fill(6, -1, days=2),
            ],
            [("buy", 21, 22), ("buy", 20, 20)],
        ),
        # of another ticker
        ([fill(1, 10), lost(2, ticker="AMD"), fill(3, -10, 21)], [("buy", 20, 21)]),
    ],
)
def test_an_unreadable_fill_costs_its_trade_until_the_log_proves_flat(
    events: list[Event], trips: list[tuple[str, float, float]]
) -> None:
    assert tell(pair_executions(events)) == trips


def test_opening_positions_are_no_trades() -> None:
    events = [fill(1, -100, 21), fill(2, 50, 20), fill(3, -250, 22), fill(4, 10, 20), fill(5, -10, 23)]
    pairing = pair_executions(events, {"IBM": Decimal(300)})
    assert tell(pairing) == [("buy", 20, 23)]
    assert [row.rule for row in pairing.rejected] == ["held_before"] * 3
    assert pairing.doubtful == []


def test_shorts_that_begin_with_the_first_fill_are_named_unless_positions_are_known() -> None:
    events = [fill(1, -100, 21), fill(2, 100, 20), fill(3, -5, 22), fill(4, 5, 20)]
    assert [one.line for one in pair_executions(events).doubtful] == [1]
    assert pair_executions(events, {}).doubtful == []


@pytest.mark.parametrize(
    ("closed", "price", "is_split"),
    [
        (-200, 10, True),
        (-300, 6.6, True),
        (-150, 13.4, True),
        (-10, 200, True),
        (-25, 82, True),
        (-200, 19, False),
        (-50, 21, False),
    ],
)
def test_a_split_inside_a_trip(closed: int, price: float, is_split: bool) -> None:
    pairing = pair_executions([fill(1, 100, 20), fill(2, closed, price, days=1)])
    assert {row.rule for row in pairing.rejected} == ({"split_inside"} if is_split else set())
    assert (pairing.trips == []) == is_split


def test_a_split_with_purchases_on_its_day() -> None:
    events = [fill(1, 10, 100), fill(2, 5, 25, days=1), fill(3, -5, 25, days=1), fill(4, -40, 26, days=1)]
    pairing = pair_executions([*events, fill(5, 3, 25, days=2), fill(6, -3, 26, days=2)])
    assert tell(pairing) == [("buy", 25, 26)]
    assert [row.rule for row in pairing.rejected] == ["split_inside"] * 4


@pytest.mark.parametrize(("closed", "trips"), [(-40, 1), (-10, 1), (-20, 0)])
def test_a_split_that_bars_tell(closed: int, trips: int) -> None:
    """As many are to be closed as it made of them, unless the log's quantities, which come out even, know none."""
    events = [fill(1, 10, 100), fill(2, closed, 100, days=1), fill(3, 3, 25, days=2), fill(4, -3, 26, days=2)]
    pairing = pair_executions(events, splits={"IBM": [((START + timedelta(days=1)).date(), Fraction(4))]})
    assert len(pairing.trips) == trips
    assert {row.rule for row in pairing.rejected} == {"split_inside"}


def test_days_are_those_of_the_market() -> None:
    """Tokyo's session of one day lies on two days of New York's clock."""
    tokyo = read_markets("XTKS", "")
    events = [fill(minute, quantity, 20) for minute, quantity in ((601, 10), (661, -20))]  # 9:00 and 10:00 of Tokyo
    assert [len(pair_executions(events, markets=market).rejected) for market in (tokyo, Markets())] == [0, 0]
    events = [replace(one, price=one.price / (1 + (one.quantity < 0))) for one in events]
    moved = [replace(one, time=one.time + timedelta(hours=3, minutes=30)) for one in events]  # midnight of New York
    assert [len(pair_executions(moved, markets=market).rejected) for market in (tokyo, Markets())] == [0, 2]


def test_a_plain_sale_only_closes_where_the_log_has_a_word_for_short_sales(tmp_path: Path) -> None:
    log, mapping = write_fills(
        tmp_path,
        "AMC,sell,10,4.1,2026-01-09 10:00",
        "AMC,buy,10,4.0,2026-01-09 10:10",
        "AMC,sell,10,4.2,2026-01-09 10:20",
        "F,Sell Short,5,11,2026-01-09 10:00",
        "F,buy,5,10,2026-01-09 10:20",
    )
    (file,) = read(tmp_path, log, mapping=mapping)
    assert [(trip.ticker, trip.trade_type) for trip in file.trips] == [("F", "short"), ("AMC", "buy")]
    assert [(row.line, row.rule) for row in file.rejected] == [(2, "close_without_open")]


def test_equal_fills_without_numbers_count_once_across_files(tmp_path: Path) -> None:
    first = f"{FLEX}\nACME,20260317;094500,100,10,BUY\nACME,20260317;094500,100,10,BUY\n"
    second = first + "ACME,20260318;094500,-200,11,SELL\n"
    files = read(tmp_path, first, second)
    assert [len(file.trips) for file in files] == [1, 0]
    assert files[0].trips[0].quantity == 200
    assert files[1].duplicates == [2, 3]


def test_an_execution_that_corrects_an_earlier_one(tmp_path: Path) -> None:
    rows = [
        "ACME,20260317;094500,100,10,BUY,0000e0d5.65a1b2c3.01.01",
        "ACME,20260317;094500,100,10.5,BUY,0000e0d5.65a1b2c3.01.02",
        "ACME,20260317;095500,-100,11,SELL,0000e0d5.65a1b2c4.01.01",
    ]
    (file,) = read(tmp_path, "\n".join([f"{FLEX},IBExecID", *rows]))
    assert [trip.entry_price for trip in file.trips] == [10.5]
    assert [(row.line, row.rule, row.value) for row in file.rejected] == [(2, "corrected", "by line 3")]


def test_shares_delivered_are_no_purchase(tmp_path: Path) -> None:
    rows = [
        "ACME,20260317;094500,100,10,BUY,BookTrade",
        "ACME,20260317;095500,-100,11,SELL,ExchTrade",
        "ACME,20260317;100500,100,11,BUY,ExchTrade",
        "ACME,20260317;101500,-100,12,SELL,ExchTrade",
    ]
    (file,) = read(tmp_path, "\n".join([f"{FLEX},TransactionType", *rows]))
    assert [(trip.entry_price, trip.exit_price) for trip in file.trips] == [(11, 12)]
    assert [row.rule for row in file.rejected] == ["not_traded", "after_unreadable"]


@pytest.mark.parametrize(
    ("column", "cell", "rule"),
    [
        ("CurrencyPrimary", "EUR", "other_currency"),
        ("ListingExchange", "LSE", "other_exchange"),
        ("Multiplier", "100", "not_a_stock"),
        ("AssetClass", "CASH", "not_a_stock"),
    ],
)
def test_what_no_american_exchange_trades_in_dollars(tmp_path: Path, column: str, cell: str, rule: str) -> None:
    (file,) = read(tmp_path, f"{FLEX},{column}\nACME,20260317;094500,100,10,BUY,{cell}\n")
    assert [row.rule for row in file.rejected] == [rule]


@pytest.mark.parametrize(
    "symbol", ["SPY 9JAN26 690 C", "SPY   260109C00690000", "-SPY260109C690", "EUR.USD", "BTC/USDT", "BTCUSD"]
)
def test_symbols_that_are_no_shares(tmp_path: Path, symbol: str) -> None:
    (file,) = read(tmp_path, f"{FLEX}\n{symbol},20260317;094500,100,10,BUY\n")
    assert [row.rule for row in file.rejected] == ["not_a_stock"]


def test_class_shares_are_one_ticker() -> None:
    assert {name_ticker(text) for text in ("BRK.B", "brk b", "BRK/B", "BRK-B")} == {"BRK.B"}
    assert [name_ticker(text) for text in ("A", "BF.B", "ES 03-26", "SPY")] == ["A", "BF.B", "ES 03-26", "SPY"]


@pytest.mark.parametrize(
    ("texts", "meaning"),
    [
        (["25'024.75", "108'165"], "thousands"),
        (["1'234'567"], "thousands"),
        (["25\u2019999"], "thousands"),
        (["108'16", "108'165"], "bonds"),
        (["108'165", "109'000"], ""),
        (["108'16", "25'024.75"], ""),
        ([], ""),
    ],
)
def test_an_apostrophe_is_told_by_the_file(texts: list[str], meaning: str) -> None:
    assert find_apostrophe(texts) == meaning


def test_prices_in_32nds_and_with_tails() -> None:
    assert read_number("108'165", ".", "bonds") == Decimal("108.515625")
    assert read_number("108'165", ".", "thousands") == 108165
    assert read_number("108'165", ".") is None
    assert read_number("255.10000000000002", ".") == Decimal("255.1")
    assert read_number("1e-05", ".") == Decimal("0.00001")


def test_rows_that_are_no_fills_are_counted(tmp_path: Path) -> None:
    log, mapping = write_fills(
        tmp_path,
        "IBM,buy,10,4.0,2026-01-09 10:10",
        "IBM,sell,0,,",
        "IBM,sell,10,4.2,2026-01-09 10:20",
        "Data is for information only.",
        ",,,,page 2",
        "IBM,buy",
    )
    (file,) = read(tmp_path, log, mapping=mapping)
    assert (len(file.trips), [row.line for row in file.not_fills]) == (1, [3, 5, 6])
    assert [(row.line, row.rule) for row in file.rejected] == [(7, "torn")]


def test_canceled_orders_of_a_mapped_log(tmp_path: Path) -> None:
    log, mapping = write_fills(
        tmp_path,
        "IBM,buy,10,4.0,2026-01-09 10:10,Filled",
        "IBM,sell,10,,,Cancelled",
        "IBM,sell,10,4.1,,Cancelled",
        "IBM,sell,10,4.2,2026-01-09 10:20,Cancelled",
    )
    (file,) = read(tmp_path, log.replace("S,D,Q,P,T", "S,D,Q,P,T,Status"), mapping=mapping)
    assert (len(file.trips), [row.line for row in file.not_fills]) == (1, [3, 4])
    assert "fills in rows that say canceled, rejected or the like: 1, the first in line 5" in file.notes[-1]


def test_options_of_a_mapping(tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "rows: executions\nticker: SPY\ncolumns: {side: D, quantity: Q, price: P, time: T, effect: E}\n"
        "only: {St: [done]}\nwords: {sell_closes: [raus], buy: [rein]}\n"
    )
    rows = ["rein,5,1,2026-01-09 10:10,O,Done", "raus,5,2,2026-01-09 10:20,C,Done", "raus,5,2,2026-01-09 10:20,C,Open"]
    (file,) = read(tmp_path, "\n".join(["D,Q,P,T,E,St", *rows]), mapping=mapping)
    assert [(trip.ticker, trip.exit_price) for trip in file.trips] == [("SPY", 2)]
    assert [row.rule for row in file.not_fills] == ["not_filled"]


def test_a_ticker_for_a_log_that_names_many(tmp_path: Path) -> None:
    log = f"{FLEX}\nACME,20260317;094500,100,10,BUY\nIBM,20260317;094500,100,10,BUY\n"
    with pytest.raises(GoldError, match="names 2 tickers, ACME among them"):
        read(tmp_path, log, ticker="SPY")


@pytest.mark.parametrize("text", ["shares\n5\n", "ticker,quantity\nIBM,many\n", "ticker,quantity\nIBM,1\nIBM,2\n"])
def test_positions_nobody_can_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "held.csv").write_text(text)
    with pytest.raises(GoldError, match=r"ticker and quantity|one row per ticker"):
        read(tmp_path, f"{FLEX}\nACME,20260317;094500,100,10,BUY\n", positions=tmp_path / "held.csv")


def test_positions_by_file(tmp_path: Path) -> None:
    (tmp_path / "held.csv").write_text("Ticker,Quantity\nACME,100\n")
    log = f"{FLEX}\nACME,20260317;094500,-100,10,SELL\n"
    (file,) = read(tmp_path, log, positions=tmp_path / "held.csv")
    assert [row.rule for row in file.rejected] == ["held_before"]
