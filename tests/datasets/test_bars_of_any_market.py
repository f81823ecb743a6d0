"""Every dataset that reads bars takes `market:`: sessions, days and moments are those of each ticker's market."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from columns.dataset import load_dataset
from columns.stock_report.dataset import list_printed
from columns.vpa.moments import find_outcomes
from gold_data.errors import GoldError
from gold_data.markets import read_markets
from gold_data.source import GoldSource
from gold_data.store import Gold, write_gold
from indicators.vpa.bars_file import attach_context_to_bars_file, choose_timeframes
from indicators.vpa.timeframes import gather_bars
from tests.conftest import ROOT

MARKETS = {"calendar": "XNYS", "tickers": {"BTCUSDT": "24/7", "ES": "CMES", "DAX": "XETR"}}
SPANS = {  # in UTC: over midnight of Greenwich; the Sunday evening that is Monday's; a morning in Frankfurt
    "BTCUSDT": ("2025-03-08 22:00", "2025-03-09 02:00"),
    "ES": ("2025-03-09 22:00", "2025-03-10 02:00"),
    "DAX": ("2025-03-10 08:00", "2025-03-10 12:00"),
}


def make_bars(ticker: str, start: str, end: str, step: str = "1m") -> pl.DataFrame:
    first, last = (datetime.fromisoformat(f"{moment}+00:00") for moment in (start, end))
    stamps = pl.datetime_range(first, last, step, closed="left", time_zone="UTC", eager=True)
    rng = np.random.default_rng(len(ticker))
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.001, len(stamps)))), 2)
    opened = np.append(100.0, close[:-1])
    prices = {"open": opened, "high": np.maximum(opened, close) + 0.02, "low": np.minimum(opened, close) - 0.02}
    return pl.DataFrame({"ticker": ticker, "timestamp": stamps, **prices, "close": close, "volume": 100.0})


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("markets") / "bars.parquet"
    pl.concat(make_bars(ticker, *span) for ticker, span in SPANS.items()).write_parquet(path)
    return path


def read(name: str, bars: Path, market: Any = MARKETS, **options: Any) -> Gold:
    dataset = load_dataset(ROOT / "columns" / name)
    asked = {**dataset.declared.default_options, **options, "market": market}
    return dataset.read_gold(GoldSource({"bars": bars}, options=asked))


def test_explanations_lie_in_their_market_s_sessions(bars: Path, tmp_path: Path) -> None:
    gold = read("vpa", bars, timeframes=["1m"])
    days = dict(gold.rows.group_by("ticker").agg(pl.col("session_date").unique().sort()).iter_rows())
    assert days == {
        "BTCUSDT": [date(2025, 3, 8), date(2025, 3, 9)],
        "ES": [date(2025, 3, 10)],
        "DAX": [date(2025, 3, 10)],
    }
    first = dict(gold.rows.group_by("ticker").agg(pl.col("gold_id").first()).iter_rows())
    assert first == {
        "BTCUSDT": "BTCUSDT 1m 2025-03-08T22:50:00+0000",
        "ES": "ES 1m 2025-03-09T17:50:00-0500",
        "DAX": "DAX 1m 2025-03-10T09:50:00+0100",
    }
    kept = write_gold(gold, tmp_path, 0.4)
    assert kept.markets.to_data() == gold.markets.to_data()
    assert kept.bars is not None
    assert set(kept.bars["timestamp"].dt.convert_time_zone("UTC").dt.date()) == {date(2025, 3, 8), date(2025, 3, 9)}
    assert set(kept.bars["ticker"]) == {"BTCUSDT"}, "the evening of ES is held out with its Monday"


def test_what_came_after_is_found_on_every_market_s_clock(bars: Path) -> None:
    gold = read("vpa", bars, timeframes=["1m"])
    rows = gold.rows.with_columns(row_id=pl.col("gold_id"))
    came = find_outcomes(rows, gold.bars, {"timeframes": ["1m"]}, gold.markets)
    assert came.height == rows.height
    assert came["change_percent_1"].null_count() == len(SPANS)  # each one's last bar


def test_situations_are_dated_and_timed_by_their_market(bars: Path) -> None:
    rows = read("advisor", bars, timeframes=["1m"]).rows
    last = rows.group_by("symbol").agg(pl.col("as_of").last(), pl.col("session_date").last()).sort("symbol").rows()
    assert last == [
        ("BTCUSDT", "2025-03-09T02:00:00", date(2025, 3, 9)),
        ("DAX", "2025-03-10T13:00:00", date(2025, 3, 10)),
        ("ES", "2025-03-09T21:00:00", date(2025, 3, 10)),
    ]


def test_reports_know_their_session_and_print_no_foreign_money(bars: Path) -> None:
    rows = read("stock_report", bars).rows.filter(pl.col("gold_id").str.ends_with(" 0"))
    assert dict(rows.group_by("ticker").agg(pl.col("time_of_day").first()).iter_rows()) == {
        "BTCUSDT": "the opening hour",  # of the day that begins at midnight of Greenwich
        "DAX": "midday",
        "ES": "midday",
    }
    row = rows.filter(ticker="DAX").row(0, named=True)
    assert row["as_of"] == "2025-03-10T11:06:00"
    assert list_printed(row)["close"] == f"{row['facts']['close']:,.2f}"


def test_days_of_futures_begin_on_the_evening_before() -> None:
    market = read_markets("CMES", "here").default
    hours = make_bars("ES", "2025-03-02 23:00", "2025-03-07 22:00", "1h")
    placed = hours.with_columns(pl.col("timestamp").dt.convert_time_zone("America/New_York"))
    days = gather_bars(placed, "1h", "1d", market)["timestamp"].dt.convert_time_zone("America/Chicago")
    assert [f"{day:%a %H:%M}" for day in days] == ["Sun 17:00", "Mon 17:00", "Tue 17:00", "Wed 17:00"]


@pytest.mark.parametrize(
    ("market", "first"),
    [("24/7", "2025-03-03T00:00:00+0000"), ("CMES", "2025-03-02T17:00:00-0600"), ("XETR", "2025-03-03T00:00:00+0100")],
)
def test_plain_dates_are_days_of_the_market(tmp_path: Path, market: str, first: str) -> None:
    days = make_bars("X", "2025-01-06 00:00", "2025-03-20 00:00", "1d").with_columns(pl.col("timestamp").dt.date())
    days.write_csv(tmp_path / "days.csv")
    markets = read_markets(market, "here")
    summary = attach_context_to_bars_file(tmp_path / "days.csv", tmp_path / "out.parquet", markets=markets)
    context = pl.read_parquet(tmp_path / "out.parquet")
    assert summary.rows == {"1d": 23}
    assert first in context["timestamp"].dt.to_string("%Y-%m-%dT%H:%M:%S%z").to_list()


def test_midnights_of_greenwich_are_days_where_it_never_closes() -> None:
    stamps = make_bars("BTCUSDT", "2025-03-03 00:00", "2025-03-09 00:00", "1d")
    placed = stamps.with_columns(pl.col("timestamp").dt.convert_time_zone("America/New_York"))
    assert choose_timeframes(placed, read_markets("24/7", "here")) == ("1d", "1w")


def test_a_market_that_there_is_not_is_named(bars: Path) -> None:
    with pytest.raises(GoldError, match=r"market: there is no market XFRAX; did you mean XFRA\?"):
        read("vpa", bars, "XFRAX")
