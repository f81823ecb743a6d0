"""Logs of platforms as people have them, with the trades that a person who knows the platform would read in them."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gold_data.errors import GoldError
from gold_data.markets import read_options
from tests.gold_data.importers.test_everyday_cells import DAY, fill
from tests.gold_data.importers.test_variants import AAPL, FILLS_MAP, PLAIN, Case, read, tell

FLEX = (
    "ClientAccountID,CurrencyPrimary,AssetClass,Symbol,DateTime,Quantity,TradePrice,Buy/Sell,Notes/Codes,"
    "TransactionType,LevelOfDetail,TradeID,IBExecID,ListingExchange,Multiplier,Open/CloseIndicator"
)


def flex(trade: int, time: str, told: str, *, symbol: str = "AAPL", book: str = "USD,STK", **more: str) -> str:
    quantity, price, side, effect = told.split()
    known = {"account": "U1", "exec": f"0000e0d5.5f8f1f2{trade}.01.01", "exchange": "NASDAQ", "multiplier": "1"} | more
    return (
        f"{known['account']},{book},{symbol},20260309;{time},{quantity},{price},{side},,ExchTrade,EXECUTION,{trade},"
        f"{known['exec']},{known['exchange']},{known['multiplier']},{effect}"
    )


OPEN, CLOSE = flex(1, "094500", "10 255.1 BUY O"), flex(2, "101500", "-10 256.3 SELL C")
STATEMENT = (
    "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,C. Price,Proceeds,"
    "Comm/Fee,Basis,Realized P/L,MTM P/L,Code"
)


def order(told: str, *, kind: str = "Stocks", symbol: str = "AAPL") -> str:
    time, quantity, price, code = told.split()
    return f'Trades,Data,Order,{kind},USD,{symbol},"2026-03-09, {time}","{quantity}",{price},0,0,-1,0,0,0,{code}'


WEBULL = "Name,Symbol,Side,Status,Filled,Total Qty,Price,Avg Price,Time-in-Force,Placed Time,Filled Time"


def webull(side: str, status: str, filled: str, price: str, time: str, symbol: str = "AAPL") -> str:
    day = f"03/09/2026 {time} EDT" if time else ""
    return f"Apple,{symbol},{side},{status},{filled},10,@{price},{price},DAY,03/09/2026 09:40:00 EDT,{day}"


PERFORMANCE = (
    "symbol,_priceFormat,_priceFormatType,_tickSize,buyFillId,sellFillId,qty,buyPrice,sellPrice,pnl,boughtTimestamp,"
    "soldTimestamp,duration"
)
NINJA = "Instrument,Action,Quantity,Price,Time,ID,E/X,Position,Order ID,Name,Commission,Rate,Account,Connection"
NINJA_FILLS = (("Sell", "5201.00", "10:15:00", "b", "Exit"), ("Buy", "5200.25", "9:45:00", "a", "Entry"))
NEW_LIST = "Trade #,Type,Date and time,Signal,Price USD,Position size (qty),Position size (value),Net P&L USD"
OLD_LIST = "Trade #,Type,Signal,Date/Time,Price USDT,Contracts,Profit USDT"
TOS = [
    "Account Trade History",
    ",Exec Time,Spread,Side,Qty,Pos Effect,Symbol,Exp,Strike,Type,Price,Net Price,Order Type",
]
TOS_SALE = ",3/9/26 10:15:00,STOCK,SELL,-10,TO CLOSE,AAPL,,,STOCK,256.30,256.30,LMT"
TOS_BUY = ",3/9/26 09:45:00,STOCK,BUY,+10,TO OPEN,AAPL,,,STOCK,255.10,255.10,MKT"
TABLE = (
    "Exit Trade Id,Column,Size,Entry Timestamp,Avg Entry Price,Entry Fees,Exit Timestamp,Avg Exit Price,Exit Fees,PnL,"
    "Return,Direction,Status,Position Id"
)
TABLE_ROW = f"0,SPY,10.0,{DAY} 09:45:00-04:00,600.0,0,{DAY} 10:15:00-04:00,601.0,0,10,0.01,Long"


def activity(number: int, side: str, price: float, time: str, **more: Any) -> dict[str, Any]:
    told = {"id": str(number), "activity_type": "FILL", "transaction_time": f"{DAY}T{time}Z", "type": "fill"}
    return told | {"price": str(price), "qty": "10", "side": side, "symbol": "AAPL"} | more


def alpaca_order(number: int, side: str, quantity: str, price: str | None, time: str | None, **more: Any) -> Any:
    told = {"id": str(number), "symbol": "AAPL", "asset_class": "us_equity", "side": side, "filled_qty": quantity}
    return told | {"filled_avg_price": price, "filled_at": time and f"{DAY}T{time}Z", "status": "filled"} | more


BOUGHT, SOLD = activity(1, "buy", 255.1, "13:45:00"), activity(2, "sell", 256.3, "14:15:00.123456789")
STOP = alpaca_order(3, "sell", "0", None, None, status="canceled")
LEG = alpaca_order(2, "sell", "10", "256.3", "14:15:00")
TRADE = {"pair": "BTC/USDT:USDT", "amount": 0.5, "open_rate": 60000, "close_rate": 60100, "is_short": False}
TRADE_TIMES = {"open_date": "2026-03-08 07:36:00+00:00", "close_date": "2026-03-08 08:10:00+00:00"}
FUTURES: dict[str, Any] = {"markets": read_options(["CMES"])}
MES = "MESM6 buy 09 09:45 10:15 5200.25 5201.25 2"
ES = "ES 06-26 buy 09 09:45 10:15 5200.25 5201 2"

LOGS: dict[str, Case] = {
    "Flex": Case([FLEX, OPEN, CLOSE], [AAPL]),
    "Flex, corrected": Case(
        [
            FLEX,
            flex(1, "094500", "10 250.1 BUY O"),
            flex(3, "094500", "10 255.1 BUY O", exec="0000e0d5.5f8f1f21.01.02"),
            CLOSE,
        ],
        [AAPL],
        ["2 corrected"],
    ),
    "Flex, shares of Toronto": Case(
        [
            FLEX,
            OPEN,
            flex(5, "094500", "10 155.1 BUY O", symbol="SHOP", book="CAD,STK", exchange="TSE"),
            CLOSE,
            flex(6, "101500", "-10 156.3 SELL C", symbol="SHOP", book="CAD,STK", exchange="TSE"),
        ],
        [AAPL],
        ["3 other_currency", "5 other_currency"],
    ),
    "Flex, two accounts": Case(
        [
            FLEX,
            OPEN,
            flex(3, "094500", "5 255.1 BUY O", account="U2"),
            CLOSE,
            flex(4, "101500", "-5 256.3 SELL C", account="U2"),
        ],
        [AAPL, AAPL.removesuffix("10") + "5"],
    ),
    "Flex, closed and never opened": Case(
        [FLEX, flex(3, "094400", "-10 355.1 SELL C", symbol="MSFT"), OPEN, CLOSE], [AAPL], ["2 close_without_open"]
    ),
    "Flex, Frankfurt": Case(
        [
            FLEX,
            flex(1, "144500", "10 155.1 BUY O", symbol="SAP", book="EUR,STK", exchange="IBIS"),
            flex(2, "151500", "-10 156.3 SELL C", symbol="SAP", book="EUR,STK", exchange="IBIS"),
        ],
        ["SAP buy 09 09:45 10:15 155.1 156.3 10"],
        known={"markets": read_options(["XETR"]), "zone": "Europe/Berlin"},
    ),
    "Flex, futures at night": Case(
        [
            FLEX,
            flex(1, "224500", "1 5200 BUY O", symbol="ESM6", book="USD,FUT", multiplier="50"),
            flex(2, "231500", "-1 5201 SELL C", symbol="ESM6", book="USD,FUT", multiplier="50"),
        ],
        ["ESM6 buy 09 22:45 23:15 5200 5201 1"],
        known=FUTURES,
    ),
    "a statement of orders": Case(
        [
            "Statement,Header,Field Name,Field Value",
            "Statement,Data,Title,Activity Statement",
            STATEMENT,
            order("09:45:00 1,000 255.1 O"),
            order("10:15:00 -1,000 256.3 C"),
            "Trades,SubTotal,,Stocks,USD,AAPL,,0,,,12,-2,0,10,0,",
            "Dividends,Header,Currency,Date,Description,Amount",
            "Dividends,Data,USD,2026-03-09,AAPL,3",
        ],
        [AAPL.removesuffix("10") + "1000"],
    ),
    "a statement of more than shares": Case(
        [
            STATEMENT,
            order("09:45:00 1000 1.1 O", kind="Forex", symbol="EUR.USD"),
            order("09:45:00 1 5.1 O", kind="Equity and Index Options", symbol="AAPL 20MAR26 255 C"),
            order("09:45:00 10 255.1 O"),
            order("10:15:00 -10 256.3 C;P"),
        ],
        [AAPL],
        ["2 not_a_stock", "3 not_a_stock"],
    ),
    "Webull, a part of an order": Case(
        [
            WEBULL,
            webull("Sell", "Pending", "0", "300", ""),
            webull("Sell", "Filled", "6", "256.3", "10:15:00"),
            webull("Buy", "Partially Filled", "6", "255.1", "09:45:00"),
            webull("Buy", "Failed", "0", "255.1", ""),
            webull("Buy", "Filled", "1", "5.00", "09:44:00", "AAPL260320C00255000"),
        ],
        [AAPL.removesuffix("10") + "6"],
        ["6 not_a_stock"],
    ),
    "Tradovate, performance": Case(
        [
            PERFORMANCE,
            "MESM6,-2,0,0.25,1,2,2,5200.25,5201.25,$10.00,03/09/2026 09:45:00,03/09/2026 10:15:00,30min",
            "MESM6,-2,0,0.25,3,4,2,5200.25,5201.25,$(10.00),03/09/2026 11:15:00,03/09/2026 10:45:00,30min",
        ],
        [MES, "MESM6 short 09 10:45 11:15 5201.25 5200.25 2"],
        known=FUTURES,
    ),
    "NinjaTrader, the newest first": Case(
        [NINJA, *(f"ES 06-26,{w},2,{p},3/9/2026 {t} AM,{i},{e},,1,E,$4,1,Sim,L," for w, p, t, i, e in NINJA_FILLS)],
        [ES],
        known=FUTURES,
    ),
    "NinjaTrader, copied to a second account": Case(
        [
            NINJA,
            *(
                f"ES 06-26,{w},2,{p},3/9/2026 {t} AM,{i},{e},,1,E,$4,1,{account},L,"
                for account in ("Sim1", "Sim2")
                for w, p, t, i, e in NINJA_FILLS
            ),
        ],
        [ES, ES],
        known=FUTURES,
    ),
    "TradingView, the exit first": Case(
        [NEW_LIST, f"1,Exit long,{DAY} 10:15,Close,256.30,10,1,1", f"1,Entry long,{DAY} 09:45,L,255.10,10,1,1"],
        [AAPL],
        known={"ticker": "AAPL"},
    ),
    "TradingView, coins": Case(
        [OLD_LIST, "1,Entry Short,S,2026-03-08 03:45,60100,0.5,", "1,Exit Short,C,2026-03-08 04:15,60000,0.5,50"],
        ["BTCUSDT short 08 03:45 04:15 60100 60000 0.5"],
        known={"ticker": "BTCUSDT", "markets": read_options(["24/7"]), "zone": "America/New_York"},
    ),
    "DAS, two routes": Case(
        [
            "Time,Symbol,Side,Price,Qty,Route,Broker,Account",
            "09:45:00,AAPL,SS,256.3,6,ARCA,X,A1",
            "09:45:00,AAPL,SS,256.3,4,EDGX,X,A1",
            "10:15:00,AAPL,B,255.1,10,ARCA,X,A1",
        ],
        ["AAPL short 09 09:45 10:15 256.3 255.1 10"],
        known={"day": date(2026, 3, 9)},
    ),
    "thinkorswim, a spread between": Case(
        [
            *TOS,
            TOS_SALE,
            ",3/9/26 09:50:00,VERTICAL,BUY,+1,TO OPEN,AAPL,20 MAR 26,255,CALL,5.1,2.1,LMT",
            ",,,SELL,-1,TO OPEN,AAPL,20 MAR 26,260,CALL,3.0,CREDIT,",
            TOS_BUY,
            "",
            "Profits and Losses",
            "Symbol,x",
        ],
        [AAPL],
        ["4 not_a_stock", "5 not_a_stock"],
    ),
    "Alpaca, beside a dividend": Case(
        [json.dumps([{"id": "0", "activity_type": "DIV", "symbol": "AAPL", "qty": "10"}, BOUGHT, SOLD])], [AAPL]
    ),
    "Alpaca, coins beside": Case(
        [json.dumps([activity(9, "buy", 60000, "13:45:00", symbol="BTC/USD"), BOUGHT, SOLD])],
        [AAPL],
        ["1 not_a_stock"],
    ),
    "Alpaca, a bracket": Case(
        [json.dumps([alpaca_order(1, "buy", "10", "255.1", "13:45:00", order_class="bracket", legs=[LEG, STOP])])],
        [AAPL],
    ),
    "Alpaca, canceled after a part": Case(
        [
            json.dumps(
                [
                    alpaca_order(1, "buy", "4", "255.1", "13:45:00", status="canceled"),
                    alpaca_order(2, "sell", "4", "256.3", "14:15:00"),
                ]
            )
        ],
        [AAPL.removesuffix("10") + "4"],
    ),
    "vectorbt, one still open": Case(
        [
            TABLE,
            f"{TABLE_ROW},Closed,0",
            f"1,SPY,10.0,{DAY} 11:45:00-04:00,600.0,0,{DAY} 15:59:00-04:00,601.0,0,10,0.01,Long,Open,1",
        ],
        ["SPY buy 09 09:45 10:15 600 601 10"],
    ),
    "vectorbt, numbered by pandas": Case(
        [f",{TABLE}", f"0,{TABLE_ROW},Closed,0"], ["SPY buy 09 09:45 10:15 600 601 10"]
    ),
    "freqtrade, futures": Case(
        [json.dumps({"strategy": {"S": {"trades": [TRADE | TRADE_TIMES | {"is_open": False}]}}})],
        ["BTC/USDT:USDT buy 08 03:36 04:10 60000 60100 0.5"],
        known={"markets": read_options(["24/7"])},
    ),
    "marks around every cell": Case(
        ("\ufeff" + "\r\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN)).encode(),
        [AAPL],
        mapping=FILLS_MAP,
    ),
    "a spreadsheet's first line": Case(["sep=,", *PLAIN], [AAPL], mapping=FILLS_MAP),
    "tabs": Case([line.replace(",", "\t") for line in PLAIN], [AAPL], mapping=FILLS_MAP),
    "another clock for one ticker": Case(
        [
            *PLAIN,
            fill(f"{DAY} 22:45-04:00", ticker="ESM6", price="5200", quantity="1"),
            fill(f"{DAY} 23:15-04:00", ticker="ESM6", price="5201", quantity="1", side="SELL"),
        ],
        [AAPL, "ESM6 buy 09 22:45 23:15 5200 5201 1"],
        mapping=FILLS_MAP,
        known={"markets": read_options(["ES*=CMES"])},
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_logs_of_platforms(tmp_path: Path, name: str) -> None:
    case = LOGS[name]
    files = read(tmp_path, case)
    assert tell(files) == case.trips
    assert [f"{row.line} {row.rule}" for row in files[0].rejected] == list(case.rejected)


def test_lists_of_trades_number_them_each_for_itself(tmp_path: Path) -> None:
    lists = [
        [NEW_LIST, f"1,Entry long,{DAY} {begin},L,{bought},10,1,1", f"1,Exit long,{DAY} {end},X,{sold},10,1,1"]
        for begin, end, bought, sold in (("09:45", "10:15", 255.1, 256.3), ("09:50", "09:55", 255.2, 255.4))
    ]
    files = read(tmp_path, *(Case(log, [], known={"ticker": "AAPL"}) for log in lists))
    assert tell(files) == [AAPL, "AAPL buy 09 09:50 09:55 255.2 255.4 10"]
    assert "account" not in files[0].trips[0].carried


HISTORY = '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"'
REPORT = (
    '"Activity Date","Process Date","Settle Date","Instrument","Description","Trans Code","Quantity","Price","Amount"'
)


@pytest.mark.parametrize(
    ("log", "known", "said"),
    [
        ([HISTORY, '"03/09/2026","Buy","AAPL","APPLE","10","$255.10","","-$2551.00"'], {}, "is a date without a time"),
        ([REPORT, '"3/9/2026","3/9/2026","","AAPL","Apple","Buy","10","$255.10","($2,551)"'], {}, "is a date without"),
        ([OLD_LIST, "1,Entry Short,S,2026-03-08 03:45,60100,0.5,"], {}, "--ticker"),
        (["Time,Symbol,Side,Price,Qty,Route", "09:41:00,ACME,SS,10.00,100,ARCA"], {}, "--date"),
    ],
)
def test_what_a_log_does_not_tell_is_asked_for(tmp_path: Path, log: list[str], known: Any, said: str) -> None:
    with pytest.raises(GoldError, match=said):
        read(tmp_path, Case(log, [], known=known))
