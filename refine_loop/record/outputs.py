"""What a run leaves behind: ledger, accepted rows with what their dataset computes for them, rejected rows, usage."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from columns.checks.losses import NOT_NEEDED, count_losses, say_uneven
from columns.dataset import Finished, FinishRequest, load_dataset
from columns.declared import FAMILY, Declared, is_flat, name_plain_type
from columns.dictionary import describe_run
from columns.errors import DatasetError
from columns.hooks import call_hook
from columns.rows import frame_rows
from designer_configs.compile.profile import Profile, load_controls
from files.csv_cells import neutralise_cells
from files.hashes import hash_file, record_replacing
from files.whole_file import name_full_disk, sync_folder, sync_tree, write_text
from gold_data.store import GoldFolder
from refine_loop.policy import REVIEW
from refine_loop.record.readings import Readings, name_row_mendings
from refine_loop.record.summary import count_ledger, name_model_columns, note_ledger
from refine_loop.record.usage import count_row_usage, count_usage, find_answering_models, spool_requests
from refine_loop.rounds import Rounds
from refine_loop.state import POLICY_SCHEMA, StopReason, build_candidate_schema

RESULTS = ".results.partial"  # where results are written before they are put in their places
PARTS = ".parts.partial"  # where they are put together, round by round
ROWS_AT_A_TIME = 5_000  # of the text formats
REJECTED_COLUMNS = ("row_id", "status", "reason", "generated_row", "critiques")


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


@dataclass(frozen=True)
class RoundLog:
    """What the log says of a round: its requests, and those of its answers that were mended."""

    requests: pl.DataFrame
    mended: pl.DataFrame


@dataclass(frozen=True)
class RunLog:
    """What the log says of all rounds, to be scanned."""

    requests: pl.LazyFrame
    mended: pl.LazyFrame

    def take_round(self, number: int) -> RoundLog:
        """Take what is said of a round."""
        of_round = pl.col("round") == number
        return RoundLog(self.requests.filter(of_round).collect(), self.mended.filter(of_round).collect())


def write_outputs(folder: Path, profile: Profile, gold: GoldFolder, stopped_by: StopReason) -> Outcome:
    """Write everything a run promises from its settled rounds, and count it.

    Round by round, so that memory holds one round however long the run is. The files are written apart and put in their
    places together: those of a stop before are not mixed with them.

    Raises:
        StorageError: the disk does not take them.
    """
    results = _make_empty(folder / RESULTS)
    with name_full_disk(results), open_parts(folder) as parts:
        readings = Readings(parts / "readings")
        seconds = spool_requests(folder / "events.jsonl", parts / "requests", readings)
        requests = scan_parts(parts / "requests")
        log = RunLog(requests, readings.scan())
        notes = write_rounds(Rounds(folder / "rounds", profile.dataset), log, parts, profile, gold)
        for name in sorted({path.name for path in parts.iterdir()} - {"requests", "readings"}):
            scan_parts(parts / name).sink_parquet(results / f"{name}.parquet")
        ledger = scan_file(results / "ledger.parquet")
        lost = ledger.filter(pl.col("status") != "accepted").select(REJECTED_COLUMNS)
        lost.sink_parquet(results / "rejected.parquet")
        if profile.dataset.policy is not None:
            ledger.filter(pl.col("policy_decision") == REVIEW).sink_parquet(results / "review.parquet")
        export_rows(results / "accepted.parquet", profile)
        usage = count_usage(requests, seconds, profile.prices)
        dictionary = describe_run(profile.dataset, load_controls(profile), gold.markets)
        write_text(json.dumps(dictionary, indent=1) + "\n", results / "data_dictionary.json")
        write_text(json.dumps(usage, indent=2) + "\n", results / "usage.json")
        said = [sentence.format(count=count) for sentence, count in notes.items() if count]
        uneven = say_uneven(count_losses(ledger, scan_plans(folder), [control.name for control in profile.controls]))
        notes_of_all = [*note_ledger(ledger, profile), *readings.say(), *uneven, *said]
        outcome = Outcome(
            folder, stopped_by, profile.run.accepted, **count_ledger(ledger), usage=usage, notes=notes_of_all
        )
        place_results(results, folder)
    return outcome


def write_rounds(rounds: Rounds, log: RunLog, parts: Path, profile: Profile, gold: GoldFolder) -> Counter[str]:
    """Write ledger, accepted rows and the dataset's own tables of each round as a file of its own; gives its notes.

    The first file of each has no rows: a run without a candidate has its columns from it.
    """
    dataset, room, notes = load_dataset(profile.dataset.folder), profile.run.accepted, Counter[str]()
    blank = pl.DataFrame(schema=build_candidate_schema(profile.dataset))
    made = _make_empty(parts / "finished")
    for number, ended in chain([(1, blank)], rounds.iter_ended()):
        candidates = drop_surplus_rows(ended, room)
        said = log.take_round(number)
        accepted, plan = build_accepted(candidates, rounds.read_plan_frame(number), profile)
        room -= accepted.height
        place = number if len(ended) else 0
        request = FinishRequest(made, place, plan, profile.options, profile.run.seed)
        finished = call_hook("finish", dataset.finish, accepted, gold, request)
        check_finished(accepted, finished, profile.dataset)
        notes.update(finished.notes)
        _write_part(parts / "ledger", place, build_ledger(candidates, said, profile))
        _write_part(parts / "accepted", place, finished.accepted)
        for name, path in finished.tables.items():
            (parts / name).mkdir(exist_ok=True)
            path.replace(parts / name / f"{place:06d}.parquet")
    made.rmdir()
    return notes


def check_finished(accepted: pl.DataFrame, finished: Finished, dataset: Declared) -> None:
    """Hold what `finish` gave against what it was given.

    Raises:
        DatasetError: a row is gone, or another in its place.
    """
    if "row_id" not in finished.accepted.columns or not finished.accepted["row_id"].equals(accepted["row_id"]):
        raise DatasetError(f"finish of the dataset {dataset.name} must give every accepted row back, in its order")


def scan_plans(folder: Path) -> pl.LazyFrame:
    """Scan the plans of all rounds."""
    plans = sorted((folder / "rounds").glob("*/plan.parquet"))
    return pl.concat([scan_file(path) for path in plans], how="diagonal_relaxed")


def _write_part(folder: Path, place: int, frame: pl.DataFrame) -> None:
    folder.mkdir(exist_ok=True)
    frame.write_parquet(folder / f"{place:06d}.parquet")


def scan_parts(folder: Path) -> pl.LazyFrame:
    """Scan the files of a folder one after the other, each column with the type that all of them agree on."""
    return pl.concat([scan_file(path) for path in sorted(folder.iterdir())], how="diagonal_relaxed")


def scan_file(path: Path) -> pl.LazyFrame:
    """Scan a Parquet file, whatever its folder is named."""
    return pl.scan_parquet(path, glob=False)


@contextmanager
def open_parts(folder: Path) -> Iterator[Path]:
    """Give a folder for what is put together, which is not left behind: on a full disk it would be in the way."""
    parts = _make_empty(folder / PARTS)
    try:
        yield parts
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _make_empty(folder: Path) -> Path:
    if folder.is_symlink() or not folder.is_dir():  # nothing is written through a link
        folder.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def place_results(results: Path, folder: Path) -> None:
    """Move results to where they belong, once all of them are on the disk; `usage.json` comes last."""
    sync_tree(results)
    made = sorted(results.iterdir())
    with record_replacing({folder / path.name: hash_file(path) for path in made}, folder):
        for path in made:
            path.replace(folder / path.name)
        results.rmdir()
        sync_folder(folder)


def build_ledger(candidates: pl.DataFrame, log: RoundLog, profile: Profile) -> pl.DataFrame:
    """One row per candidate: how it ended and why, every critique and edit, scores, seeds, models and tokens."""
    dataset = profile.dataset
    is_service = profile.backend.name == "microservices"  # which does not say how many requests it sent for a row
    constraint = [] if dataset.constraint is None else [dataset.constraint.name]
    return (
        candidates.join(count_row_usage(log.requests), on="row_id", how="left", maintain_order="left")
        .join(name_row_mendings(log.mended), on="row_id", how="left", maintain_order="left")
        .join(find_answering_models(log.requests, dataset.roles), on="row_id", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("requests", pl.lit(None if is_service else 0, dtype=pl.Int64)), pl.col("mended").fill_null([])
        )
        .select(
            "row_id",
            *_name_family(dataset),
            "round",
            "status",
            "reason",
            "failed_column",
            pl.col("retry_count").alias("refine_passes"),
            "critiques",
            "edits",
            "undone_edits",
            "mended",
            *dataset.criteria,
            *(POLICY_SCHEMA if dataset.policy is not None else ()),
            *constraint,
            pl.col("grounding_seeds").alias("gold_example_ids"),
            "generated_row",
            *dataset.keep,
            *_name_models(profile),
            "requests",
            "prompt_tokens",
            "completion_tokens",
        )
    )


def _name_family(dataset: Declared) -> tuple[str, ...]:
    return () if dataset.families is None else (FAMILY,)


def _name_models(profile: Profile) -> Iterator[pl.Expr]:
    """Name each role's model, or that which stood in for it: null where the row never came so far."""
    dataset = profile.dataset
    made = {column["model_alias"] for column in dataset.list_stage("generate") if "model_alias" in column}
    judge = dataset.find_column(dataset.judge)
    for role, name in name_model_columns(dataset).items():
        model = pl.coalesce(f"_by_{role}", pl.lit(profile.models[role].model))
        if role not in made:
            model = pl.when(pl.col("retry_count") > 0).then(model)
        elif judge is not None and role == judge["model_alias"] and name != "model":
            model = pl.when(pl.col(dataset.criteria[0]).is_not_null()).then(model)
        yield model.alias(name)


