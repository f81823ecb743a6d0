"""What the loop remembers: counts in LangGraph's state, rows in Parquet.

A candidate's row carries the names of the original design: `grounding_seeds`, `generated_row`, `judge_critique`,
`retry_count`; a dataset's constraint has the name that the dataset declares.
"""

from typing import Literal, TypedDict

import polars as pl

from columns.declared import FAMILY, Declared

Status = Literal["open", "accepted", "rejected", "failed"]
StopReason = Literal[
    "accepted", "max_candidates", "max_minutes", "max_tokens", "max_cost", "nothing accepted", "interrupted"
]
Schema = dict[str, pl.DataType | type[pl.DataType]]

ENDS = ("accepted", "rejected", "failed")  # how a candidate can end
POLICY_SCHEMA: Schema = {
    "policy_decision": pl.String,  # allow, deny or review: on the last version; null where there was none
    "policy_rule": pl.String,  # that decided; null where the version is allowed
    "policy_history": pl.List(pl.String),  # one per version: the decision, and the rule
}


class LoopState(TypedDict):
    """State of the graph: counts and a reason, nothing that grows with the run."""

    round: int
    """Number of the round that is worked on, from 1; 0 before the first."""

    refine_pass: int
    """Refine passes that this round has had."""

    planned: int
    """Candidates of the whole run."""

    accepted: int
    """Accepted rows of the whole run; at the end of a round those that are kept."""

    open: int
    """Candidates of this round that are neither accepted nor ended."""

    fruitless_rounds: int
    """Rounds in a row that brought no accepted row."""

    stop_reason: StopReason | None
    """Why the run ends; None while it goes on."""


START_STATE = LoopState(round=0, refine_pass=0, planned=0, accepted=0, open=0, fruitless_rounds=0, stop_reason=None)


def build_candidate_schema(dataset: Declared) -> Schema:
    """Build the schema of a dataset's candidates: one row each, the grain of `rounds/*/pass_*.parquet`."""
    constraint = dataset.constraint
    kind = pl.Float64 if constraint is None or _is_number(dataset, constraint.field) else pl.String
    return {
        "row_id": pl.String,
        **({} if dataset.families is None else {FAMILY: pl.String}),  # row_id of the family's first row
        "round": pl.Int64,
        "status": pl.String,
        "reason": pl.String,  # why it is not accepted; null where it is
        "failed_column": pl.String,
        **({} if constraint is None else {constraint.name: kind}),  # null without a control on its field
        "grounding_seeds": pl.List(pl.String),  # ids of the gold rows its prompt showed
        "generated_row": pl.String,  # the row as JSON, or a text as it stands, after the last edit that was kept
        **dict.fromkeys(dataset.keep, pl.String),  # what goes with the row, as JSON
        "judge_critique": pl.String,  # of the last pass; null where there was nothing to criticise
        "retry_count": pl.Int64,  # refine passes it went through
        "criticised_fields": pl.List(pl.String),
        "critiques": pl.List(pl.String),  # one per judged version that was not accepted
        "edits": pl.List(pl.String),  # RFC 6902 patch per refine pass
        "undone_edits": pl.Int64,  # fields a refiner changed that no critique named
        **dict.fromkeys(dataset.criteria, pl.Int64),
        **(POLICY_SCHEMA if dataset.policy is not None else {}),
    }


def _is_number(dataset: Declared, field: str) -> bool:
    kind = (dataset.schema or {}).get("properties", {}).get(field, {}).get("type")
    return kind in ("number", "integer") or dataset.gold_columns.get(field) == "number"
