"""Cells as people's logs have them: each a small table, with the trades that a person would read in it."""

from pathlib import Path

import pytest

from tests.gold_data.importers.test_variants import AAPL, FILLS, FILLS_MAP, PLAIN, Case, read, tell

BUY, SELL = PLAIN[1:]
DAY = "2026-03-09"


def fill(time: str, *, price: str = "255.1", side: str = "BUY", ticker: str = "AAPL", quantity: str = "10") -> str:
    return f'{ticker},{side},{quantity},{price},"{time}"'


def pair(first: str, second: str, prices: tuple[str, str] = ("255.1", "256.3"), **more: str) -> list[str]:
    return [
        fill(first, price=prices[0], **more),
        fill(second, price=prices[1], side="SELL", **more),
    ]


CLOCKS = (f"{DAY} 09:45:00", f"{DAY} 10:15:00")
CELLS: dict[str, tuple[list[str], list[str]]] = {
    "a thousand shares": (pair(*CLOCKS, quantity='"1,000"'), [AAPL.removesuffix("10") + "1000"]),
    "dollar signs": (pair(*CLOCKS, ("$255.10", "$256.30")), [AAPL]),
    "dollars in letters": (pair(*CLOCKS, ("255.10 USD", "USD 256.30")), [AAPL]),
    "dollars of the States": (pair(*CLOCKS, ("US$255.10", "US$256.30")), [AAPL]),
    "decimal commas": (pair(*CLOCKS, ('"255,10"', '"256,30"')), [AAPL]),
    "powers of ten": (pair(*CLOCKS, quantity="1E+01"), [AAPL]),
    "small letters and spaces": (pair(*CLOCKS, ticker=" aapl "), [AAPL]),
    "an exchange before the symbol": (pair(*CLOCKS, ticker="NASDAQ:AAPL"), [AAPL]),
    "a country behind it": (pair(*CLOCKS, ticker="AAPL.US"), [AAPL]),
    "a weekday": (pair("Mon, 09 Mar 2026 09:45:00", "Monday 09 Mar 2026 10:15:00"), [AAPL]),
    "half days that touch": (pair("3/9/2026 9:45:00AM", "3/9/2026 10:15:00AM"), [AAPL]),
    "half days behind narrow spaces": (pair("3/9/2026\u202f9:45\u202fAM", "3/9/2026\u202f10:15\u202fAM"), [AAPL]),
    "moments of UTC": (pair(f"{DAY}T13:45:00Z", f"{DAY}T14:15:00.000Z"), [AAPL]),
    "offsets without a colon": (pair(f"{DAY}T09:45:00-0400", f"{DAY}T10:15:00-0400"), [AAPL]),
    "minutes only": (pair(f"{DAY}T09:45", f"{DAY}T10:15"), [AAPL]),
    "thousandths from 1970": (pair("1773063900000", "1773065700000"), [AAPL]),
    "days of a spreadsheet": (pair("46090.40625", "46090.4270833333"), [AAPL]),
    "the clock of New York by its letters": (pair(f"{DAY} 09:45:00 ET", f"{DAY} 10:15:00 ET"), [AAPL]),
    "the clock of Chicago by its letters": (pair(f"{DAY} 08:45 CT", f"{DAY} 09:15 CT"), [AAPL]),
    "winter's offset in summer": (pair(f"{DAY} 08:45 EST", f"{DAY} 09:15 EST"), [AAPL]),
    "a row of nothing": ([fill(CLOCKS[0], quantity="0"), BUY, SELL], [AAPL]),
    "totals and a disclaimer": ([BUY, "", SELL, "", "Total,,,,", "Made on 2026-03-10,,,,"], [AAPL]),
    "the header again": ([BUY, FILLS, SELL], [AAPL]),
    "a dividend with shares": ([fill(CLOCKS[0], side="DIVIDEND", price="0.25"), BUY, SELL], [AAPL]),
    "interest without a symbol": ([f",Interest,1,0.25,{CLOCKS[0]}", BUY, SELL], [AAPL]),
    "in and out in parts": (
        [BUY, fill(f"{DAY} 09:50", price="255.1"), fill(f"{DAY} 10:15", price="256.3", side="SELL", quantity="20")],
        [AAPL.replace(" 256.3 10", " 256.3 20")],
    ),
    "turned around": (
        [
            BUY,
            fill(f"{DAY} 10:15", price="256.3", side="SELL", quantity="20"),
            fill(f"{DAY} 10:45", price="255.1", side="BUY"),
        ],
        [AAPL, "AAPL short 09 10:15 10:45 256.3 255.1 10"],
    ),
    "class shares in four ways": (
        [
            fill(CLOCKS[0], ticker="BRK B"),
            fill(CLOCKS[0], ticker="BRK/B"),
            fill(CLOCKS[1], ticker="BRK.B", side="SELL", price="256.3"),
            fill(CLOCKS[1], ticker="BRK-B", side="SELL", price="256.3"),
        ],
        ["BRK.B buy 09 09:45 10:15 255.1 256.3 20"],
    ),
    "fractions of a share": (pair(*CLOCKS, quantity="0.123456"), [AAPL.removesuffix("10") + "0.123456"]),
    "a short by its own word, and a plain sale that closes": (
        [
            fill(f"{DAY} 09:35", side="SELL", ticker="MSFT"),
            fill(f"{DAY} 09:45", side="Sell Short", price="256.3"),
            fill(f"{DAY} 10:15", side="Buy to Cover"),
        ],
        ["AAPL short 09 09:45 10:15 256.3 255.1 10"],
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_fills_are_read_as_they_are_written(tmp_path: Path, name: str) -> None:
    rows, trips = CELLS[name]
    assert tell(read(tmp_path, Case([FILLS, *rows], [], mapping=FILLS_MAP))) == trips


@pytest.mark.parametrize(
    ("rows", "rules"),
    [
        (pair(*CLOCKS, ("255.10 EUR", "256.30 EUR")), ["price", "price"]),
        (pair(*CLOCKS, ("\u20ac255.10", "\u20ac256.30")), ["other_currency"] * 2),
        (pair(*CLOCKS, ("-255.10", "256.30")), ["price", "after_unreadable"]),
        (pair(*CLOCKS, ticker="AAPL260320C00255000"), ["not_a_stock"] * 2),
        (pair(*CLOCKS, ticker="O:AAPL260320C00255000"), ["not_a_stock"] * 2),
        (pair(*CLOCKS, ticker="EURUSD"), ["not_a_stock"] * 2),
        ([fill(CLOCKS[0], side="SPLIT", price=""), BUY, SELL], ["side", "after_unreadable", "after_unreadable"]),
        (pair("2026-03-09", f"{DAY} 10:15:00"), ["date_without_time", "after_unreadable"]),
        ([fill(CLOCKS[0], side="TRANSFER", ticker="MSFT"), BUY, SELL], ["side"]),
    ],
)
def test_what_is_no_trade_of_shares_in_dollars_is_named(tmp_path: Path, rows: list[str], rules: list[str]) -> None:
    (file,) = read(tmp_path, Case([FILLS, *rows], [], mapping=FILLS_MAP))
    assert [row.rule for row in file.rejected] == rules
    assert tell([file]) == ([AAPL] if rules == ["side"] else [])
