"""What a run leaves behind: ledger, accepted trades with their bars and indicators, rejected rows, usage."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from columns.types.configs import SESSION
from designer_configs.compile.profile import Profile
from files.csv_cells import neutralise_cells
from files.whole_file import name_full_disk, sync_folder, sync_tree, write_text
from gold_data.sessions import EXCHANGE_ZONE, next_session
from gold_data.store import GoldFolder
from gold_data.trades.rules import measure_exit_percent
from gold_data.trades.schema import NUMBER_FIELDS
from indicators.attach import attach_price_paths
from refine_loop.booking import NOT_NEEDED
from refine_loop.record.events import ROLES
from refine_loop.record.summary import count_ledger, note_ledger
from refine_loop.record.usage import count_row_usage, count_usage, find_answering_models, spool_requests
from refine_loop.rounds import Rounds
from refine_loop.state import CANDIDATE_SCHEMA, CRITERIA, StopReason

RESULTS = ".results.partial"  # where results are written before they are put in their places
PARTS = ".parts.partial"  # where they are put together, round by round
ROWS_AT_A_TIME = 5_000  # of the text formats
REJECTED_COLUMNS = ("row_id", "status", "reason", "generated_row", "critiques")
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

    Round by round, so that memory holds one round however long the run is. The files are written apart and put in their
    places together: those of a stop before are not mixed with them.

    Raises:
        StorageError: the disk does not take them.
    """
    results = _make_empty(folder / RESULTS)
    with name_full_disk(results), _open_parts(folder) as parts:
        seconds = spool_requests(folder / "events.jsonl", parts / "requests")
        requests = scan_parts(parts / "requests")
        fallback = write_rounds(Rounds(folder / "rounds"), requests, parts, profile, gold)
        for name in ("ledger", "accepted", "bars"):
            scan_parts(parts / name).sink_parquet(results / f"{name}.parquet")
        ledger = scan_file(results / "ledger.parquet")
        lost = ledger.filter(pl.col("status") != "accepted").select(REJECTED_COLUMNS)
        lost.sink_parquet(results / "rejected.parquet")
        export_trades(results / "accepted.parquet", profile.export)
        usage = count_usage(requests, seconds, profile.prices)
        write_text(json.dumps(usage, indent=2) + "\n", results / "usage.json")
        notes = [*note_ledger(ledger, profile), *note_fallback(fallback, has_bars=gold.bars is not None)]
        outcome = Outcome(folder, stopped_by, profile.run.accepted, **count_ledger(ledger), usage=usage, notes=notes)
        place_results(results, folder)
    return outcome


def write_rounds(rounds: Rounds, requests: pl.LazyFrame, parts: Path, profile: Profile, gold: GoldFolder) -> int:
    """Write ledger, accepted trades and bars of each round as a file of its own; gives how many paths fell back.

    The first file of each has no rows: a run without a candidate has its columns from it.
    """
    for name in ("ledger", "accepted", "bars"):
        (parts / name).mkdir()
    fallback, room, seed = 0, profile.run.accepted, profile.run.seed
    for number, ended in chain([(1, pl.DataFrame(schema=CANDIDATE_SCHEMA))], rounds.iter_ended()):
        candidates = drop_surplus_rows(ended, room)
        asked = requests.filter(pl.col("round") == number).collect()
        ledger = build_ledger(candidates, asked, profile)
        accepted = build_accepted(candidates, rounds.read_plan_frame(number), profile)
        room -= accepted.height
        file = f"{number if len(ended) else 0:06d}.parquet"
        bars = parts / "bars" / file
        trades, fell_back = attach_price_paths(accepted, gold.train, gold.bars, profile.indicators, bars, seed=seed)
        ledger.write_parquet(parts / "ledger" / file)
        trades.write_parquet(parts / "accepted" / file)
        fallback += len(fell_back)
    return fallback


def scan_parts(folder: Path) -> pl.LazyFrame:
    """Scan the files of a folder one after the other, each column with the type that all of them agree on."""
    return pl.concat([scan_file(path) for path in sorted(folder.iterdir())], how="diagonal_relaxed")


def scan_file(path: Path) -> pl.LazyFrame:
    """Scan a Parquet file, whatever its folder is named."""
    return pl.scan_parquet(path, glob=False)


@contextmanager
def _open_parts(folder: Path) -> Iterator[Path]:
    """Give a folder for what is put together, which is not left behind: on a full disk it would be in the way."""
    parts = _make_empty(folder / PARTS)
    try:
        yield parts
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _make_empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


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


def build_ledger(candidates: pl.DataFrame, requests: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """One row per candidate: how it ended and why, every critique and edit, scores, seeds, models and tokens."""
    generator, refiner, judge = (pl.coalesce(role, pl.lit(profile.models[role].model)) for role in ROLES)
    is_service = profile.backend.name == "microservices"  # which does not say how many requests it sent for a row
    return (
        candidates.join(count_row_usage(requests), on="row_id", how="left", maintain_order="left")
        .join(find_answering_models(requests), on="row_id", how="left", maintain_order="left")
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


def export_trades(file: Path, formats: tuple[str, ...]) -> None:
    """Write the accepted trades of a Parquet file beside it in the other formats of a profile, some rows at a time.

    CSV joins the seeds' ids, has other lists as JSON, and an apostrophe before a text that a spreadsheet would run.
    """
    trades = scan_file(file)
    rows = int(trades.select(pl.len()).collect().item())
    for suffix in (suffix for suffix in TEXT_FORMATS if suffix in formats):
        with file.with_suffix(f".{suffix}").open("w", encoding="utf-8", newline="") as text:
            for start in range(0, max(rows, 1), ROWS_AT_A_TIME):
                some = trades.slice(start, ROWS_AT_A_TIME).collect()
                times = [pl.col(name).dt.to_string("iso:strict") for name in ("entry_time", "exit_time")]
                text.write(TEXT_FORMATS[suffix](some.with_columns(times), start == 0))


def _format_csv(trades: pl.DataFrame, is_first: bool) -> str:
    nested = [name for name, kind in trades.schema.items() if kind.is_nested() and name != "gold_example_ids"]
    texts = [pl.Series(name, [json.dumps(value, default=str) for value in trades[name]]) for name in nested]
    flat = trades.with_columns(*texts, pl.col("gold_example_ids").list.join("|"))
    return neutralise_cells(flat).write_csv(include_header=is_first)


TEXT_FORMATS: dict[str, Callable[[pl.DataFrame, bool], str]] = {
    "csv": _format_csv,
    "jsonl": lambda trades, _: trades.write_ndjson(),
}


def drop_surplus_rows(candidates: pl.DataFrame, asked: int) -> pl.DataFrame:
    """Reject accepted rows beyond what was asked, which a round that was cut short has not done itself."""
    accepted = pl.col("status") == "accepted"
    surplus = accepted & (accepted.cast(pl.Int64).cum_sum() > asked)
    named = {"status": "rejected", "reason": NOT_NEEDED}
    return candidates.with_columns(
        pl.when(surplus).then(pl.lit(text)).otherwise(pl.col(name)).alias(name) for name, text in named.items()
    )


def note_fallback(count: int, *, has_bars: bool) -> list[str]:
    """Say how many trades have bars of a made-up shape, and why."""
    if not count:
        return []
    why = "the gold's bars do not reach far enough before its trades" if has_bars else "the gold came without bars"
    return [f"{count} trades have bars of the fallback shape, a seeded random walk: {why}"]
