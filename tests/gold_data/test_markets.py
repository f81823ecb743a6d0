"""Where and when each ticker is traded."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from gold_data.clocks import write_clock
from gold_data.errors import GoldError
from gold_data.markets import Markets, load_markets, read_market, read_markets, read_options, write_markets
from gold_data.sessions import NEW_YORK, Market, say_session

MONDAY, FRIDAY, SATURDAY = date(2025, 3, 10), date(2025, 11, 28), date(2025, 3, 8)
FOREX = "24/5 17:00-17:00 America/New_York"


@pytest.mark.parametrize(
    ("market", "day", "hours"),
    [
        ("XNYS", MONDAY, "09:30:00 to 16:00:00"),
        ("XNYS extended", MONDAY, "04:00:00 to 20:00:00"),
        ("XNYS extended", FRIDAY, "04:00:00 to 17:00:00"),  # closes early, and so does what follows
        ("NASDAQ 08:00-10:00", FRIDAY, "08:00:00 to 10:00:00"),
        ("CMES", MONDAY, "17:00:00 on 2025-03-09 to 17:00:00"),
        ("CMES 08:30-15:00", FRIDAY, "08:30:00 to 12:00:00"),
        ("24/7", SATURDAY, "00:00:00 to 24:00:00"),
        (FOREX, MONDAY, "17:00:00 on 2025-03-09 to 17:00:00"),
        ("XETR", MONDAY, "09:00:00 to 17:30:00"),
        ("XTKS", MONDAY, "09:00:00 to 15:30:00, but for 11:30:00 to 12:30:00"),
        ("XNYS Asia/Tokyo", MONDAY, "22:30:00 to 05:00:00 on 2025-03-11"),
    ],
)
def test_hours(market: str, day: date, hours: str) -> None:
    assert say_session(read_market(market, "here"), day) == hours


@pytest.mark.parametrize("market", ["XNYS", "CMES", "XETR", "24/5", FOREX])
def test_closed_on_saturdays(market: str) -> None:
    found = read_market(market, "here")
    assert found.find_session(SATURDAY) is None
    assert found.find_last(SATURDAY) == date(2025, 3, 7)
    assert found.find_next(SATURDAY) == MONDAY


@pytest.mark.parametrize("market", ["XNYS", "XNYS extended", "CMES", "24/7", FOREX, "XTKS", "XNYS Asia/Tokyo"])
def test_a_date_and_a_time_of_day_tell_the_moment(market: str) -> None:
    found = read_market(market, "here")
    for hour in range(24):
        moment = datetime(2025, 3, 12, hour, 36, tzinfo=UTC)
        local = moment.astimezone(found.zone)
        day = found.find_day(moment)
        assert found.place(day, local.time()) == local.replace(tzinfo=None)
        assert found.find_days(pl.Series([moment])).to_list() == [day]


def test_a_night_belongs_to_the_session_that_follows() -> None:
    evening = datetime(2025, 3, 9, 19, 5, tzinfo=ZoneInfo("America/Chicago"))
    assert Market("CMES").find_day(evening) == MONDAY
    assert NEW_YORK.find_day(evening) == date(2025, 3, 9)


def test_only_what_never_closes_goes_on_into_the_next_session() -> None:
    assert not Market("24/7").closes_after(SATURDAY)
    assert not Market("CMES").closes_after(MONDAY)
    assert Market("CMES").closes_after(date(2025, 3, 14))
    assert NEW_YORK.closes_after(MONDAY)


def test_plain_data_there_and_back() -> None:
    told = {
        "calendar": "XNYS",
        "hours": "extended",
        "tickers": {
            "ES*": {"calendar": "CMES", "multiplier": 50, "tick": 0.25},
            "BTCUSDT": "24/7",
            "SPX": {"tick": 0.05},
        },
    }
    markets = read_markets(told, "here")
    assert read_markets(markets.to_data(), "there") == markets
    assert markets.find("ESM5") == Market("CMES")
    assert markets.find_instrument("ESM5").multiplier == 50
    assert markets.find("SPX") == markets.find("AAPL") == Market(hours="extended")
    assert markets.name_zone(["AAPL"]) == "America/New_York"
    assert markets.name_zone(["AAPL", "BTCUSDT"]) == "UTC"


def test_hours_that_yaml_reads_as_minutes() -> None:
    told = read_markets({"calendar": "XETR", "hours": [540, "17:30"]}, "here")
    assert told.default.hours == (time(9), time(17, 30))


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("XNYSE", "did you mean XNYS?"),
        ("", "there is no market without a name"),
        ("XNYS always", "'always' is neither hours"),
        ("XLON extended", "extended hours are known of XNYS only"),
        ({"calender": "XNYS"}, "unknown key calender; did you mean calendar?"),
        ({"calendar": "XNYS", "zone": "Berlin"}, "there is no time zone Berlin"),
        ({"hours": "night"}, "give regular, extended, or from and to"),
        ({"hours": ["9:00", "half past"]}, "'half past' is no time of day"),
        ({"tickers": {"ES": {"calendar": "CMES", "tick": 0}}}, "tickers: ES: tick: 0 is no number above 0"),
        ({"tickers": ["ES"]}, "give a market by ticker"),
        (7, "7 is no market"),
    ],
)
def test_what_there_is_not(told: object, says: str) -> None:
    with pytest.raises(GoldError, match="here") as refused:
        read_markets(told, "here")
    assert says in str(refused.value)


def test_the_command_line() -> None:
    markets = read_options(["XNYS extended", "btcusdt=24/7"])
    assert (markets.find("NVDA").hours, markets.find("BTCUSDT").calendar) == ("extended", "24/7")
    with pytest.raises(GoldError, match="there is one for all tickers already"):
        read_options(["XNYS", "XLON"])


def test_a_folder_names_its_market_only_where_it_is_not_the_usual_one(tmp_path: Path) -> None:
    write_markets(Markets(), tmp_path)
    assert load_markets(tmp_path) is None
    write_markets(Markets(Market("XETR")), tmp_path)
    assert load_markets(tmp_path) == Markets(Market("XETR"))
    (tmp_path / "market.json").write_text("{", encoding="utf-8")
    with pytest.raises(GoldError, match="import the gold anew"):
        load_markets(tmp_path)


def test_times_of_day_of_several_clocks() -> None:
    moments = [datetime(2025, 3, 10, 3, 36, tzinfo=UTC)] * 2
    rows = pl.DataFrame({"time": moments, "zone": ["UTC", "Europe/Berlin"]})
    assert rows.select(write_clock(rows, "time")).to_series().to_list() == ["03:36:00", "04:36:00"]
