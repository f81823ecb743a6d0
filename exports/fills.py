"""Fills of accepted trades, as backtesters take them: two rows a trade, its entry and its exit."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from columns.declared import Declared
from exports.export import Exported
from exports.finished_run import FinishedRun
from files.csv_cells import neutralise_cells
from files.whole_file import write_whole
from gold_data.folder import FACTS
from gold_data.markets import read_markets

NEEDED = ("ticker", "trade_type", "entry_time", "exit_time", "entry_price", "exit_price")
GOLD = "gold"  # folder of a run
UNIT_SIZE = "size is 1 in every fill: the gold states no quantity"


def takes_dataset(dataset: Declared) -> bool:
    """Datasets whose rows are round trips."""
    return set(NEEDED) <= set(dataset.fields)


def write(run: FinishedRun, out: Path) -> Exported:
    """Write `fills.csv`: time (UTC, ISO 8601), ticker, side, size, signed_size, price, row_id, leg; in order of time.

    Where the gold states fees, `fees` has a half of the trade's at its entry and at its exit. Where a point of a ticker
    may be worth other than 1, `multiplier` says what, and is empty where nobody knows. A comment line says where the
    sizes come from. Read it with `comment="#"`.
    """
    path = out if out.suffix == ".csv" else out.with_suffix(".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    markets = read_markets((run.read_json(f"{GOLD}/{FACTS}") or {}).get("markets"), f"{GOLD}/{FACTS}")
    fills = list_fills(run.accepted, markets.list_multipliers(run.accepted["ticker"]))
    stated = "quantity" in run.accepted.columns
    note = "size is the trade's quantity" if stated else UNIT_SIZE
    with write_whole(path) as partial:
        partial.write_text(f"# {note}\n{neutralise_cells(fills).write_csv()}", encoding="utf-8")
    return Exported(path, fills.height, () if stated else (UNIT_SIZE,))


def list_fills(trades: pl.DataFrame, multipliers: Mapping[str, float | None] | None = None) -> pl.DataFrame:
    """List two fills per trade, by time; of one moment the entries first.

    Args:
        trades: Accepted trades.
        multipliers: What a point is worth, by ticker; None in the place of what nobody knows.
    """
    worth = multipliers or {}
    told = {"multiplier": pl.col("ticker").replace_strict(worth, default=None, return_dtype=pl.Float64)}
    size = pl.col("quantity") if "quantity" in trades.columns else pl.lit(1.0)
    is_long = pl.col("trade_type") == "buy"
    legs = [
        trades.select(
            time=pl.col(f"{leg}_time").dt.convert_time_zone("UTC").dt.to_string("iso:strict"),
            ticker="ticker",
            side=pl.when(is_long == (leg == "entry")).then(pl.lit("buy")).otherwise(pl.lit("sell")),
            size=size.cast(pl.Float64),
            price=f"{leg}_price",
            row_id="row_id",
            leg=pl.lit(leg),
            **({"fees": pl.col("fees") / 2} if "fees" in trades.columns else {}),
            **(told if set(worth.values()) - {1.0} else {}),
        )
        for leg in ("entry", "exit")
    ]
    fills = pl.concat(legs).sort("time", "leg", maintain_order=True)
    signed = pl.when(pl.col("side") == "buy").then(pl.col("size")).otherwise(-pl.col("size"))
    return fills.with_columns(signed_size=signed)
