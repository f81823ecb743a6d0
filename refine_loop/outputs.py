"""What a run leaves behind: ledger, accepted trades with their bars and indicators, rejected rows, usage."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from columns.configs import SESSION
from designer_configs.profile import Profile
from designer_configs.whole_file import sync_folder, sync_tree, write_text
from gold_data.csv_export import neutralise_cells
from gold_data.rules import measure_exit_percent
from gold_data.schema import NUMBER_FIELDS
from gold_data.sessions import EXCHANGE_ZONE, next_session
from gold_data.store import GoldFolder
from indicators.attach import attach_price_paths
from refine_loop.booking import NOT_NEEDED
from refine_loop.events import ROLES, count_row_usage, count_usage, find_answering_models, read_events
from refine_loop.rounds import Rounds, write_parquet
from refine_loop.state import CRITERIA, StopReason

RESULTS = ".results.partial"  # where results are written before they are put in their places
LEAST_JUDGED = 20  # rows before it means anything that their scores are all the same
LONGEST_REASON = 240  # characters of a failure that the terminal shows; the ledger has the whole
TRADE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "ticker": pl.String,
    "trade_type": pl.String,
    "session_date": pl.Date,
    "entry_time": pl.Datetime("us"),
    "exit_time": pl.Datetime("us"),
    **{name: pl.Float64 for name in (*NUMBER_FIELDS, "trade_percent_change")},  # noqa: C420
}


@dataclass(frozen=True)
class Outcome:
    """Counts of a run, and what there is to say about it; candidates = accepted + rejected + failed."""

    folder: Path
    stopped_by: StopReason
    asked: int
    accepted: int
    rejected: int
    failed: int
    refine_passes: int
    undone_edits: int
    usage: dict[str, Any]
    reasons: list[tuple[str, int]]
    notes: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many candidates there were, and how they ended."""
        names = ("candidates", "accepted", "rejected", "failed")
        return {name: getattr(self, name) for name in names}

    @property
    def candidates(self) -> int:
        return self.accepted + self.rejected + self.failed


def write_outputs(folder: Path, profile: Profile, gold: GoldFolder, stopped_by: StopReason) -> Outcome:
    """Write everything a run promises from its settled rounds, and count it.

    The files are written apart and put in their places together: those of a stop before are not mixed with them.
    """
    results = folder / RESULTS
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    rounds = Rounds(folder / "rounds")
    candidates, plans = drop_surplus_rows(rounds.read_ended(), profile.run.accepted), rounds.read_plans()
    events = read_events(folder / "events.jsonl")
    ledger = build_ledger(candidates, events, profile)
    write_parquet(ledger, results / "ledger.parquet")
    lost = ledger.filter(pl.col("status") != "accepted")
    write_parquet(lost.select("row_id", "status", "reason", "generated_row", "critiques"), results / "rejected.parquet")
    accepted = build_accepted(candidates, plans, profile)
    bars_file, seed = results / "bars.parquet", profile.run.seed
    trades, fallback = attach_price_paths(accepted, gold.train, gold.bars, profile.indicators, bars_file, seed=seed)
    export_trades(trades, results, profile.export)
    usage = count_usage(events, profile.prices)
    write_text(json.dumps(usage, indent=2) + "\n", results / "usage.json")
    place_results(results, folder)
    counts = dict(ledger["status"].value_counts().rows())
    return Outcome(
        folder=folder,
        stopped_by=stopped_by,
        asked=profile.run.accepted,
        accepted=counts.get("accepted", 0),
        rejected=counts.get("rejected", 0),
        failed=counts.get("failed", 0),
        refine_passes=max(ledger["refine_passes"], default=0),
        undone_edits=int(ledger["undone_edits"].sum()),
        usage=usage,
        reasons=count_reasons(ledger),
        notes=[
            *note_failures(ledger),
            *note_models(ledger, profile),
            *note_judge(ledger),
            *note_fallback(len(fallback), has_bars=gold.bars is not None),
        ],
    )