def build_accepted(
    candidates: pl.DataFrame, plans: pl.DataFrame, profile: Profile
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Build the accepted rows, and their rows of the plan: row_id, fields, controls, what is kept, scores, seeds."""
    dataset = profile.dataset
    rows = candidates.filter(pl.col("status") == "accepted")
    texts = rows["generated_row"].to_list()
    fields = frame_rows(texts if dataset.schema is None else [json.loads(text) for text in texts], dataset)
    plan = rows.select("row_id").join(plans, on="row_id", how="left", maintain_order="left")
    drawn = [control.name for control in profile.controls if control.name not in fields.columns]
    named = {"retry_count": "refine_passes", "grounding_seeds": "gold_example_ids"}
    kept = rows.select(*dataset.keep, *dataset.criteria, *named).rename(named)
    parts = [rows.select("row_id", *_name_family(dataset)), fields, plan.select(drawn), kept]
    return pl.concat(parts, how="horizontal"), plan


def export_rows(file: Path, profile: Profile) -> None:
    """Write the accepted rows of a Parquet file beside it in the other formats of a profile, some rows at a time.

    CSV joins the seeds' ids, has other lists as JSON, and an apostrophe before a text that a spreadsheet would run. In
    JSON lines what a field holds as JSON text is written as it came, and a key that an answer left out is left out.
    """
    scanned = scan_file(file)
    rows = int(scanned.select(pl.len()).collect().item())
    for suffix in (suffix for suffix in TEXT_FORMATS if suffix in profile.export):
        with file.with_suffix(f".{suffix}").open("w", encoding="utf-8", newline="") as text:
            for start in range(0, max(rows, 1), ROWS_AT_A_TIME):
                some = scanned.slice(start, ROWS_AT_A_TIME).collect()
                times = [name for name, kind in some.schema.items() if isinstance(kind, pl.Datetime)]
                plain = some.with_columns(pl.col(times).dt.to_string("iso:strict"))
                text.write(TEXT_FORMATS[suffix](plain, start == 0, profile.dataset))


def _format_csv(rows: pl.DataFrame, is_first: bool, _: Declared) -> str:
    nested = [name for name, kind in rows.schema.items() if kind.is_nested() and name != "gold_example_ids"]
    texts = [pl.Series(name, [json.dumps(value, default=str) for value in rows[name]]) for name in nested]
    flat = rows.with_columns(*texts, pl.col("gold_example_ids").list.join("|"))
    return neutralise_cells(flat).write_csv(include_header=is_first)


def _format_jsonl(rows: pl.DataFrame, _: bool, dataset: Declared) -> str:
    schema = dataset.schema or {}
    if not schema or is_flat(schema):
        return rows.write_ndjson()
    properties = schema.get("properties", {})
    nested = {name for name, part in properties.items() if name_plain_type(part) is None}
    optional = set(properties) - set(schema.get("required", ()))
    lines = (
        {
            name: json.loads(value) if name in nested and value is not None else value
            for name, value in row.items()
            if value is not None or name not in optional
        }
        for row in rows.iter_rows(named=True)
    )
    return "".join(f"{json.dumps(line, ensure_ascii=False, default=str)}\n" for line in lines)


TEXT_FORMATS: dict[str, Callable[[pl.DataFrame, bool, Declared], str]] = {"csv": _format_csv, "jsonl": _format_jsonl}


def drop_surplus_rows(candidates: pl.DataFrame, asked: int) -> pl.DataFrame:
    """Reject accepted rows beyond what was asked, which a round that was cut short has not done itself."""
    accepted = pl.col("status") == "accepted"
    surplus = accepted & (accepted.cast(pl.Int64).cum_sum() > asked)
    named = {"status": "rejected", "reason": NOT_NEEDED}
    return candidates.with_columns(
        pl.when(surplus).then(pl.lit(text)).otherwise(pl.col(name)).alias(name) for name, text in named.items()
    )
