"""Imports a trader's own logs: from what their platform exported to a clean gold folder.

1. every file is read by its importer, fills are paired        (`importers/`)
2. bars become minute bars in the exchange's zone              (`market.py`)
3. they tell whether the log's times are of another zone       (`zones.py`)
4. every round trip is measured on them                        (`measures.py`)
5. trades are held against the rules, the same as candidates   (`ingest.py`)
6. sessions are split, with an embargo                         (`splits.py`)
7. the folder is written, its data card too, all or nothing    (`card.py`)
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

from files.csv_cells import neutralise_cells
from gold_data.clocks import show_zone
from gold_data.errors import GoldError
from gold_data.folder import BARS, CARD, REJECTED, SPLIT, TRADES
from gold_data.importers.base import ImportedFile, RoundTrip, trips_to_frame
from gold_data.importers.registry import LogOptions, import_files
from gold_data.late_years import DateOrder
from gold_data.market import BarsReport, import_bars, merge_bars
from gold_data.markets import Markets, join_markets, write_markets
from gold_data.splits import plan_split
from gold_data.tables import RawRow
from gold_data.trades.account import Account
from gold_data.trades.card import write_card
from gold_data.trades.failure import explain_failure
from gold_data.trades.ingest import STATED, judge_rows
from gold_data.trades.measures import LIMITS, MEASURES, NO_BARS, OTHER_PRICES, SCHEMA, measure_trades
from gold_data.trades.schema import CARRIED, CORE_FIELDS, TIME_FIELDS, GoldTrades
from gold_data.trades.zones import find_better_zone, say_better_zone

DECIMALS = 5  # of a measure: finer than any log states it, and still read at a glance in a prompt
SPLIT_INSIDE = "split_inside"
Rejection = tuple[str, int, str, str]
Beside = dict[str, object]  # what a row says beside its trade: the percent that it states, what is carried
REJECTED_SCHEMA = {"file": pl.String, "line": pl.Int64, "rule": pl.String, "value": pl.String}


@dataclass(frozen=True)
class BarsSource:
    """A file of market data, and what is known of it.

    `zone` is that of times without an offset (the source's own, or the exchange's, where None), `day` the day where it
    has times of day only, `ticker` that of all its rows where it names none.
    """

    path: Path
    zone: str | None = None
    day: date | None = None
    ticker: str | None = None


@dataclass(frozen=True)
class Splitting:
    """How sessions are split: the share held out, in how many stretches, with how many sessions between."""

    holdout: float = 0.2
    blocks: int = 1
    embargo: int = 1


def import_gold(
    files: Sequence[Path],
    out: Path,
    *,
    bars: Sequence[BarsSource] = (),
    logs: LogOptions = LogOptions(),  # noqa: B008
    holdout: float = 0.2,
    blocks: int = 1,
    embargo: int = 1,
) -> Account:
    """Import trade logs into a new folder; it appears when it is complete, and nothing else is changed.

    Args:
        files: Trade logs, as exported.
        out: The folder, which is not there yet, or empty.
        bars: Market data of the traded tickers; without, trades need the measures that their log states.
        logs: What is known of the logs beside what they say.
        holdout: Share of the sessions that is held out.
        blocks: Stretches of time, of each of which the last sessions are held out.
        embargo: Sessions between train and hold-out that belong to neither.

    Raises:
        GoldError: something given cannot be used; nothing is written, but for the rejected rows where no trade is left.
    """
    out = out.resolve()
    _check_out(out)
    paths = list(dict.fromkeys(files))
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        partial.mkdir()
        splitting = Splitting(holdout, blocks, embargo)
        account = _fill_folder(partial, out, paths, logs, bars=bars, splitting=splitting)
        partial.rename(out)
    except OSError as exc:
        raise GoldError(f"{out} cannot be written: {exc.strerror or exc}; name another folder") from exc
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return account


def _import_logs(paths: Sequence[Path], logs: LogOptions) -> dict[str, ImportedFile]:
    return dict(zip(map(str, paths), import_files(paths, logs), strict=True))


def _list_notes(imported: dict[str, ImportedFile]) -> list[str]:
    return [note for file in imported.values() for note in [*file.notes, *file.open_positions]]


def _list_splits(report: BarsReport) -> dict[str, list[tuple[date, Fraction]]]:
    splits: dict[str, list[tuple[date, Fraction]]] = {}
    for ticker, day, ratio in report.jumps:
        splits.setdefault(ticker, []).append((day, ratio))
    return splits


def _check_out(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GoldError(f"{out} is there already and not empty; name a new folder, for nothing is changed in place")
    if not out.parent.is_dir():
        raise GoldError(f"{out} cannot be made, as {out.parent} is no folder; make that one first, or name another")


def _fill_folder(
    folder: Path,
    out: Path,
    paths: Sequence[Path],
    logs: LogOptions,
    *,
    bars: Sequence[BarsSource],
    splitting: Splitting,
) -> Account:
    imported = _import_logs(paths, logs)
    markets = join_markets(logs.markets, (file.markets for file in imported.values()))
    trips, stated = _gather_trips(imported, markets)
    notes = _list_notes(imported)
    if trips.is_empty():  # which is the log's fault, and not the bars'
        raise _fail(imported, _list_rejected(imported, []), notes, out, has_bars=bool(bars))
    report = _import_bars(folder, bars, trips, markets, logs.date_order) if bars else None
    if report is not None:
        _check_zones(imported, trips, folder / BARS)
        if report.jumps:  # positions over a split are paired anew
            imported = _import_logs(paths, replace(logs, splits=_list_splits(report)))
            trips, stated = _gather_trips(imported, markets)
            notes = _list_notes(imported)
            if trips.is_empty():
                raise _fail(imported, _list_rejected(imported, []), [*notes, *report.splits], out, has_bars=True)
    trips = _measure(trips, folder / BARS if report else None, markets)
    if report is not None:
        trips = _reject_splits(trips, report, markets)
        _drop_foreign_bars(folder / BARS, trips, report)
    trips, trades, rejected, oddities = _judge(trips, stated, imported, markets)
    if trades.is_empty():
        notes += report.splits + report.notes if report else []
        raise _fail(imported, rejected, notes, out, has_bars=bool(bars))
    split = plan_split(
        trades.get_column("session_date"), splitting.holdout, blocks=splitting.blocks, embargo=splitting.embargo
    )
    notes += [f"times of {count} round trips {oddity}" for oddity, count in sorted(oddities.items())]
    if splitting.holdout and not split.holdout:
        notes.append(
            f"nothing is held out: that takes {splitting.embargo + 2} sessions with an embargo of {splitting.embargo}, "
            f"and there are {len(split.train)}"
        )
    account = Account(imported, trips, rejected, report, trades, split, notes, markets)
    show_zone(trades, markets, TIME_FIELDS).write_parquet(folder / TRADES)
    write_markets(markets, folder)
    neutralise_cells(rejected).write_csv(folder / REJECTED)
    (folder / SPLIT).write_text(split.to_json() + "\n", encoding="utf-8")
    (folder / CARD).write_text(write_card(account), encoding="utf-8")
    return account


def _fail(
    imported: dict[str, ImportedFile], rejected: pl.DataFrame, notes: list[str], out: Path, *, has_bars: bool
) -> GoldError:
    not_fills = sum(len(file.not_fills) for file in imported.values())
    return explain_failure(list(imported), rejected, not_fills, notes, out, has_bars=has_bars)


def _import_bars(
    folder: Path, sources: Sequence[BarsSource], trips: pl.DataFrame, markets: Markets, order: DateOrder | None
) -> BarsReport:
    tickers = trips.get_column("ticker").unique().sort().to_list()
    parts = [folder / f"{BARS}.{number}" for number in range(len(sources))]
    reports = [
        import_bars(
            *(one.path, part),
            zone=one.zone,
            day=one.day,
            ticker=one.ticker,
            tickers=tickers,
            markets=markets,
            date_order=order,
        )
        for one, part in zip(sources, parts, strict=True)
    ]
    if len(parts) == 1:
        parts[0].rename(folder / BARS)
        return reports[0]
    report = merge_bars(parts, folder / BARS, reports, markets)
    for part in parts:
        part.unlink()
    return report


def _check_zones(imported: dict[str, ImportedFile], trips: pl.DataFrame, bars: Path) -> None:
    """Stop where the bars tell that a file's times were read in the wrong zone."""
    for name, file in imported.items():
        finding = find_better_zone(trips.filter(file=name), bars, file.zone)
        if finding is not None:
            raise GoldError(say_better_zone(name, file.zone, finding))


