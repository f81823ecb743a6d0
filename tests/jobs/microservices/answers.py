"""What the service answers, made from the rows that a job has written."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from nemo_microservices.data_designer.config.analysis.dataset_profiler import DatasetProfilerResults


def read_groups(folder: Path) -> pl.DataFrame | None:
    """Read the row groups that a job has written so far; None before the first."""
    paths = sorted((folder / "parquet-files").glob("*.parquet"))
    return pl.concat([pl.read_parquet(path) for path in paths], how="vertical_relaxed") if paths else None


def name_work(config: dict[str, Any], seeds: Path, of: list[Any]) -> str:
    """Name what a job makes: two of one name make the same rows, for the model answers alike what is asked alike."""
    return hashlib.sha256(json.dumps([config, of]).encode() + seeds.read_bytes()).hexdigest()


def change_texts(rows: pl.DataFrame, column: str, change: Callable[[str], str]) -> pl.DataFrame:
    """Change every text of a column, wherever it stands in its values."""

    def visit(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: visit(part) for key, part in value.items()}
        return change(value) if isinstance(value, str) else value

    return rows.with_columns(pl.Series(column, [visit(value) for value in rows[column].to_list()]))


def replace_values(rows: pl.DataFrame, script: dict[str, Any]) -> pl.DataFrame:
    """Give values of another shape than was asked for, as the script says."""
    for column, value in script.get("put", {}).items():
        if column in rows.columns:
            at = script.get("put_at", range(rows.height))
            values = [value if place in at else old for place, old in enumerate(rows[column].to_list())]
            rows = rows.with_columns(pl.Series(column, values))
    for column in {*script.get("as_text", [])} & {*rows.columns}:
        rows = rows.with_columns(pl.Series(column, [json.dumps(value) for value in rows[column].to_list()]))
    return rows


def analyse(rows: pl.DataFrame, spec: dict[str, Any]) -> dict[str, Any]:
    """Analyse a job as the service does: tokens are means per row; here a token has four characters."""
    columns = [c for c in spec["config"]["columns"] if c["column_type"].startswith("llm-")]
    statistics = []
    for column in columns:
        answer = sum(len(json.dumps(value)) for value in rows[column["name"]].to_list()) / 4 / max(1, rows.height)
        tokens = {f"completion_tokens_{kind}": answer for kind in ("mean", "median", "stddev")}
        tokens |= {f"prompt_tokens_{kind}": len(column["prompt"]) / 4 for kind in ("mean", "median", "stddev")}
        counts = {"num_records": rows.height, "num_null": 0, "num_unique": rows.height}
        kinds = {"pyarrow_dtype": "struct", "simple_dtype": "dict", "column_type": column["column_type"]}
        statistics.append({"column_name": column["name"], **kinds, **counts, **tokens})
    whole = {"num_records": rows.height, "target_num_records": spec["num_records"], "column_statistics": statistics}
    DatasetProfilerResults.model_validate(whole)
    return whole
