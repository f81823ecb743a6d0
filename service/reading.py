"""What a run's folder tells while it grows and after: counts, events, rows, bars, files. Only these files are given."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from columns.dataset import load_dataset
from indicators.bars import VALUES
from service.errors import ServiceError
from service.jobs import FINAL, JobFolder
from service.shown import print_row, read_known_bars, read_plans, read_profile

FILES = (
    *("accepted.parquet", "accepted.csv", "accepted.jsonl", "ledger.parquet", "rejected.parquet", "outcomes.parquet"),
    *("bars.parquet", "reviewed.parquet", "data_dictionary.json", "usage.json", "metrics.json", "provenance.json"),
    *("reviewed_ledger.parquet", "events.jsonl", "report.html", "drift.html", "drift.json", "profile.yaml"),
)
EVENT_WAIT = 0.3  # seconds between two looks at a growing log
LIST_WAIT = 1.0  # between two looks at all runs
MOST_ROWS = 100


class Counts:
    """Counts of runs that grow: each log is read once, from where it was left."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, dict[str, Any]]] = {}

    def read(self, folder: Path) -> dict[str, Any]:
        """Count a run's requests, tokens and ended candidates so far; its cost where it has ended."""
        log = folder / "events.jsonl"
        if not log.is_file():
            self._known.pop(log, None)
            return {}
        place, counts = self._known.get(log, (0, {"requests": 0, "prompt_tokens": 0, "completion_tokens": 0}))
        if log.stat().st_size < place:
            place, counts = 0, {"requests": 0, "prompt_tokens": 0, "completion_tokens": 0}
        with log.open("rb") as file:
            file.seek(place)
            grown = file.read()
        whole = grown.rfind(b"\n") + 1
        for line in grown[:whole].splitlines():
            count_event(json.loads(line), counts)
        self._known[log] = place + whole, counts
        return counts | read_cost(folder)


def count_event(event: Mapping[str, Any], counts: dict[str, Any]) -> None:
    """Count one event."""
    match event["event"]:
        case "request":
            counts["requests"] += 1
            for name in ("prompt_tokens", "completion_tokens"):
                counts[name] += event.get(name) or 0
        case "job_started":
            counts["job"] = event["job"]
        case "round_settled":
            counts |= {"round": event["round"], "accepted": event["accepted"], "planned": event["planned"]}
        case "run_finished":
            counts |= {name: event[name] for name in ("candidates", "accepted", "rejected", "failed")}


def read_cost(folder: Path) -> dict[str, Any]:
    """Read cost and verdict, where the run has come so far."""
    found = dict[str, Any]()
    for file, keys in (("usage.json", ("cost", "currency", "seconds")), ("metrics.json", ("overall",))):
        try:
            document = json.loads((folder / file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        found |= {key: document.get(key) for key in keys}
    return found


async def follow_events(jobs: JobFolder, name: str, stopping: Event) -> AsyncIterator[str]:
    """Give a run's events as server-sent ones, from the first, until the run has ended; then its state."""
    place, log = 0, jobs.runs / name / "events.jsonl"
    while not stopping.is_set():
        state = jobs.tell_state(name)
        if log.is_file():
            with log.open("rb") as file:
                file.seek(place)
                grown = file.read()
            whole = grown.rfind(b"\n") + 1
            place += whole
            for line in grown[:whole].decode("utf-8", "replace").splitlines():
                yield f"data: {line}\n\n"
        if state in FINAL or state == "stopped":
            yield f"event: state\ndata: {json.dumps({'state': state})}\n\n"
            return
        yield f"event: state\ndata: {json.dumps({'state': state})}\n\n"
        await asyncio.sleep(EVENT_WAIT)


async def follow_runs(tell: Callable[[], list[dict[str, Any]]], stopping: Event) -> AsyncIterator[str]:
    """Give the list of runs as a server-sent event whenever it has changed, until nobody listens."""
    known = ""
    while not stopping.is_set():
        now = json.dumps({"runs": await asyncio.to_thread(tell)})
        yield f"data: {now}\n\n" if now != known else ":\n\n"  # a comment: it shows whether somebody is there
        known = now
        await asyncio.sleep(LIST_WAIT)


def find_file(folder: Path, name: str) -> Path:
    """Find a file of a run that may be fetched.

    Raises:
        ServiceError: 404 where it is none of them, or not there.
    """
    if name not in FILES or not (folder / name).is_file():
        raise ServiceError(404, f"there is no such file; there are {', '.join(list_files(folder)) or 'none yet'}")
    return folder / name


def list_files(folder: Path) -> list[str]:
    """List the files of a run that may be fetched."""
    return [name for name in FILES if (folder / name).is_file()]


def read_rows(folder: Path, start: int, count: int) -> dict[str, Any]:
    """Read some candidates of a run: what became of them, their row, critiques and edits."""
    path = folder / "ledger.parquet"
    if not path.is_file():
        return {"total": 0, "rows": []}
    try:
        ledger = pl.scan_parquet(path, glob=False)
        total = int(ledger.select(pl.len()).collect().item())
        rows = ledger.slice(start, min(count, MOST_ROWS)).collect()
    except (PolarsError, OSError) as exc:
        raise ServiceError(409, "the ledger cannot be read; resume the run") from exc
    dataset, plans = load_dataset(read_profile(folder).dataset.folder), read_plans(folder, rows["row_id"].to_list())
    texts = rows.select("row_id", pl.col("generated_row").fill_null("")).iter_rows()
    shown = {name: print_row(dataset, text, plans.get(name)) for name, text in texts}
    return {"total": total, "rows": [row | {"shown": shown[row["row_id"]]} for row in json.loads(rows.write_json())]}


def read_funnel(folder: Path) -> list[dict[str, Any]]:
    """Count candidates by how they ended, and why."""
    path = folder / "ledger.parquet"
    if not path.is_file():
        return []
    reason = pl.col("reason").str.extract(r"^\[([a-z_]+)").fill_null(pl.col("status"))
    counted = pl.scan_parquet(path, glob=False).group_by("status", reason).len().sort("status", "len").collect()
    return counted.rename({"len": "count"}).to_dicts()


def read_bars(folder: Path, row_id: str) -> list[dict[str, Any]]:
    """Read the bars of a candidate: those made for an accepted trade, or those of the gold up to its moment."""
    path = folder / "bars.parquet"
    if path.is_file():
        mine = pl.scan_parquet(path, glob=False).filter(pl.col("row_id") == row_id).collect()
        if mine.height:
            wanted = [name for name in ("timestamp", *VALUES) if name in mine.columns]
            return mine.select(wanted).with_columns(pl.col("timestamp").cast(pl.String)).to_dicts()
    plan = read_plans(folder, [row_id]).get(row_id)
    return [] if plan is None else read_known_bars(folder, read_profile(folder).dataset, plan)