def _reject_splits(trips: pl.DataFrame, report: BarsReport, markets: Markets) -> pl.DataFrame:
    """Take the measures from trips that were held over a night in which their bars jump as after a split."""
    nights = [(ticker, day) for ticker, day, _ in report.jumps]
    jumps = pl.DataFrame(nights, {"ticker": pl.String, "day": pl.Date}, orient="row")
    exits = markets.find_days(trips.get_column("ticker"), trips.get_column("exit_time"))
    over = (
        trips.with_columns(exit_date=exits)
        .with_row_index("place")
        .join(jumps, on="ticker")
        .filter((pl.col("session_date") < pl.col("day")) & (pl.col("day") <= pl.col("exit_date")))
    )
    is_over = pl.int_range(pl.len()).is_in(over.get_column("place").unique().implode())
    measured = [pl.when(~is_over).then(pl.col(f"measured_{name}")).alias(f"measured_{name}") for name in MEASURES]
    unmeasured = pl.when(is_over).then(pl.lit(SPLIT_INSIDE)).otherwise(pl.col("unmeasured")).alias("unmeasured")
    return trips.with_columns(*measured, unmeasured)


def _gather_trips(imported: dict[str, ImportedFile], markets: Markets) -> tuple[pl.DataFrame, list[Beside]]:
    """List the round trips of all files, and what each says beside its trade; later files may repeat earlier."""
    trips = [(name, trip) for name, file in imported.items() for trip in file.trips]
    first: dict[tuple[object, ...], str] = {}
    repeated = [first.setdefault(_identify(trip), name) != name for name, trip in trips]
    frame = trips_to_frame([trip for _, trip in trips], markets).with_columns(
        pl.Series("file", [name for name, _ in trips], pl.String),
        pl.Series("fate", ["duplicate" if again else "gold" for again in repeated], pl.String),
    )
    beside = [{STATED: trip.stated.get(STATED), **_take_carried(trip.carried)} for _, trip in trips]
    return frame.rename({"source_line": "line"}), beside


