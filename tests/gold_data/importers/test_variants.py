"""Logs as platforms really write them: each a small file, with what a person who knows the platform expects of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gold_data.errors import GoldError
from gold_data.importers import ImportedFile, LogOptions, import_files
from gold_data.importers.faults import NotATradeError
from gold_data.importers.instruments import refuse_other_kinds
from gold_data.markets import read_markets
from gold_data.sessions import NEW_YORK
from tests.gold_data.importers.test_formats import NEW_YORK as CLOCK

FLEX = "Symbol,DateTime,Quantity,TradePrice,Buy/Sell"
STATEMENT = (
    "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,Proceeds,Comm/Fee,Code"
)
FILLS = "Symbol,Side,Qty,Price,Time"
FILLS_MAP = "rows: executions\ncolumns: {ticker: Symbol, side: Side, quantity: Qty, price: Price, time: Time"
LEGS_MAP = (
    "rows: round_trips\ncolumns: {ticker: C, quantity: Q, buy_time: BT, sell_time: ST, buy_price: BP, sell_price: SP}\n"
)
EXECUTIONS = "Instrument,Action,Quantity,Price,Time,E/X,Account"
FILLS_OF_A_DAY = (("1", "BUY", "255.1", "09:45"), ("2", "SELL", "256.3", "10:15"))
AAPL = "AAPL buy 09 09:45 10:15 255.1 256.3 10"


@dataclass(frozen=True)
class Case:
    """A log (lines, or bytes), what is known beside it, its round trips, line and rule of its rejected rows."""

    log: list[str] | bytes
    trips: list[str]
    rejected: Sequence[str] = ()
    known: Mapping[str, Any] = field(default_factory=dict)
    mapping: str = ""


def write_flex(form: str, *more: str) -> list[str]:
    return [FLEX, *(f"AAPL,{form.format(*clock)},{told}" for clock, told in FLEX_FILLS), *more]


FLEX_FILLS = ((("09", "45"), "10,255.1,BUY"), (("10", "15"), "-10,256.3,SELL"))
EARLIER = ((("08", "45"), "10,255.1,BUY"), (("09", "15"), "-10,256.3,SELL"))
PLAIN = [FILLS, "AAPL,BUY,10,255.1,2026-03-09 09:45:00", "AAPL,SELL,10,256.3,2026-03-09 10:15:00"]


def write_fills(*rows: str, head: str = FILLS) -> list[str]:
    return [head, *rows]


def build_order(number: int, quantity: int, status: int, **more: Any) -> dict[str, Any]:
    time = f"2013-10-07T1{3 + number}:31:00Z"
    order = {"id": number, "symbol": {"value": "SPY"}, "price": 100 + number, "time": time, "lastFillTime": time}
    return order | {"quantity": quantity, "status": status, "securityType": 1} | more


def write_orders(*orders: dict[str, Any]) -> list[str]:
    return [json.dumps({"orders": {str(order["id"]): order for order in orders}})]


FILL = {"fillQuantity": 40, "fillPrice": 101, "status": "partiallyFilled"}
EVENTS = {"events": [{"fillQuantity": 0, "fillPrice": 0, "status": "submitted"}, FILL]}

CASES: dict[str, Case] = {
    "a month's name": Case(write_flex("09-MAR-26;{}:{}:00"), [AAPL]),
    "a date and a time that touch": Case(write_flex("20260309{}{}00"), [AAPL]),
    "a moment with its zone beside a date and a time": Case(
        [
            f"TradeDate,TradeTime,{FLEX}",
            *(
                f"20260309,{hour}{minute}00,AAPL,20260309;{hour}{minute}00 CDT,{told}"
                for (hour, minute), told in EARLIER
            ),
        ],
        [AAPL],
    ),
    "months in words": Case(
        write_fills('AAPL,BUY,10,255.1,"Mar 9, 2026 9:45 AM"', "AAPL,SELL,10,256.3,9 March 2026 10:15"),
        [AAPL],
        mapping=FILLS_MAP,
    ),
    "seconds with decimals": Case(
        write_fills("AAPL,BUY,10,255.1,1773063900.25", "AAPL,SELL,10,256.3,1773065700000.0"), [AAPL], mapping=FILLS_MAP
    ),
    "a minus of typesetters": Case(
        write_fills(
            "AAPL,10,255.1,2026-03-09 09:45", "AAPL,\u221210,256.3,2026-03-09 10:15", head="Symbol,Qty,Price,Time"
        ),
        [AAPL],
        mapping=FILLS_MAP.replace("side: Side, ", ""),
    ),
    "lines that end in a carriage return alone": Case("\r".join(PLAIN).encode(), [AAPL], mapping=FILLS_MAP),
    "Windows' text": Case("\n".join([*PLAIN, "M\u00fcller,,,,"]).encode("cp1252"), [AAPL], mapping=FILLS_MAP),
    "bars between columns": Case([line.replace(",", "|") for line in PLAIN], [AAPL], mapping=FILLS_MAP),
    "sections of several accounts": Case(
        [
            f"ClientAccountID,{FLEX}",
            *(f"U1,{line}" for line in write_flex("20260309;{}{}00")[1:]),
            "ClientAccountID,AccountAlias,Model,FromDate,Cash,Sum",
            "U1,,,20260301,1000,7",
            f"ClientAccountID,{FLEX}",
            *(f"U2,{line}" for line in write_flex("20260310;{}{}00")[1:]),
        ],
        [AAPL, "AAPL buy 10 09:45 10:15 255.1 256.3 10"],
    ),
    "another header in a statement": Case(
        [
            STATEMENT.replace("Comm/Fee", "Comm in EUR"),
            'Trades,Data,Order,Forex,USD,EUR.USD,"2026-03-09, 09:40:00",-1000,1.085,1085,-1.8,',
            STATEMENT.replace("Symbol", "Account,Symbol"),
            'Trades,Data,Order,Stocks,USD,U1,AAPL,"2026-03-09, 09:45:00",10,255.1,-2551,-1,O',
            'Trades,Data,Order,Stocks,USD,U1,AAPL,"2026-03-09, 10:15:00",-10,256.3,2563,-1,C',
        ],
        [AAPL],
        ["2 not_a_stock"],
    ),
    "shares delivered by an assignment": Case(
        [
            STATEMENT,
            'Trades,Data,Order,Stocks,USD,AAPL,"2026-03-06, 16:20:00",10,250,-2500,0,A;O',
            'Trades,Data,Order,Stocks,USD,AAPL,"2026-03-06, 16:30:00",-10,251,2510,-1,C',
            'Trades,Data,Order,Stocks,USD,AAPL,"2026-03-09, 09:45:00",10,255.1,-2551,-1,O',
            'Trades,Data,Order,Stocks,USD,AAPL,"2026-03-09, 10:15:00",-10,256.3,2563,-1,C',
        ],
        [AAPL],
        ["2 not_traded", "3 after_unreadable"],
    ),
    "executions without numbers": Case(
        [
            EXECUTIONS,
            "AAPL,Buy,5,255.1,3/9/2026 9:45:00 AM,Entry,Sim",
            "AAPL,Buy,5,255.1,3/9/2026 9:45:00 AM,Entry,Sim",
            "AAPL,Sell,10,256.3,3/9/2026 10:15:00 AM,Exit,Sim",
        ],
        [AAPL],
    ),
    "a part of an order, then canceled": Case(
        write_orders(build_order(1, 100, 5, **EVENTS), build_order(2, -40, 3)), ["SPY buy 07 10:31 11:31 101 102 40"]
    ),
    "a part of an order that nobody tells": Case(
        write_orders(build_order(1, 100, 2), build_order(2, -40, 3), build_order(3, -60, 3)),
        [],
        ["1 quantity", "2 after_unreadable", "3 after_unreadable"],
    ),
    "one page of results": Case(
        [
            json.dumps(
                {
                    "next_page_token": None,
                    "activities": [
                        {
                            "activity_type": "FILL",
                            "id": side,
                            "side": side,
                            "symbol": "AAPL",
                            "qty": "10",
                            "price": price,
                        }
                        | {"transaction_time": f"2026-03-09T{clock}:00Z"}
                        for side, price, clock in (("buy", "255.1", "13:45"), ("sell", "256.3", "14:15"))
                    ],
                }
            )
        ],
        [AAPL],
    ),
    "a table of one column without a name": Case(
        [
            "Exit Trade Id,Column,Size,Entry Timestamp,Avg Entry Price,Exit Timestamp,Avg Exit Price,Direction,Status",
            "0,0,10,2026-03-09 09:45:00,255.1,2026-03-09 10:15:00,256.3,Long,Closed",
        ],
        [],
        ["2 ticker"],
    ),
    "bought and sold in one moment": Case(
        [
            "C,Q,BT,ST,BP,SP",
            "AAPL,10,2026-03-09 09:45,2026-03-09 10:15,255.1,256.3",
            "AAPL,10,2026-03-09 10:30,2026-03-09 10:30,255.1,256.3",
            "Total,20,,,,2",
        ],
        [AAPL],
        ["3 direction"],
        mapping=LEGS_MAP,
    ),
    "a zone that the mapping names": Case(
        write_fills("BTCUSDT,BUY,1,9,2025-11-03 01:30:00", "BTCUSDT,SELL,1,8,2025-11-03 03:10:00"),
        ["BTCUSDT buy 03 01:30 03:10 9 8 1"],
        known={"markets": read_markets("24/7", "test")},
        mapping=f"zone: America/New_York\n{FILLS_MAP}",
    ),
    "two accounts that count alike": Case(
        write_fills(
            "AAPL,BUY,10,255.1,2026-03-09 09:45,1,A",
            "AAPL,BUY,10,255.1,2026-03-09 09:45,1,B",
            "AAPL,SELL,10,256.3,2026-03-09 10:15,2,A",
            head=f"{FILLS},Id,Acct",
        ),
        [AAPL],
        mapping=f"{FILLS_MAP}, id: Id, account: Acct",
    ),
}


def read(folder: Path, *cases: Case) -> list[ImportedFile]:
    paths = []
    for number, case in enumerate(cases):
        paths.append(folder / f"log{number}.txt")
        text = case.log if isinstance(case.log, bytes) else "\n".join([*case.log, ""]).encode()
        paths[-1].write_bytes(text)
    mapping = folder / "map.yaml"
    if cases[0].mapping:
        mapping.write_text(cases[0].mapping + "}\n" * ("{" in cases[0].mapping and "}" not in cases[0].mapping))
    known = LogOptions(mapping=mapping if cases[0].mapping else None, **cases[0].known)
    files = import_files(paths, known)
    assert all(file.rows_in == file.rows_accounted for file in files)
    return files


def tell(files: list[ImportedFile]) -> list[str]:
    return [
        f"{trip.ticker} {trip.trade_type} {trip.entry_time.astimezone(CLOCK):%d %H:%M} "
        f"{trip.exit_time.astimezone(CLOCK):%H:%M} {trip.entry_price:g} {trip.exit_price:g} {trip.quantity:g}"
        for file in files
        for trip in file.trips
    ]


@pytest.mark.parametrize("name", CASES)
def test_round_trips_and_rejected_rows(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    files = read(tmp_path, case)
    assert tell(files) == case.trips
    assert [f"{row.line} {row.rule}" for row in files[0].rejected] == list(case.rejected)


def test_numbers_of_orders_are_no_numbers_of_fills(tmp_path: Path) -> None:
    rows = ("AAPL,BUY,6,255.1,2026-03-09 09:45,7", "AAPL,BUY,4,255.1,2026-03-09 09:46,7")
    with pytest.raises(GoldError, match=r"line 3 repeats the number 7 of line 2 with another .* leave `id` out"):
        read(tmp_path, Case(write_fills(*rows, head=f"{FILLS},Id"), [], mapping=f"{FILLS_MAP}, id: Id"))


def test_numbers_that_begin_anew_in_every_file_are_none(tmp_path: Path) -> None:
    days = [
        [f"AAPL,{side},10,{price},2026-03-{day} {time},{id}" for id, side, price, time in FILLS_OF_A_DAY]
        for day in ("09", "10")
    ]
    logs = [Case(write_fills(*rows, head=f"{FILLS},Id"), [], mapping=f"{FILLS_MAP}, id: Id") for rows in days]
    with pytest.raises(GoldError, match=r"log1.txt: line 2 repeats the number 1 of line 2 of an earlier file"):
        read(tmp_path, *logs)
    assert read(tmp_path, logs[0], logs[0])[1].duplicates == [2, 3]


def test_a_log_learns_the_order_of_dates_from_the_others(tmp_path: Path) -> None:
    logs = [
        Case(
            write_fills(f"AAPL,BUY,10,255.1,{day}/2026 09:45", f"AAPL,SELL,10,256.3,{day}/2026 10:15"),
            [],
            mapping=FILLS_MAP,
        )
        for day in ("09/03", "13/03")
    ]
    assert tell(read(tmp_path, *logs)) == [AAPL, AAPL.replace("09 09", "13 09")]


def test_text_of_windows_is_noted(tmp_path: Path) -> None:
    (file,) = read(tmp_path, CASES["Windows' text"])
    assert "log0.txt: it is no text in UTF-8, and was read as Windows-1252" in file.notes


@pytest.mark.parametrize(
    "symbol",
    [
        *("EURUSD.M", "EURUSDPRO", "EUR_USD", "XAUUSD", "BTC/USDT:USDT"),
        *("O:SPY260109C00690000", "SPY 260109C690", "SPY JAN 9 2026 690 CALL", "SPY 20260109 690 P"),
    ],
)
def test_pairs_and_options_as_brokers_write_them(symbol: str) -> None:
    with pytest.raises(NotATradeError):
        refuse_other_kinds(symbol, NEW_YORK)


@pytest.mark.parametrize("symbol", ["SPY", "BRK.B", "GOOGL", "SOLS", "ES 12-25", "MNQU6", "US100.CASH", "CALL", "PUT"])
def test_symbols_that_only_look_like_them(symbol: str) -> None:
    refuse_other_kinds(symbol, NEW_YORK)
