"""Verifies rows that other tools made: two tables of trades, and no run around them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from gold_data.folder import BARS, SPLIT, TRADES
from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.splits import plan_split, take_part
from gold_data.store import Gold
from gold_data.tables import read_frame
from gold_data.trades.checks import STATED_ROUNDING
from gold_data.trades.ingest import read_gold
from gold_data.trades.schema import CORE_FIELDS, NUMBER_FIELDS, TIME_FIELDS
from verification.answers import to_json
from verification.ask import Tell
from verification.errors import VerificationError
from verification.trades.asked import Held
from verification.trades.overview import describe_overview
from verification.trades.questions import DECIDING, PLOTS, ask_held, make_yardstick
from verification.trades.summary import summarise
from verification.trades.table import drop_unknown, shape_trades
from verification.verdict import decide
from verification.verify import SCHEMA_VERSION, write_metrics

HELD_OUT = 0.2
CHANGE = "trade_percent_change"


def verify_tables(rows: Path, gold: Path, out: Path, tell: Tell, *, seed: int = 0) -> dict[str, Any]:
    """Verify a table of trades against gold; `metrics.json` and `report.html` are written into `out`.

    Args:
        rows: CSV or Parquet with the core fields; times without a zone are the exchange's.
        gold: A gold folder that an import wrote, or a table of gold trades, whose last fifth of sessions is held out.
        out: Folder of what is written; it is made.
        tell: Called with each question's name before it is asked.
        seed: Fixes every draw.

    Raises:
        GoldError: the gold, or the file of rows, cannot be read.
        VerificationError: the rows are no trades.
    """
    train, holdout, read = read_parts(gold)
    synthetic = read_trades(rows, read.markets, read.markets.name_zone(read.rows["ticker"].unique()))
    usable = drop_unknown(synthetic)
    yardstick = make_yardstick(train, holdout, usable.height, seed, read.markets)
    answers = ask_held(Held(yardstick, synthetic, usable), tell)
    overall = decide(answers, DECIDING, usable.height, yardstick.train.height, "trades")
    parts = {"gold": yardstick.train, "held_out": yardstick.holdout, "synthetic": usable}
    metrics: dict[str, Any] = to_json(
        {
            "schema_version": SCHEMA_VERSION,
            "run": {
                "name": rows.name,
                "profile": f"rows of {rows.name}, held against {gold}",
                "dataset": "trade_log",
                "nouns": "trades",
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "synthetic": synthetic.height,
                "gold_train": yardstick.train.height,
                "gold_holdout": yardstick.holdout.height,
                "seed": seed,
                "controlled": [],
                "notes": list_notes(read, gold, synthetic.height - usable.height),
            },
            "overall": overall,
            "deciding": DECIDING.names,
            "summary": summarise(answers, overall, is_rehearsal=False),
            "answers": answers,
            "plots": describe_overview(parts, yardstick.make_rng("overview")),
        }
    )
    out.mkdir(parents=True, exist_ok=True)
    write_metrics(metrics, PLOTS, out)
    return metrics


def list_notes(read: Gold, gold: Path, dropped: int) -> list[str]:
    """Say what was left out, on either side."""
    notes = [f"{dropped} rows have values that are missing or not finite"] if dropped else []
    if not read.rejected.height:
        return notes
    first, lines = read.rejected.row(0, named=True), read.rejected["line"].n_unique()
    counted = (
        f"1 row of {gold} breaks a rule and is left out, on"
        if lines == 1
        else (f"{lines:,} rows of {gold} break a rule and are left out, the first on")
    )
    why = f"line {first['line']}: {first['field']} {first['found']}, rule {first['rule']}"
    mend = "What is traded elsewhere is imported first, with its --market (tradelogs gold import)"
    return [*notes, f"{counted} {why}. {mend}"]


def read_parts(gold: Path) -> tuple[pl.DataFrame, pl.DataFrame, Gold]:
    """Read the train part and the hold-out of gold, and all that was read."""
    if gold.is_dir():
        bars = gold / BARS
        read = read_gold(gold / TRADES, bars if bars.is_file() else None, gold / SPLIT)
    else:
        read = read_gold(gold, None)
    split = read.split or plan_split(read.rows["session_date"].to_list(), HELD_OUT)
    return take_part(read.rows, split.train), take_part(read.rows, split.holdout), read


def read_trades(path: Path, markets: Markets = USUAL, zone: str = EXCHANGE_ZONE) -> pl.DataFrame:
    """Read rows as a trade table; what is missing in a row stays missing, for validity to count.

    Times without a zone are of `zone`, days are those of the tickers' markets.

    Raises:
        VerificationError: a column is missing, or is of another kind.
    """
    table = read_frame(path, "rows")
    if missing := [name for name in CORE_FIELDS if name not in table.columns]:
        raise VerificationError(f"{path}: the column {missing[0]} is missing; rows need {', '.join(CORE_FIELDS)}")
    try:
        told = table.with_columns(
            *(read_time(table, name, zone) for name in TIME_FIELDS),
            *(pl.col(name).cast(pl.Float64, strict=False) for name in NUMBER_FIELDS),
        )
    except PolarsError as exc:
        raise VerificationError(f"{path} is no table of trades: {exc}") from exc
    side = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    change = 100.0 * side * (pl.col("exit_price") / pl.col("entry_price") - 1.0)
    stated = pl.col(CHANGE).cast(pl.Float64, strict=False) if CHANGE in table.columns else change
    is_so = (stated - change).abs() <= STATED_ROUNDING  # then in all digits, as the gold's: a rounding is no law
    ids = pl.format("row-{}", pl.int_range(1, pl.len() + 1))
    made = told.with_columns(
        pl.when(is_so).then(change).otherwise(stated).alias(CHANGE),
        ids.alias("row_id"),
        markets.find_days(told["ticker"].cast(pl.String), told["entry_time"]).alias("session_date"),
    )
    return shape_trades(made.drop("trade_id", strict=False), "row_id", path, zone)


def read_time(table: pl.DataFrame, name: str, zone: str = EXCHANGE_ZONE) -> pl.Expr:
    """Read a column of moments on one clock, that of `zone`: text or times, with an offset, a zone or neither."""
    dtype, column = table.schema[name], pl.col(name)
    if isinstance(dtype, pl.Datetime):
        zoned = (
            column if dtype.time_zone else column.dt.replace_time_zone(zone, non_existent="null", ambiguous="earliest")
        )
        return zoned.dt.convert_time_zone(zone).dt.cast_time_unit("us")
    text = column.cast(pl.String).str.replace("T", " ")
    offset = r"(Z|[+-]\d\d:?\d\d)$"
    naive = text.str.replace(offset, "").str.to_datetime(strict=False, time_unit="us")
    known = text.str.contains(offset)
    abroad = text.str.replace("Z$", "+00:00").str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f%:z", strict=False, time_unit="us", time_zone="UTC"
    )
    own = naive.dt.replace_time_zone(zone, non_existent="null", ambiguous="earliest")
    return pl.when(known).then(abroad.dt.convert_time_zone(zone)).otherwise(own).alias(name)
