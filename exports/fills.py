"""Fills of accepted trades, as backtesters take them: two rows a trade, its entry and its exit."""

from pathlib import Path

import polars as pl

from columns.declared import Declared
from exports.export import Exported
from exports.finished_run import FinishedRun
from files.csv_cells import neutralise_cells
from files.whole_file import write_whole

NEEDED = ("ticker", "trade_type", "entry_time", "exit_time", "entry_price", "exit_price")
UNIT_SIZE = "size is 1 in every fill: the gold states no quantity"


def takes_dataset(dataset: Declared) -> bool:
    """Datasets whose rows are round trips."""
    return set(NEEDED) <= set(dataset.fields)


def write(run: FinishedRun, out: Path) -> Exported:
    """Write `fills.csv`: time (UTC, ISO 8601), ticker, side, size, signed_size, price, row_id, leg; in order of time.

    Where the gold states fees, `fees` has a half of the trade's at its entry and at its exit. A comment line says where
    the sizes come from. Read it with `comment="#"`.
    """
    path = out if out.suffix == ".csv" else out.with_suffix(".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    fills = list_fills(run.accepted)
    stated = "quantity" in run.accepted.columns
    note = "size is the trade's quantity" if stated else UNIT_SIZE
    with write_whole(path) as partial:
        partial.write_text(f"# {note}\n{neutralise_cells(fills).write_csv()}", encoding="utf-8")
    return Exported(path, fills.height, () if stated else (UNIT_SIZE,))


def list_fills(trades: pl.DataFrame) -> pl.DataFrame:
    """List two fills per trade, by time; of one moment the entries first."""
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
        )
        for leg in ("entry", "exit")
    ]
    fills = pl.concat(legs).sort("time", "leg", maintain_order=True)
    signed = pl.when(pl.col("side") == "buy").then(pl.col("size")).otherwise(-pl.col("size"))
    return fills.with_columns(signed_size=signed)