def place_results(results: Path, folder: Path) -> None:
    """Move results to where they belong, once all of them are on the disk; `usage.json` comes last."""
    sync_tree(results)
    for path in sorted(results.iterdir()):
        path.replace(folder / path.name)
    results.rmdir()
    sync_folder(folder)


def assemble_trades(core: Sequence[Mapping[str, Any]], sessions: Sequence[date]) -> pl.DataFrame:
    """Put trades together from core fields and sessions: zoned times, and the percent from entry to exit.

    An exit at or before the entry's time of day is in the next session, as the rules read it.
    """
    rows = []
    for trade, day in zip(core, sessions, strict=True):
        entry, exit_ = (time.fromisoformat(trade[name]) for name in ("entry_time", "exit_time"))
        left = day if exit_ > entry else next_session(day)
        change = measure_exit_percent(trade["trade_type"], trade["entry_price"], trade["exit_price"])
        times = {"entry_time": datetime.combine(day, entry), "exit_time": datetime.combine(left or day, exit_)}
        rows.append({**trade, "session_date": day, **times, "trade_percent_change": change})
    zoned = [pl.col(name).dt.replace_time_zone(EXCHANGE_ZONE) for name in ("entry_time", "exit_time")]
    return pl.DataFrame(rows, schema=TRADE_SCHEMA).with_columns(zoned)


def build_ledger(candidates: pl.DataFrame, events: list[dict[str, Any]], profile: Profile) -> pl.DataFrame:
    """One row per candidate: how it ended and why, every critique and edit, scores, seeds, models and tokens."""
    generator, refiner, judge = (pl.coalesce(role, pl.lit(profile.models[role].model)) for role in ROLES)
    usage = count_row_usage(events)
    is_service = profile.backend.name == "microservices"  # which does not say how many requests it sent for a row
    return (
        candidates.join(usage, on="row_id", how="left", maintain_order="left")
        .join(find_answering_models(events), on="row_id", how="left", maintain_order="left")
        .with_columns(pl.coalesce("requests", pl.lit(None if is_service else 0, dtype=pl.Int64)))
        .select(
            "row_id",
            "round",
            "status",
            "reason",
            "failed_column",
            pl.col("retry_count").alias("refine_passes"),
            "critiques",
            "edits",
            "undone_edits",
            *CRITERIA,
            "volatility_constraint",
            pl.col("grounding_seeds").alias("gold_example_ids"),
            "generated_row",
            generator.alias("model"),
            pl.when(pl.col("retry_count") > 0).then(refiner).alias("refiner_model"),
            pl.when(pl.col("realism").is_not_null()).then(judge).alias("judge_model"),
            "requests",
            "prompt_tokens",
            "completion_tokens",
        )
    )


