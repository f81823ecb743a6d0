"""Accepted rows as JSON lines, exactly as their JSON Schema has them: no ids, no controls, no scores."""

from pathlib import Path

import polars as pl

from columns.declared import Declared
from exports.export import Exported
from exports.finished_run import FinishedRun
from files.whole_file import write_text


def takes_dataset(dataset: Declared) -> bool:
    """Rows that are JSON objects."""
    return dataset.schema is not None


def write(run: FinishedRun, out: Path) -> Exported:
    """Write one row to a line, in the order of the accepted rows; the file ends in .jsonl."""
    path = out if out.suffix else out.with_suffix(".jsonl")
    texts = run.ledger.select("row_id", pl.col("generated_row"))
    rows = run.accepted.select("row_id").join(texts, on="row_id", how="left", maintain_order="left")
    write_text("".join(f"{text}\n" for text in rows["generated_row"]), path)
    return Exported(path, rows.height)
