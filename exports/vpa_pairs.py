"""Training pairs of volume price analysis as JSON lines, in the form of reference 002: input and output."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from columns.declared import Declared
from exports.errors import ExportError
from exports.export import Exported
from exports.finished_run import FinishedRun
from exports.splits import say_parts, split_by_time
from files.whole_file import write_text
from gold_data.store import SESSION

SCHEMA = "pair.schema.json"


def takes_dataset(dataset: Declared) -> bool:
    """Explanations of bars."""
    return dataset.name == "vpa"


def write(run: FinishedRun, out: Path) -> Exported:
    """Write train, validation and test by time, or with a name that ends in .jsonl all pairs into one file.

    Sessions of the profile's embargo between the parts are in none of them. Beside them is the JSON Schema of a line.

    Raises:
        ExportError: `out` is a file that is no .jsonl.
    """
    pairs = run.accepted.select(SESSION, "input", "output")
    if out.suffix == ".jsonl":
        write_text(write_lines(pairs), out)
        return Exported(out, pairs.height)
    if out.is_file():
        raise ExportError(f"{out} is a file: name a folder, or a file that ends in .jsonl, with --out")
    parts = split_by_time(pairs[SESSION].to_list(), run.profile.gold.embargo)
    counts = {}
    for name, days in parts.items():
        part = pairs.filter(pl.col(SESSION).is_in(sorted(days)))
        write_text(write_lines(part), out / f"{name}.jsonl")
        counts[name] = part.height
    write_text((run.profile.dataset.folder / SCHEMA).read_text(encoding="utf-8"), out / SCHEMA)
    return Exported(out, sum(counts.values()), (say_parts(counts, pairs.height),))


def write_lines(pairs: pl.DataFrame) -> str:
    """Write pairs as JSON, one to a line; a higher timeframe without a finished bar is left out."""
    return "".join(f"{json.dumps(shape_pair(pair), ensure_ascii=False)}\n" for pair in pairs.iter_rows(named=True))


def shape_pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Give one line: the input's parts and the output, as they are accepted."""
    higher = pair["input"].get("multi_timeframe_context") or {}
    known = {name: summary for name, summary in higher.items() if summary is not None}
    return {"input": pair["input"] | {"multi_timeframe_context": known}, "output": pair["output"]}