def build_accepted(candidates: pl.DataFrame, plans: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """One row per accepted trade: row_id, core fields with zoned times, controls, scores, seeds."""
    accepted = candidates.filter(pl.col("status") == "accepted")
    rows = accepted.join(plans, on="row_id", how="left", maintain_order="left")
    core = [json.loads(text) for text in rows["generated_row"]]
    trades = assemble_trades(core, [date.fromisoformat(day) for day in rows[SESSION]])
    drawn = [control.name for control in profile.controls if control.name not in trades.columns]
    kept = rows.select(*drawn, *CRITERIA, "retry_count", "grounding_seeds")
    named = kept.rename({"retry_count": "refine_passes", "grounding_seeds": "gold_example_ids"})
    return pl.concat([rows.select("row_id"), trades, named], how="horizontal")


def export_trades(trades: pl.DataFrame, folder: Path, formats: tuple[str, ...]) -> None:
    """Write the accepted trades in the profile's formats.

    CSV joins the seeds' ids, has other lists as JSON, and an apostrophe before a text that a spreadsheet would run.
    """
    write_parquet(trades, folder / "accepted.parquet")
    times = [pl.col(name).dt.to_string("iso:strict") for name in ("entry_time", "exit_time")]
    if "csv" in formats:
        nested = [name for name, kind in trades.schema.items() if kind.is_nested() and name != "gold_example_ids"]
        texts = [pl.Series(name, [json.dumps(value, default=str) for value in trades[name]]) for name in nested]
        flat = trades.with_columns(*times, *texts, pl.col("gold_example_ids").list.join("|"))
        write_text(neutralise_cells(flat).write_csv(), folder / "accepted.csv")
    if "jsonl" in formats:
        write_text(trades.with_columns(times).write_ndjson(), folder / "accepted.jsonl")


def note_failures(ledger: pl.DataFrame) -> list[str]:
    """Quote the commonest reason why candidates failed: a provider that stopped answering says so there."""
    reasons = ledger.filter(pl.col("status") == "failed")["reason"].drop_nulls()
    if reasons.is_empty():
        return []
    reason, count = Counter(reasons.to_list()).most_common(1)[0]
    return [f"commonest failure ({count} of {len(reasons)}): {reason[:LONGEST_REASON]}"]


def drop_surplus_rows(candidates: pl.DataFrame, asked: int) -> pl.DataFrame:
    """Reject accepted rows beyond what was asked, which a round that was cut short has not done itself."""
    accepted = pl.col("status") == "accepted"
    surplus = accepted & (accepted.cast(pl.Int64).cum_sum() > asked)
    named = {"status": "rejected", "reason": NOT_NEEDED}
    return candidates.with_columns(
        pl.when(surplus).then(pl.lit(text)).otherwise(pl.col(name)).alias(name) for name, text in named.items()
    )


def note_models(ledger: pl.DataFrame, profile: Profile) -> list[str]:
    """Say how many rows a model wrote, mended or judged that stood in for the role's own."""
    columns = {"generator": "model", "refiner": "refiner_model", "judge": "judge_model"}
    notes = []
    for role, column in columns.items():
        others = ledger.filter(pl.col(column) != profile.models[role].model)
        if not others.is_empty():
            notes.append(f"{others.height} rows were answered by the {role}'s fallback {others[column][0]}")
    return notes


def note_judge(ledger: pl.DataFrame) -> list[str]:
    """Say that a judge gave every row the same scores: such a one tells nothing apart."""
    judged = ledger.select(CRITERIA).drop_nulls()
    if judged.height < LEAST_JUDGED or judged.n_unique() > 1:
        return []
    scores = ", ".join(f"{name} {judged[name][0]}" for name in CRITERIA)
    return [f"the judge gave each of {judged.height} rows the same scores ({scores}): it tells nothing apart"]


def note_fallback(count: int, *, has_bars: bool) -> list[str]:
    """Say how many trades have bars of a made-up shape, and why."""
    if not count:
        return []
    why = "the gold's bars do not reach far enough before its trades" if has_bars else "the gold came without bars"
    return [f"{count} trades have bars of the fallback shape, a seeded random walk: {why}"]


def count_reasons(ledger: pl.DataFrame) -> list[tuple[str, int]]:
    """Count why candidates were not accepted, the commonest first: `[rule]` of a critique, or the failed column."""
    lost = ledger.filter(pl.col("status") != "accepted")
    kind = (
        pl.when(pl.col("status") == "failed")
        .then(
            pl.when(pl.col("reason").str.starts_with("not finished"))
            .then(pl.col("reason"))
            .otherwise(
                pl.concat_str(pl.lit("no usable answer for "), pl.col("failed_column").fill_null("a column unknown"))
            )
        )
        .otherwise(pl.col("reason").str.extract(r"^\[([a-z_]+)", 1).fill_null(pl.col("reason")))
    )
    counted = lost.group_by(kind.alias("kind")).len().sort(["len", "kind"], descending=[True, False])
    return [(str(kind), int(count)) for kind, count in counted.rows()]
