"""What a run used, counted from its log: in all, by stage, by model, and by candidate."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from designer_configs.compile.profile import Prices
from refine_loop.record.events import TOKENS, iter_events
from refine_loop.record.readings import Readings

REQUESTS_A_FILE = 20_000  # which bounds what is held in memory of a long log

REQUEST_SCHEMA = pl.Schema(
    {
        "event": pl.String,
        "job": pl.String,
        "round": pl.Int64,  # of the job; 0 before the first
        "row_id": pl.String,
        "column": pl.String,
        "role": pl.String,
        "model": pl.String,
        "seconds": pl.Float64,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "error": pl.String,
    }
)


class JobSeconds:
    """Sums the seconds of all jobs, event by event; one that was killed lasted until the last event that it wrote."""

    def __init__(self) -> None:
        self._sum, self._last = 0.0, 0.0
        self._started: float | None = None

    def count(self, event: Mapping[str, Any]) -> None:
        """Count the next event."""
        if event["event"] in ("job_finished", "job_stopped"):
            self._sum, self._started = self._sum + event["seconds"], None
        elif event["event"] in ("job_started", "run_started"):
            self._sum = self.total
            self._started = event.get("active_seconds") if event["event"] == "job_started" else None
        self._last = event.get("active_seconds", self._last)

    @property
    def total(self) -> float:
        """Seconds so far, those of a job that has no end yet up to the last event."""
        return self._sum + (self._last - self._started if self._started is not None else 0.0)


def spool_requests(log: Path, folder: Path, readings: Readings) -> float:
    """Write the requests of a log into a new folder as Parquet files, to be scanned; gives the seconds of its jobs.

    What the log says of how answers were read is counted in `readings`.
    """
    folder.mkdir()
    seconds, batch, files = JobSeconds(), list[Mapping[str, Any]](), 0
    for event in iter_events(log):
        seconds.count(event)
        readings.count(event)
        if event["event"] in ("request", "service_job"):
            batch.append(event)
        if len(batch) == REQUESTS_A_FILE:
            frame_requests(batch).write_parquet(folder / f"{files:06d}.parquet")
            batch, files = [], files + 1
    frame_requests(batch).write_parquet(folder / f"{files:06d}.parquet")
    return seconds.total


def frame_requests(events: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Put requests, and a service's jobs, of a log into a frame: one row each, in the log's order."""
    sent = [event for event in events if event["event"] in ("request", "service_job")]
    rounds = [int(event["job"].partition("_")[0]) for event in sent]
    plain = pl.DataFrame(sent, schema={name: kind for name, kind in REQUEST_SCHEMA.items() if name != "round"})
    return plain.with_columns(round=pl.Series(rounds, dtype=pl.Int64)).select(REQUEST_SCHEMA.names())


def count_usage(requests: pl.LazyFrame, seconds: float, prices: Prices) -> dict[str, Any]:
    """Count requests, tokens, seconds and cost, in all, per job stage, model column and model, and per model.

    Requests are None where a service runs the jobs, which does not say how many it sent.
    Tokens are those of the answers that said them, of which `counted` says how many, of how many `answers`; None where
    none did. The cost is theirs, None where tokens are or a price is missing. A request that failed counts no tokens: a
    provider may charge for one that timed out all the same.
    """
    requests = requests.with_columns(stage=pl.col("job").str.replace(r"^\d+_", ""))
    by_stage, by_model = (_sum_groups(requests, by, prices) for by in (("stage", "column", "model"), ("model",)))
    costs = [group["cost"] for group in by_model]
    return {
        **requests.select(_sum_requests()).collect(engine="streaming").row(0, named=True),
        "cost": None if None in costs or not costs else round(sum(costs), 6),
        "currency": prices.currency if prices.per_million else None,
        "seconds": round(seconds, 3),
        "by_stage": by_stage,
        "by_model": by_model,
    }


def _sum_groups(requests: pl.LazyFrame, by: tuple[str, ...], prices: Prices) -> list[dict[str, Any]]:
    """Sum groups in the order in which they were first asked."""
    first = pl.col("_place").min()
    sums = requests.with_row_index("_place").group_by(by).agg(first, *_sum_requests()).collect(engine="streaming")
    groups = []
    for group in sums.sort("_place").drop("_place").to_dicts():
        cost = prices.price(str(group["model"]), group["prompt_tokens"], group["completion_tokens"])
        groups.append({**group, "cost": None if cost is None else round(cost, 6)})
    return groups


def count_row_usage(requests: pl.DataFrame) -> pl.DataFrame:
    """Count requests and tokens per candidate: row_id, requests, prompt_tokens, completion_tokens."""
    asked = requests.filter(pl.col("event") == "request", pl.col("row_id").is_not_null())
    return asked.group_by("row_id").agg(pl.len().cast(pl.Int64).alias("requests"), *map(_sum_known, TOKENS))


def find_answering_models(requests: pl.DataFrame, roles: Sequence[str]) -> pl.DataFrame:
    """Tell which model gave a row its last answer, by role: row_id, and a column `_by_<role>` per role."""
    answered = requests.filter(pl.col("event") == "request", pl.col("row_id").is_not_null() & pl.col("error").is_null())
    return answered.group_by("row_id", maintain_order=True).agg(
        pl.col("model").filter(pl.col("role") == role).last().alias(f"_by_{role}") for role in roles
    )


def _sum_known(name: str) -> pl.Expr:
    """Sum, or null where a request that was answered did not say."""
    unknown = (pl.col(name).is_null() & pl.col("error").is_null()).any()
    return pl.when(unknown).then(None).otherwise(pl.col(name).sum()).alias(name)


def _sum_said(name: str) -> pl.Expr:
    """Sum what was said; null where there were answers, and none said anything."""
    is_silent = (pl.col("error").is_null().any()) & (
        pl.col(name).is_not_null() & pl.col("error").is_null()
    ).any().not_()
    return pl.when(is_silent).then(None).otherwise(pl.col(name).sum()).alias(name)


def _sum_requests() -> list[pl.Expr]:
    is_unknown = (pl.col("event") == "service_job").any()
    is_answer = pl.col("error").is_null()
    says_tokens = pl.all_horizontal(pl.col(name).is_not_null() for name in TOKENS)
    return [
        pl.when(~is_unknown).then(pl.len().cast(pl.Int64)).alias("requests"),
        pl.when(~is_unknown).then(pl.col("error").is_not_null().sum().cast(pl.Int64)).alias("failed_requests"),
        pl.when(~is_unknown).then(is_answer.sum().cast(pl.Int64)).alias("answers"),
        pl.when(~is_unknown).then((is_answer & says_tokens).sum().cast(pl.Int64)).alias("counted"),
        *map(_sum_said, TOKENS),
        pl.when(~is_unknown).then(pl.col("seconds").sum().round(3)).alias("request_seconds"),
    ]
