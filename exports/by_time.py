"""Accepted rows split by time: train, validation and test as JSON lines, with an embargo between them."""

import json
from pathlib import Path

import polars as pl

from columns.declared import Declared, name_plain_type
from exports.errors import ExportError
from exports.export import Exported
from exports.finished_run import FinishedRun
from exports.splits import say_parts, split_by_time
from files.whole_file import write_text
from gold_data.store import SESSION


def takes_dataset(dataset: Declared) -> bool:
    """Datasets whose rows lie in sessions."""
    return SESSION in dataset.gold_columns


def write(run: FinishedRun, out: Path) -> Exported:
    """Write the rows of `accepted.jsonl` by session, the last for tests, those before for validation.

    Sessions of the profile's embargo between the parts are in none of them.

    Raises:
        ExportError: `out` is a file, or the rows have no session.
    """
    if out.is_file():
        raise ExportError(f"{out} is a file: name a folder with --out")
    if SESSION not in run.accepted.columns:
        raise ExportError(f"{run.folder}/accepted.parquet has no column {SESSION}, by which rows are split")
    sessions = run.accepted[SESSION].cast(pl.Date)
    parts = split_by_time(sessions.to_list(), run.profile.gold.embargo)
    counts = {}
    for name, days in parts.items():
        part = run.accepted.filter(sessions.is_in(sorted(days)))
        write_text(write_lines(part, run.profile.dataset), out / f"{name}.jsonl")
        counts[name] = part.height
    return Exported(out, sum(counts.values()), (say_parts(counts, run.accepted.height),))


def write_lines(rows: pl.DataFrame, dataset: Declared) -> str:
    """Write rows as JSON, one to a line: JSON text in a table comes as it was, a key that was left out is left out."""
    schema = dataset.schema or {}
    properties, required = schema.get("properties", {}), schema.get("required", ())
    nested = {name for name, part in properties.items() if name_plain_type(part) is None}
    lines = (
        {
            name: json.loads(value) if name in nested and value is not None else value
            for name, value in row.items()
            if value is not None or name not in properties or name in required
        }
        for row in rows.iter_rows(named=True)
    )
    return "".join(f"{json.dumps(line, ensure_ascii=False, default=str)}\n" for line in lines)
