"""Formats declared in a dataset's YAML: a Data Designer job without a model, whose processor renders every row."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from designer_configs.compile.native import add_seed
from exports.errors import ExportError
from exports.finished_run import FinishedRun
from files.whole_file import write_whole
from jobs.errors import BackendError
from jobs.job import Job
from jobs.library.backend import LibraryBackend
from jobs.library.log import log_library_to
from jobs.library.shim import keep_texts

NOWHERE = "http://127.0.0.1:9/v1"  # never called: the job has no model
OWN_KEYS = ("description", "rows")  # of a declaration, which Data Designer is not shown
JOB = "export"


def write_with_processor(run: FinishedRun, declared: Path, out: Path) -> int:
    """Render a run's rows with a declared processor, one JSON object a line; gives how many.

    Raises:
        ExportError: the template names what no row has, or the job did not give every row back.
    """
    document = yaml.safe_load(declared.read_text(encoding="utf-8"))
    rows = LISTS[document.get("rows", "accepted")](run)
    with write_whole(out) as partial:
        if rows.is_empty():
            partial.write_text("", encoding="utf-8")
            return 0
        processor = {key: value for key, value in document.items() if key not in OWN_KEYS}
        made = _run_job(run, rows, processor, declared)
        partial.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in made), encoding="utf-8")
    return len(made)


def list_accepted(run: FinishedRun) -> pl.DataFrame:
    """List the accepted rows with their plan's columns beside theirs, and the row's own column: JSON, or its text."""
    name = run.profile.dataset.row
    texts = run.ledger.select("row_id", pl.col("generated_row").alias(name))
    rows = run.accepted.drop(name, strict=False).join(texts, on="row_id", how="left", maintain_order="left")
    plans = run.plans.drop(*(column for column in rows.columns if column != "row_id"), strict=False)
    joined = rows.join(plans, on="row_id", how="left", maintain_order="left") if plans.width else rows
    times = [column for column, kind in joined.schema.items() if kind.is_temporal()]
    return joined.with_columns(pl.col(times).cast(pl.String))


def list_preferences(run: FinishedRun) -> pl.DataFrame:
    """List the accepted rows whose first draft was rejected: it is `rejected`, the accepted one `chosen`."""
    first = run.drafts.rename({"generated_row": "rejected"}).filter(pl.col("rejected").is_not_null())
    critiques = run.ledger.filter(pl.col("critiques").list.len() > 0).select(
        "row_id", pl.col("critiques").list.first().alias("critique")
    )
    chosen = list_accepted(run).with_columns(pl.col(run.profile.dataset.row).alias("chosen"))
    pairs = chosen.join(first, on="row_id", maintain_order="left").join(critiques, on="row_id", maintain_order="left")
    return pairs.filter(pl.col("rejected") != pl.col("chosen"))


def list_review(run: FinishedRun) -> pl.DataFrame:
    """List the rows that the dataset's policy keeps for a person, as the ledger has them, with their plan's columns."""
    rows = run.ledger.filter(pl.col("policy_decision") == "review").rename({"generated_row": run.profile.dataset.row})
    plans = run.plans.drop(*(column for column in rows.columns if column != "row_id"), strict=False)
    return rows.join(plans, on="row_id", how="left", maintain_order="left") if plans.width else rows


LISTS: Mapping[str, Callable[[FinishedRun], pl.DataFrame]] = {
    "accepted": list_accepted,
    "preferences": list_preferences,
    "review": list_review,
}


def _run_job(run: FinishedRun, rows: pl.DataFrame, processor: dict[str, Any], declared: Path) -> list[Any]:
    with tempfile.TemporaryDirectory(prefix="tradelogs-export-") as temporary:
        work = Path(temporary)
        rows.write_parquet(work / "rows.parquet")
        column = {"name": "export_of", "column_type": "expression", "expr": "{{ row_id }}"}
        config = add_seed({"columns": [column], "processors": [processor]}, work / "rows.parquet")
        backend = LibraryBackend(run.profile, NOWHERE, work / "artifacts")
        try:
            with log_library_to(work / "data_designer.log", verbose=False), keep_texts():
                backend.run(Job(JOB, config, rows.height))
        except BackendError as exc:
            raise ExportError(f"{declared}: {exc}") from exc
        files = sorted((work / "artifacts" / JOB).glob(f"processors-files/{processor['name']}/*.parquet"))
        made = [line for file in files for line in pl.read_parquet(file, glob=False).to_dicts()]
    if len(made) != rows.height:
        raise ExportError(f"{declared}: only {len(made)} of {rows.height} rows were rendered")
    return made