def _take_carried(carried: Mapping[str, object]) -> Beside:
    return {name: value for name, value in carried.items() if name in CARRIED}


def _identify(trip: RoundTrip) -> tuple[object, ...]:
    prices = trip.entry_price, trip.exit_price, trip.quantity
    return trip.ticker, trip.trade_type, trip.entry_time, trip.exit_time, *prices


def _measure(trips: pl.DataFrame, bars: Path | None, markets: Markets) -> pl.DataFrame:
    if bars is None:
        nothing = pl.DataFrame(schema=SCHEMA).clear(trips.height)
        measured = nothing.with_columns(unmeasured=pl.lit(NO_BARS))
    else:
        measured = measure_trades(trips, bars, markets)
    return trips.hstack(measured.rename({name: f"measured_{name}" for name in MEASURES}))


def _drop_foreign_bars(path: Path, trips: pl.DataFrame, report: BarsReport) -> None:
    """Leave out the bars of tickers none of whose trades were made on them."""
    other = trips.group_by("ticker").agg(
        foreign=(pl.col("unmeasured") == OTHER_PRICES).any(),
        own=pl.col("measured_worst_exit_percent").is_not_null().any(),
    )
    foreign = other.filter(pl.col("foreign") & ~pl.col("own")).get_column("ticker").sort().to_list()
    if not foreign:
        return
    for ticker in foreign:
        trade = trips.filter(pl.col("unmeasured") == OTHER_PRICES, ticker=ticker).row(0, named=True)
        report.notes.append(
            f"bars of {ticker} were left out: no trade was made on them. The first, on {trade['session_date']}, was "
            f"entered at {trade['entry_price']:g}; the bars have {trade['bars_found']} then. Are they of another day?"
        )
    report.tickers = [ticker for ticker in report.tickers if ticker not in foreign]
    kept = pl.read_parquet(path, glob=False).filter(~pl.col("ticker").is_in(foreign))
    report.bars = kept.height
    path.unlink()
    if report.bars:
        kept.write_parquet(path)


