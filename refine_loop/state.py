"""What the loop remembers: counts in LangGraph's state, rows in Parquet.

A candidate's row carries the names of the original design: `volatility_constraint`, `grounding_seeds`,
`generated_row`, `judge_critique`, `retry_count`.
"""

from typing import Literal, TypedDict

import polars as pl

Status = Literal["open", "accepted", "rejected", "failed"]
StopReason = Literal[
    "accepted", "max_candidates", "max_minutes", "max_tokens", "max_cost", "nothing accepted", "interrupted"
]

ENDS = ("accepted", "rejected", "failed")  # how a candidate can end
CRITERIA = ("realism", "consistency", "completeness")


class LoopState(TypedDict):
    """State of the graph; every count is of the whole run, but `refine_pass` and `open`, which are of this round."""

    round: int
    refine_pass: int
    planned: int
    accepted: int
    open: int
    fruitless_rounds: int
    stop_reason: StopReason | None


START_STATE = LoopState(round=0, refine_pass=0, planned=0, accepted=0, open=0, fruitless_rounds=0, stop_reason=None)

CANDIDATE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_id": pl.String,
    "round": pl.Int64,
    "status": pl.String,
    "reason": pl.String,  # why it is not accepted; null where it is
    "failed_column": pl.String,
    "volatility_constraint": pl.Float64,  # null without a control on the volatility
    "grounding_seeds": pl.List(pl.String),  # ids of the gold trades its prompt showed
    "generated_row": pl.String,  # the core fields as JSON, after the last edit that was kept
    "judge_critique": pl.String,  # of the last pass; null where there was nothing to criticise
    "retry_count": pl.Int64,  # refine passes it went through
    "criticised_fields": pl.List(pl.String),
    "critiques": pl.List(pl.String),  # one per judged version that was not accepted
    "edits": pl.List(pl.String),  # RFC 6902 patch per refine pass
    "undone_edits": pl.Int64,  # fields a refiner changed that no critique named
    "realism": pl.Int64,
    "consistency": pl.Int64,
    "completeness": pl.Int64,
}
"""One row per candidate; grain of `rounds/*/pass_*.parquet`."""
