"""A run of some 2,000 candidates, in several rounds and jobs of many row groups."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]


@pytest.mark.slow
def test_ledger_of_two_thousand_candidates_adds_up(cli: Cli, write_profile: WriteProfile, tmp_path: Path) -> None:
    limits = {"run.accepted": 2000, "run.max_candidates": 2000, "run.refine_passes": 1}
    result = cli("generate", write_profile(tmp_path / "large.yaml", limits), "--out", tmp_path / "run")
    assert result.exit_code == 3  # whoever is not accepted of 2,000 may not be made good for
    assert "run.max_candidates" in result.output
    ledger = pl.read_parquet(tmp_path / "run/ledger.parquet")
    counts = dict(ledger["status"].value_counts().rows())
    assert ledger.height == ledger["row_id"].n_unique() == sum(counts.values()) == 2000
    assert min(counts[status] for status in ("accepted", "rejected", "failed")) > 0
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").height == counts["accepted"]
    assert ledger.filter(pl.col("status") != "accepted")["reason"].null_count() == 0
    usage = json.loads((tmp_path / "run/usage.json").read_text())
    check = sum(part["prompt_tokens"] for part in usage["by_stage"] if part["stage"] == "check")
    assert ledger["prompt_tokens"].sum() + check == usage["prompt_tokens"]
    check_causes(ledger, tmp_path / "run/events.jsonl")


def check_causes(ledger: pl.DataFrame, events: Path) -> None:
    """Check that each failed row is told the cause of its own failure: its last request was that column's."""
    requests = pl.read_ndjson(events, infer_schema_length=None).filter(pl.col("event") == "request")
    last = requests.group_by("row_id", maintain_order=True).agg(pl.col("column").last())
    failed = ledger.filter(pl.col("status") == "failed").join(last, on="row_id", how="left")
    assert failed.height > 10
    assert failed["failed_column"].to_list() == failed["column"].to_list()
