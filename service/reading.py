"""What a run's folder tells while it grows and after: counts, events, rows, bars, files. Only these files are given."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from service.errors import ServiceError
from service.jobs import FINAL, JobFolder

FILES = (
    *("accepted.parquet", "accepted.csv", "accepted.jsonl", "ledger.parquet", "rejected.parquet", "outcomes.parquet"),
    *("bars.parquet", "reviewed.parquet", "data_dictionary.json", "usage.json", "metrics.json", "provenance.json"),
    *("reviewed_ledger.parquet", "events.jsonl", "report.html", "drift.html", "drift.json", "profile.yaml"),
)
EVENT_WAIT = 0.3  # seconds between two looks at a growing log
MOST_ROWS = 100
AROUND = 30  # bars before a trade's first and after its last
NOT_SHOWN = ("generated_row",)


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


async def follow_events(jobs: JobFolder, name: str) -> AsyncIterator[str]:
    """Give a run's events as server-sent ones, from the first, until the run has ended; then its state."""
    place, log = 0, jobs.runs / name / "events.jsonl"
    while True:
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
    return {"total": total, "rows": json.loads(rows.write_json())}


def read_funnel(folder: Path) -> list[dict[str, Any]]:
    """Count candidates by how they ended, and why."""
    path = folder / "ledger.parquet"
    if not path.is_file():
        return []
    reason = pl.col("reason").str.extract(r"^\[([a-z_]+)").fill_null(pl.col("status"))
    counted = pl.scan_parquet(path, glob=False).group_by("status", reason).len().sort("status", "len").collect()
    return counted.rename({"len": "count"}).to_dicts()


def read_bars(folder: Path, row_id: str) -> list[dict[str, Any]]:
    """Read the bars of an accepted row: those made for it, or those of the gold up to the moment of the row."""
    for path, key in ((folder / "bars.parquet", "row_id"),):
        if path.is_file():
            mine = pl.scan_parquet(path, glob=False).filter(pl.col(key) == row_id).collect()
            if mine.height:
                wanted = [
                    name for name in ("timestamp", "open", "high", "low", "close", "volume") if name in mine.columns
                ]
                return mine.select(wanted).with_columns(pl.col("timestamp").cast(pl.String)).to_dicts()
    return _read_gold_bars(folder, row_id)


def _read_gold_bars(folder: Path, row_id: str) -> list[dict[str, Any]]:
    accepted, bars = folder / "accepted.parquet", folder / "gold" / "bars.parquet"
    if not (accepted.is_file() and bars.is_file()):
        return []
    row = pl.scan_parquet(accepted, glob=False).filter(pl.col("row_id") == row_id).collect()
    moment = next((name for name in ("as_of", "timestamp", "entry_time") if name in row.columns), None)
    if not row.height or moment is None or "ticker" not in row.columns:
        return []
    stamp = str(row[moment][0]).replace("T", " ")[:19]
    known = pl.scan_parquet(bars, glob=False).filter(pl.col("ticker") == row["ticker"][0])
    shown = known.with_columns(_at=pl.col("timestamp").dt.to_string("%Y-%m-%d %H:%M:%S")).filter(pl.col("_at") < stamp)
    last = shown.tail(2 * AROUND).collect()
    return last.select(pl.col("_at").alias("timestamp"), "open", "high", "low", "close", "volume").to_dicts()
