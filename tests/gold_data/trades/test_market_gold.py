"""Gold of any market, and the trader's own columns: from a log to gold, and what of it is rejected."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from gold_data.errors import GoldError
from gold_data.importers.registry import LogOptions
from gold_data.markets import Markets, read_market, read_markets, read_options
from gold_data.trades.carried import result_r
from gold_data.trades.import_gold import import_gold
from gold_data.trades.ingest import read_gold
from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import check_trade, describe_rules

HEAD = (
    "ticker,trade_type,entry_time,exit_time,entry_price,exit_price,entry_volatility_percent,worst_exit_percent,"
    "best_exit_percent"
)
MEASURES = "0.4,-0.2,1.2"


def write_log(tmp_path: Path, *rows: str, more: str = "") -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([HEAD + more, *rows]) + "\n", encoding="utf-8")
    return path


def import_log(tmp_path: Path, log: Path, *markets: str) -> pl.DataFrame:
    import_gold([log], tmp_path / "gold", logs=LogOptions(markets=read_options(markets)), holdout=0)
    return pl.read_parquet(tmp_path / "gold" / "trades.parquet")


@pytest.mark.parametrize(
    ("market", "ticker", "entered", "left", "session"),
    [
        ("24/7", "BTCUSDT", "2025-03-08 03:36:00+00:00", "2025-03-08 04:10:00+00:00", "2025-03-08"),
        ("24/7", "BTCUSDT", "2025-03-08 23:50:00", "2025-03-09 00:10:00", "2025-03-08"),
        ("CMES", "ES", "2025-03-09 22:10:00-05:00", "2025-03-10 01:15:00-05:00", "2025-03-10"),
        ("CMES", "ES", "2025-03-10 16:50:00", "2025-03-10 17:20:00", "2025-03-10"),
        ("XETR", "DAX", "2025-03-10 09:05:00+01:00", "2025-03-10 10:00:00+01:00", "2025-03-10"),
        ("XLON", "VOD", "2025-03-10 08:05:00", "2025-03-10 16:30:00", "2025-03-10"),
        ("XNYS extended", "NVDA", "2025-03-10 07:05:00-04:00", "2025-03-10 09:00:00-04:00", "2025-03-10"),
        ("24/5 17:00-17:00 America/New_York", "EURUSD", "2025-03-09 17:05:00", "2025-03-09 19:00:00", "2025-03-10"),
    ],
)
def test_a_trade_in_the_hours_of_its_market(
    tmp_path: Path, market: str, ticker: str, entered: str, left: str, session: str
) -> None:
    log = write_log(tmp_path, f"{ticker},buy,{entered},{left},100,101,{MEASURES}")
    trade = import_log(tmp_path, log, market).row(0, named=True)
    assert str(trade["session_date"]) == session
    assert str(trade["entry_time"].tzinfo) == read_market(market, "").zone_name
    again = read_gold(tmp_path / "gold" / "trades.parquet", None, tmp_path / "gold" / "split.json")
    assert again.rows.get_column("entry_time").to_list() == [trade["entry_time"]]


@pytest.mark.parametrize(
    ("market", "entered", "left", "rule"),
    [
        ("CMES", "2025-03-08 10:00:00", "2025-03-08 11:00:00", "session_hours"),  # a Saturday
        ("XETR", "2025-03-10 08:30:00", "2025-03-10 10:00:00", "session_hours"),
        ("XTKS", "2025-03-10 11:40:00", "2025-03-10 13:00:00", "session_hours"),  # in the pause at noon
        ("XNYS extended", "2025-03-10 03:30:00", "2025-03-10 05:00:00", "session_hours"),
        ("24/7", "2025-03-10 03:30:00", "2025-03-11 03:31:00", "exit_after_entry"),
    ],
)
def test_a_trade_outside_of_them(tmp_path: Path, market: str, entered: str, left: str, rule: str) -> None:
    log = write_log(tmp_path, f"X,buy,{entered},{left},100,101,{MEASURES}")
    with pytest.raises(GoldError, match=rf"\d x {rule}"):
        import_log(tmp_path, log, market)


def test_several_markets_by_a_column(tmp_path: Path) -> None:
    log = write_log(
        tmp_path,
        f"BTCUSDT,buy,2025-03-08 03:36:00+00:00,2025-03-08 04:10:00+00:00,100,101,{MEASURES},24/7,",
        f"ES,short,2025-03-09 22:10:00-05:00,2025-03-09 23:15:00-05:00,101,100,{MEASURES},CMES,50",
        f"NVDA,buy,2025-03-10 09:35:00-04:00,2025-03-10 10:15:00-04:00,100,101,{MEASURES},,",
        more=",market,multiplier",
    )
    trades = import_log(tmp_path, log)
    assert trades.get_column("ticker").to_list() == ["BTCUSDT", "ES", "NVDA"]
    told = json.loads((tmp_path / "gold" / "market.json").read_text(encoding="utf-8"))
    assert told["tickers"] == {"BTCUSDT": {"calendar": "24/7"}, "ES": {"calendar": "CMES", "multiplier": 50.0}}
    gold = read_gold(tmp_path / "gold" / "trades.parquet", None, tmp_path / "gold" / "split.json")
    assert gold.rows.get_column("zone").to_list() == ["UTC", "America/Chicago", "America/New_York"]
    assert set(gold.markets.by_ticker) == {"BTCUSDT", "ES"}
    with pytest.raises(GoldError, match="leave it out of the profile"):
        read_gold(tmp_path / "gold" / "trades.parquet", None, tmp_path / "gold" / "split.json", read_options(["XLON"]))


def test_a_pair_of_coins_is_traded_where_the_market_says_so(tmp_path: Path) -> None:
    log = write_log(tmp_path, f"BTC/USDT,buy,2025-03-10 10:00:00,2025-03-10 11:00:00,100,101,{MEASURES}")
    with pytest.raises(GoldError, match="not_a_stock"):
        import_log(tmp_path, log)
    assert import_log(tmp_path, log, "24/7").height == 1


CARRIED = ",quantity,fees,stop,target,setup,tags,account"


def test_the_trader_s_own_columns_are_carried(tmp_path: Path) -> None:
    log = write_log(
        tmp_path,
        f'A,buy,2025-03-10 10:00:00,2025-03-10 11:00:00,100,101,{MEASURES},200,3.5,99,103,gap and go,"a, b",sim',
        f"A,buy,2025-03-11 10:00:00,2025-03-11 11:00:00,100,101,{MEASURES},,,,,,,",
        more=CARRIED,
    )
    first, second = import_log(tmp_path, log).select(CARRIED[1:].split(",")).rows()
    assert first == (200.0, 3.5, 99.0, 103.0, "gap and go", "a, b", "sim")
    assert set(second) == {None}
    card = (tmp_path / "gold" / "DATA_CARD.md").read_text(encoding="utf-8")
    assert "| R, multiples of the risk to the stop | 1 | 0.98 |" in card
    assert "| net of fees, money | 1 | 196.50 |" in card


def test_nobody_is_asked_for_what_was_not_given(tmp_path: Path) -> None:
    log = write_log(tmp_path, f"A,buy,2025-03-10 10:00:00,2025-03-10 11:00:00,100,101,{MEASURES}")
    assert "quantity" not in import_log(tmp_path, log).columns
    assert "trader's numbers" not in (tmp_path / "gold" / "DATA_CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("cells", "field"),
    [("x,,,,,,", "quantity"), ("-1,,,,,,", "quantity"), (",,0,,,,", "stop"), (",,,,a\tb,,", "setup")],
)
def test_what_cannot_be_carried_is_said(tmp_path: Path, cells: str, field: str) -> None:
    row = f"A,buy,2025-03-{{}} 10:00:00,2025-03-{{}} 11:00:00,100,101,{MEASURES}"
    log = write_log(tmp_path, f"{row.format(10, 10)},{cells}", f"{row.format(11, 11)},,,,,,,", more=CARRIED)
    gold = read_gold(log, None)
    assert gold.rejected.select("line", "rule", "field").rows() == [(2, "schema", field)]


def test_results_in_r() -> None:
    trades = pl.DataFrame(
        {
            "ticker": ["A", "A", "ES", "A"],
            "trade_type": ["buy", "short", "buy", "buy"],
            "entry_price": [100.0, 100.0, 5000.0, 100.0],
            "exit_price": [102.0, 102.0, 5010.0, 102.0],
            "stop": [99.0, 101.0, 4995.0, 101.0],
            "quantity": [10.0, 10.0, 2.0, 10.0],
            "fees": [5.0, None, 50.0, 0.0],
        }
    )
    found = result_r(trades, {"A": 1.0, "ES": 50.0}).to_list()
    assert found[:3] == pytest.approx([1.5, -2.0, (10 - 0.5) / 5])
    assert found[3] is None  # a stop on the winning side tells no risk
    assert result_r(trades[2:3], {"ES": None}).to_list() == [2.0]  # of fees in money nobody knows the points


def test_prompts_say_the_hours_of_the_market() -> None:
    night = GoldLimits(
        {"ES": (5000, 6000)},
        False,
        (0.1, 0.9),
        markets=read_markets({"calendar": "CMES", "tickers": {"ES": {"tick": 0.25}}}, ""),
    )
    said = describe_rules(night, date(2025, 3, 10), "ES")
    assert "Session: 17:00:00 on 2025-03-09 to 17:00:00 (America/Chicago); both inside" in said
    assert "times from 17:00:00 on are of the evening before" in said
    assert "5000 to 6000 in steps of 0.25." in said


def test_a_candidate_of_a_closed_day_is_of_its_market_s_session_before() -> None:
    markets = Markets().add({"BTC": read_market("24/7", "")}, {})
    limits = GoldLimits({"A": (1, 200), "BTC": (1, 200)}, False, (0.1, 0.9), markets=markets)
    core = {
        **{"ticker": "A", "trade_type": "buy", "entry_time": "10:00:00", "exit_time": "11:00:00", "entry_price": 100.0},
        **{"exit_price": 101.0, "entry_volatility_percent": 0.4, "worst_exit_percent": -0.2, "best_exit_percent": 1.2},
    }
    saturday = date(2025, 3, 8)
    assert check_trade(core, session_date=saturday, limits=limits) == []
    night = core | {"ticker": "BTC", "entry_time": "23:50:00", "exit_time": "00:10:00"}
    assert check_trade(night, session_date=saturday, limits=limits) == []
    assert [
        one.rule for one in check_trade(core | {"exit_time": "03:00:00"}, session_date=saturday, limits=limits)
    ] == [
        "session_hours",
        "exit_after_entry",
    ]
