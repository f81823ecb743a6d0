"""Imports a trader's own logs: from what their platform exported to a clean gold folder.

1. every file is read by its importer                          (`importers/`)
2. bars become minute bars in the exchange's zone              (`market.py`)
3. every round trip is measured on them                        (`measures.py`)
4. trades are held against the rules, the same as candidates   (`ingest.py`)
5. sessions are split, with an embargo                         (`splits.py`)
6. the folder is written, its data card too, all or nothing    (`card.py`)
"""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from files.csv_cells import neutralise_cells
from gold_data.errors import GoldError
from gold_data.folder import BARS, CARD, REJECTED, SPLIT, TRADES
from gold_data.importers.base import ImportedFile, RoundTrip, trips_to_frame
from gold_data.importers.registry import AUTO, import_file
from gold_data.market import BarsReport, import_bars
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.splits import plan_split
from gold_data.tables import RawRow
from gold_data.trades.account import Account
from gold_data.trades.card import write_card
from gold_data.trades.ingest import STATED, judge_rows
from gold_data.trades.measures import MEASURES, NO_BARS, OTHER_PRICES, SCHEMA, measure_trades
from gold_data.trades.schema import CORE_FIELDS, GoldTrades

DECIMALS = 5  # of a measure: finer than any log states it, and still read at a glance in a prompt
REJECTED_SCHEMA = {"file": pl.String, "line": pl.Int64, "rule": pl.String, "value": pl.String}


@dataclass(frozen=True)
class BarsSource:
    """A file of market data: its path, the zone of times without an offset, the day where it has times of day only."""

    path: Path
    zone: str = EXCHANGE_ZONE
    day: date | None = None


def import_gold(
    files: Sequence[Path],
    out: Path,
    *,
    bars: BarsSource | None = None,
    format: str = AUTO,
    zone: str | None = None,
    mapping: Path | None = None,
    holdout: float = 0.2,
    blocks: int = 1,
    embargo: int = 1,
) -> Account:
    """Import trade logs into a new folder; it appears when it is complete, and nothing else is changed.

    Args:
        files: Trade logs, as exported.
        out: The folder, which is not there yet, or empty.
        bars: Market data of the traded tickers; without, trades need the measures that their log states.
        format: Of all files, or `auto`.
        zone: Zone of the logs' times without an offset; the format's own where none is given.
        mapping: Columns of the format generic.
        holdout: Share of the sessions that is held out.
        blocks: Stretches of time, of each of which the last sessions are held out.
        embargo: Sessions between train and hold-out that belong to neither.

    Raises:
        GoldError: something given cannot be used; nothing is written.
    """
    out = out.resolve()
    _check_out(out)
    imported = {str(path): import_file(path, format, zone, mapping) for path in files}
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        partial.mkdir()
        account = _fill_folder(partial, imported, bars, (holdout, blocks, embargo))
        partial.rename(out)
    except OSError as exc:
        raise GoldError(f"{out} cannot be written: {exc.strerror or exc}; name another folder") from exc
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return account


