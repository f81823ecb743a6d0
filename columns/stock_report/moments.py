"""Gold rows of stock reports: what is known of a ticker at a moment, by bars and news that were there by then."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from columns.stock_report.report_checks import GROUP_VOTES
from gold_data.bars import place_timestamps
from gold_data.clocks import MOMENT, put_on_clock
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE, EXCHANGE_ZONE, Market
from gold_data.store import SESSION
from gold_data.tables import check_columns, read_frame
from indicators.bars import TIMESTAMP
from indicators.report_facts import DAY, FACTS, build_facts, find_length, recommend

HOUR = timedelta(hours=1)
GOLD_ID, CELL = "gold_id", "cell"
STALE_EVERY, STALE_TIMES = 20, (2, 3, 5, 13)  # every twentieth bar is also looked at too late, so many times the limit
HEADLINES, FRESH = 3, "3d"  # the last ones, where the last of all is not older
NEWS_COLUMNS = ("id", "published_at", "ticker", "headline")
NEWS_SCHEMA = pl.Struct({"id": pl.String, "published_at": TIMESTAMP, "headline": pl.String})


def read_news(path: Path | None, bars: pl.DataFrame, markets: Markets = USUAL) -> tuple[pl.DataFrame, list[str]]:
    """Read news: id, published_at (on the bars' clock, where it has no offset), ticker, headline.

    Raises:
        GoldError: the file cannot be read, lacks a column, or two of its rows have one id.
    """
    if path is None:
        moment = pl.Datetime("us", EXCHANGE_ZONE)
        return pl.DataFrame(schema=dict.fromkeys(NEWS_COLUMNS, pl.String) | {"published_at": moment}), []
    raw = read_frame(path, "news")
    notes = check_columns(path, raw.columns, NEWS_COLUMNS)
    zone = markets.name_zone(bars["ticker"].unique())
    moments, _ = place_timestamps(path, "published_at", raw.schema["published_at"], zone)
    news = raw.select(
        *(pl.col(name).cast(pl.String).str.strip_chars().replace("", None) for name in ("id", "ticker", "headline")),
        published_at=moments,
    )
    whole = news.drop_nulls()
    if whole.height < news.height:
        notes.append(f"{path.name}: dropped {news.height - whole.height} news without id, time, ticker or headline")
    is_mark = ~pl.col("id").str.contains(r"[\[\]]") & ~pl.col("id").is_in([*FACTS, "ticker", "as_of"])
    odd = whole.filter(~is_mark | pl.col("id").is_duplicated())["id"].unique().sort()
    if len(odd):
        raise GoldError(f"{path}: ids {', '.join(odd[:3])} stand twice, have brackets or name a fact: give others")
    foreign = whole.filter(~pl.col("ticker").is_in(bars["ticker"].unique().to_list())).height
    return whole, [*notes, *([f"{path.name}: {foreign} news of tickers without bars are not used"] if foreign else [])]


def build_rows(
    bars: pl.DataFrame, news: pl.DataFrame, index: str | None, stale_after: int, markets: Markets = USUAL
) -> pl.DataFrame:
    """Make gold rows of bars and news: an id, the session, what controls match, the rule, evidence, facts, headlines.

    Moments are told on the clock of their ticker's market.

    Raises:
        GoldError: no bar has a full lookback.
        IndicatorError: the bars have no such index.
    """
    length = find_length(bars, markets)
    fresh = build_facts(bars, index)
    if fresh.is_empty():
        raise GoldError(f"no bar is left to report on: none of {bars.height} has 125 bars of its ticker before it")
    place = pl.int_range(pl.len()).over("ticker")
    times = pl.lit(pl.Series(STALE_TIMES)).gather((place // STALE_EVERY) % len(STALE_TIMES))
    late = fresh.with_columns(bar_age=(times * stale_after).cast(pl.Float64)).filter(place % STALE_EVERY == 0)
    rows = pl.concat([fresh, late]).sort("ticker", "timestamp", "bar_age")
    delay = pl.lit(length) + pl.col("bar_age").cast(pl.Int64) * pl.lit(length)
    rows = recommend(rows, stale_after).with_columns(_as_of=pl.col("timestamp") + delay)
    placed = pl.concat(_place(own, market, length) for market, own in markets.split(join_news(rows, news)))
    rule = ("recommendation", "confidence", "situation")
    id_parts = ("ticker", "_moment", pl.col("bar_age").cast(pl.Int64))
    return placed.select(
        pl.concat_str(*id_parts, separator=" ").alias(GOLD_ID),
        SESSION,
        pl.concat_str(*rule, separator=" ").alias(CELL),
        "ticker",
        "as_of",
        "bar",
        "price_sign",
        "time_of_day",
        "regime",
        pl.when(pl.col("headlines").list.len() > 0)
        .then(pl.lit("with news"))
        .otherwise(pl.lit("without news"))
        .alias("news"),
        pl.struct(rule).alias("rule"),
        pl.struct(pl.col(column).alias(group) for group, column in GROUP_VOTES.items()).alias("evidence"),
        pl.struct(*FACTS).alias("facts"),
        "headlines",
    )


def _place(rows: pl.DataFrame, market: Market, length: timedelta) -> pl.DataFrame:
    """Add what hangs on a market: session, moments as text on its clock, the time of day, the sign of its money."""
    days = market.find_days(rows["timestamp"]).alias(SESSION)
    ends = (rows["timestamp"] + length).alias("ends")
    local = put_on_clock(rows, market.zone_name)
    return local.with_columns(
        days,
        name_times_of_day(days, ends, market, is_daily=length == DAY),
        pl.col("_as_of").dt.to_string(MOMENT).alias("as_of"),
        pl.col("_as_of").dt.to_string(f"{MOMENT}%z").alias("_moment"),
        name_bar(),
        pl.col("headlines").list.eval(pl.element().struct.with_fields(pl.field("published_at").dt.to_string(MOMENT))),
        price_sign=pl.lit("$" if market.calendar == EXCHANGE else ""),
    ).drop("timestamp", "_as_of")


def name_bar() -> pl.Expr:
    """Name a bar by its start, with the offset: an hour comes twice where the clocks go back."""
    return pl.col("timestamp").dt.to_string(f"{MOMENT}%z").alias("bar")


def name_times_of_day(days: pl.Series, ends: pl.Series, market: Market, *, is_daily: bool) -> pl.Series:
    """Name the part of its session in which each bar ended: the first hour, the last, between, or outside of it."""
    if is_daily:
        return pl.Series("time_of_day", ["after the close"]).new_from_index(0, len(ends))
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    opens, closes, end = pl.col("opens"), pl.col("closes"), pl.col("ends")
    inside = (end > opens) & (end <= closes)
    early = pl.when(~inside.fill_null(False)).then(pl.lit("outside regular hours"))
    late = early.when(end <= opens + HOUR).then(pl.lit("the opening hour"))
    named = late.when(end > closes - HOUR).then(pl.lit("the closing hour")).otherwise(pl.lit("midday"))
    placed = pl.DataFrame([days.alias("day"), ends]).join(
        market.list_sessions(first, last), on="day", how="left", maintain_order="left"
    )
    return placed.select(named.alias("time_of_day")).to_series()


def join_news(rows: pl.DataFrame, news: pl.DataFrame) -> pl.DataFrame:
    """Add the last headlines of the ticker that were published by the moment, the oldest first: `headlines`."""
    told = pl.struct("id", "published_at", "headline")
    ordered = news.sort("ticker", "published_at").with_columns(_told=told)
    before = [pl.col("_told").shift(back).over("ticker") for back in reversed(range(HEADLINES))]
    lists = ordered.select("ticker", _as_of="published_at", headlines=pl.concat_list(before).list.drop_nulls())
    joined = (
        rows.with_row_index("_row")
        .sort("_as_of")
        .join_asof(lists.sort("_as_of"), on="_as_of", by="ticker", tolerance=FRESH, check_sortedness=False)
    )
    nothing = pl.lit([], pl.List(NEWS_SCHEMA))
    return (
        joined.sort("_row").drop("_row").with_columns(pl.col("headlines").cast(pl.List(NEWS_SCHEMA)).fill_null(nothing))
    )