def _list_rejected(imported: dict[str, ImportedFile], more: Iterable[Rejection]) -> pl.DataFrame:
    """List what was rejected in reading files and after, in the order of files and lines."""
    listed = [(name, row.line, row.rule, row.value) for name, file in imported.items() for row in file.rejected]
    order = {name: place for place, name in enumerate(imported)}
    listed = sorted([*listed, *more], key=lambda row: (order[row[0]], row[1]))
    return pl.DataFrame(listed, REJECTED_SCHEMA, orient="row")


def _judge(
    trips: pl.DataFrame, stated: list[Beside], imported: dict[str, ImportedFile], markets: Markets
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, Counter[str]]:
    """Hold trips against the rules; gives them with their fates, gold trades by entry, all rejections, oddities."""
    merged = trips.with_columns(pl.coalesce(f"measured_{name}", name).round(DECIMALS).alias(name) for name in MEASURES)
    rejected: list[Rejection] = []
    rows: list[RawRow] = []
    listed = merged.to_dicts()
    fates = trips.get_column("fate").to_list()
    for number, (trip, beside) in enumerate(zip(listed, stated, strict=True)):
        missing = [name for name in MEASURES if trip[name] is None]
        if fates[number] == "gold" and (missing or trip["unmeasured"] == SPLIT_INSIDE):
            fates[number] = "rejected"
            rejected.append((trip["file"], trip["line"], trip["unmeasured"], _say_missing(trip, missing)))
        elif fates[number] == "gold":
            rows.append(RawRow(number, {name: trip[name] for name in CORE_FIELDS} | beside, fits=True))
    judged = judge_rows(rows, markets)
    for number, rule, field, limit, found in judged.rejected.select("line", "rule", "field", "limit", "found").rows():
        fates[number] = "rejected"
        trip = listed[number]
        value = _say_broken(trip, rule, limit, f"{field} {found}")
        if rule == "duplicate":
            earlier = listed[int(found.rpartition(" ")[2])]
            value = f"the same trade as line {earlier['line']} of {Path(earlier['file']).name}"
        rejected.append((trip["file"], trip["line"], rule, value))
    trades = judged.trades.sort("entry_time", "ticker", maintain_order=True).with_columns(
        trade_id=pl.format("gold-{}", (pl.int_range(pl.len()) + 1).cast(pl.String).str.zfill(4))
    )
    fated = trips.with_columns(pl.Series("fate", fates, pl.String))
    GoldTrades.validate(trades.select(GoldTrades.column_names()))
    return fated, trades, _list_rejected(imported, rejected), judged.oddities


def _say_missing(trip: dict[str, Any], missing: Sequence[str]) -> str:
    if trip["unmeasured"] == SPLIT_INSIDE:
        return (
            f"held from {trip['entry_time']:%Y-%m-%d %H:%M} at {trip['entry_price']:g} over a split of {trip['ticker']}"
        )
    found = f"; the bars have {trip['bars_found']}" if trip["bars_found"] else ""
    limit = f"; limit: {LIMITS[trip['unmeasured']]}"
    names, entry = ", ".join(missing), f"{trip['entry_time']} at {trip['entry_price']:g}"
    return f"{names} not stated and not measured: {entry}{found}{limit}"


def _say_broken(trip: dict[str, Any], rule: str, limit: str, found: str) -> str:
    days = (trip["exit_time"].date() - trip["entry_time"].date()).days
    if rule == "exit_after_entry" and days:
        most = "to the same time of the next session" if "next" in limit else "to the end of its session, as the others"
        span = f"{trip['entry_time']:%Y-%m-%d %H:%M:%S} to {trip['exit_time']:%Y-%m-%d %H:%M:%S}"
        return f"held {days} day{'s' * (days > 1)}, {span}; at most {most}"
    return f"{found}; limit: {limit}"