def _check_out(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GoldError(f"{out} is there already and not empty; name a new folder, for nothing is changed in place")
    if not out.parent.is_dir():
        raise GoldError(f"{out} cannot be made, as {out.parent} is no folder; make that one first, or name another")


def _fill_folder(
    folder: Path, imported: dict[str, ImportedFile], bars: BarsSource | None, splitting: tuple[float, int, int]
) -> Account:
    trips, stated = _gather_trips(imported)
    report = None
    if bars is not None:
        tickers = trips.get_column("ticker").unique().sort().to_list()
        report = import_bars(bars.path, folder / BARS, zone=bars.zone, day=bars.day, tickers=tickers)
    trips = _measure(trips, folder / BARS if report else None)
    if report is not None:
        _drop_foreign_bars(folder / BARS, trips, report)
    trips, trades, rejected, oddities = _judge(trips, stated, imported)
    if trades.is_empty():
        first = rejected.row(0, named=True) if len(rejected) else {"line": 1, "rule": "empty", "value": "no trades"}
        raise GoldError(
            f"no row of {', '.join(imported)} became a gold trade; the first: line {first['line']}, rule "
            f"{first['rule']}: {first['value']}"
        )
    holdout, blocks, embargo = splitting
    split = plan_split(trades.get_column("session_date"), holdout, blocks=blocks, embargo=embargo)
    notes = [note for file in imported.values() for note in [*file.notes, *file.open_positions]]
    notes += [f"times of {count} round trips {oddity}" for oddity, count in sorted(oddities.items())]
    if holdout and not split.holdout:
        notes.append(
            f"nothing is held out: that takes {embargo + 2} sessions with an embargo of {embargo}, and there are "
            f"{len(split.train)}"
        )
    account = Account(imported, trips, rejected, report, trades, split, notes)
    trades.write_parquet(folder / TRADES)
    neutralise_cells(rejected).write_csv(folder / REJECTED)
    (folder / SPLIT).write_text(split.to_json() + "\n", encoding="utf-8")
    (folder / CARD).write_text(write_card(account), encoding="utf-8")
    return account


def _gather_trips(imported: dict[str, ImportedFile]) -> tuple[pl.DataFrame, list[float | None]]:
    """List the round trips of all files, and the percent change that each states; later files may repeat earlier."""
    trips = [(name, trip) for name, file in imported.items() for trip in file.trips]
    first: dict[tuple[object, ...], str] = {}
    repeated = [first.setdefault(_identify(trip), name) != name for name, trip in trips]
    frame = trips_to_frame([trip for _, trip in trips]).with_columns(
        pl.Series("file", [name for name, _ in trips], pl.String),
        pl.Series("fate", ["duplicate" if again else "gold" for again in repeated], pl.String),
    )
    return frame.rename({"source_line": "line"}), [trip.stated.get(STATED) for _, trip in trips]


def _identify(trip: RoundTrip) -> tuple[object, ...]:
    prices = trip.entry_price, trip.exit_price, trip.quantity
    return trip.ticker, trip.trade_type, trip.entry_time, trip.exit_time, *prices


def _measure(trips: pl.DataFrame, bars: Path | None) -> pl.DataFrame:
    if bars is None:
        nothing = pl.DataFrame(schema=SCHEMA).clear(trips.height)
        measured = nothing.with_columns(unmeasured=pl.lit(NO_BARS))
    else:
        measured = measure_trades(trips, bars)
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


def _judge(
    trips: pl.DataFrame, stated: list[float | None], imported: dict[str, ImportedFile]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, Counter[str]]:
    """Hold trips against the rules; gives them with their fates, gold trades by entry, all rejections, oddities."""
    merged = trips.with_columns(pl.coalesce(f"measured_{name}", name).round(DECIMALS).alias(name) for name in MEASURES)
    rejected = [(name, row.line, row.rule, row.value) for name, file in imported.items() for row in file.rejected]
    rows: list[RawRow] = []
    places: dict[int, tuple[str, int]] = {}
    fates = trips.get_column("fate").to_list()
    for number, (trip, change) in enumerate(zip(merged.iter_rows(named=True), stated, strict=True)):
        missing = [name for name in MEASURES if trip[name] is None]
        places[number] = trip["file"], trip["line"]
        if fates[number] == "gold" and missing:
            fates[number] = "rejected"
            rejected.append((*places[number], trip["unmeasured"], _say_missing(trip, missing)))
        elif fates[number] == "gold":
            rows.append(RawRow(number, {name: trip[name] for name in CORE_FIELDS} | {STATED: change}, fits=True))
    judged = judge_rows(rows)
    for line, rule, field, found in judged.rejected.select("line", "rule", "field", "found").iter_rows():
        fates[line] = "rejected"
        rejected.append((*places[line], rule, f"{field} {found}"))
    trades = judged.trades.sort("entry_time", "ticker", maintain_order=True).with_columns(
        trade_id=pl.format("gold-{}", (pl.int_range(pl.len()) + 1).cast(pl.String).str.zfill(4))
    )
    order = {name: place for place, name in enumerate(imported)}
    rejected.sort(key=lambda row: (order[row[0]], row[1]))
    fated = trips.with_columns(pl.Series("fate", fates, pl.String))
    listed = pl.DataFrame(rejected, REJECTED_SCHEMA, orient="row")
    return fated, GoldTrades.validate(trades), listed, judged.oddities


def _say_missing(trip: dict[str, object], missing: Sequence[str]) -> str:
    found = f"; the bars have {trip['bars_found']}" if trip["bars_found"] else ""
    return f"{', '.join(missing)} not stated and not measured: {trip['entry_time']} at {trip['entry_price']}{found}"
