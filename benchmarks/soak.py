"""A long run against an endpoint that fails all the time: `python -m benchmarks.soak`.

One request in ten is answered with a 500, one in twenty later than the profile's timeout, and one answer in twenty does
not parse. Printed are the memory of the process at the end of every round, and in the end whether the ledger adds up
and whether `usage.json` has the requests that the endpoint itself has counted. The endpoint is the offline model on the
same machine, and shares its cores.
"""

import asyncio
import itertools
import multiprocessing
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import httpx
import polars as pl
import uvicorn
import yaml
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import load_profile
from offline_model.options import Options
from offline_model.server import make_app
from refine_loop.run import start_run
from refine_loop.state import ENDS

ERROR_RATE, LATE_RATE, MALFORMED_RATE = 0.10, 0.05, 0.05
TIMEOUT_SECONDS = 2
PARALLEL = 32
MIB = 2**20


class Flaky:
    """Answers some requests with a 500, keeps others waiting too long, and counts all of them by what it did."""

    def __init__(self, app: ASGIApp, error_rate: float, late_rate: float) -> None:
        self._app = app
        self._rates = error_rate, late_rate
        self._draw = random.Random(7)  # noqa: S311 - no secret
        self._counts = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await JSONResponse(self._counts)(scope, receive, send)
            return
        error_rate, late_rate = self._rates
        drawn = self._draw.random()
        fate = "error" if drawn < error_rate else "late" if drawn < error_rate + late_rate else "answered"
        self._counts[fate] += 1
        if fate == "error":
            await JSONResponse({"error": {"message": "overloaded"}}, 500)(scope, receive, send)
            return
        if fate == "late":
            await asyncio.sleep(TIMEOUT_SECONDS * 1.5)
        await self._app(scope, receive, send)


def serve(rates: tuple[float, float, float], told: Connection) -> None:
    """Serve on a free port of the loopback, which is told, until the process is ended."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    told.send(listener.getsockname()[1])
    app = Flaky(make_app(Options(seed=7, malformed_rate=rates[2])), *rates[:2])
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="error", lifespan="off")).run(sockets=[listener])


@contextmanager
def start_endpoint(rates: tuple[float, float, float]) -> Iterator[str]:
    """Start the endpoint in a process of its own, give its address, and end it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(rates, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def write_profile(folder: Path, candidates: int, minutes: float) -> Path:
    """Write the offline profile with a cap on candidates, a short timeout and short pauses."""
    data = yaml.safe_load((PROJECT_ROOT / "designer_configs" / "offline.yaml").read_text(encoding="utf-8"))
    parameters = {"temperature": 0.8, "max_tokens": 512, "max_parallel_requests": PARALLEL, "timeout": TIMEOUT_SECONDS}
    for model in data["models"].values():
        model["inference_parameters"] = parameters
    data["run"] |= {"accepted": candidates, "max_candidates": candidates, "max_minutes": minutes, "retry_seconds": 0.2}
    path = folder / "soak.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


class MemoryWatch:
    """Prints the process's memory at the end of every round: now, and the most since the last."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._most = 0.0
        self.counts = Counter[str]()
        threading.Thread(target=self._look, daemon=True).start()

    def observe(self, event: dict[str, Any]) -> None:
        """Take an event of the run."""
        self.counts[event["event"]] += 1
        if event["event"] == "round_settled":
            self.tell(f"round {event['round']:3}: {event['planned']:7,} candidates, {event['accepted']:7,} accepted")

    def tell(self, what: str) -> None:
        """Print a line, and begin anew to look for the most."""
        minutes, now = (time.monotonic() - self._began) / 60, _measure_memory()
        print(f"{minutes:6.1f} min  {what}, {now:5.0f} MiB, at most {max(self._most, now):5.0f} MiB", flush=True)
        self._most = 0.0

    def _look(self) -> None:
        while True:
            self._most = max(self._most, _measure_memory())
            time.sleep(0.2)


def _measure_memory() -> float:
    """Measure the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MIB


def check_ledger(run: Path, counts: dict[str, int], asked: Counter[str], usage: dict[str, Any]) -> None:
    """Print whether ledger, outputs, usage and the endpoint's own counts agree."""
    ledger = pl.scan_parquet(run / "ledger.parquet")
    ids = ledger.select(pl.len(), unique=pl.col("row_id").n_unique()).collect().row(0)
    ended = dict(ledger.group_by("status").len().collect().rows())
    accepted = pl.scan_parquet(run / "accepted.parquet").select(pl.len()).collect().item()
    adds_up = ids == (counts["candidates"],) * 2 and sum(ended.values()) == ids[0]
    agrees = all(ended.get(status, 0) == counts[status] for status in ENDS) and accepted == counts["accepted"]
    print(f"ledger: {ids[0]:,} rows, {ids[1]:,} ids, {ended}; adds up: {adds_up}; agrees with the files: {agrees}")
    # The endpoint may have counted a request that the client gave up before its answer; both have seen it.
    print(
        f"requests: {usage['requests']:,} in usage.json, {usage['failed_requests']:,} failed; endpoint: {dict(asked)}"
    )


@click.command()
@click.option("--candidates", default=200_000, show_default=True)
@click.option("--minutes", default=120.0, show_default=True, help="The run's own cap.")
@click.option("--steady", is_flag=True, help="An endpoint without a fault, to see what memory does by itself.")
def main(candidates: int, minutes: float, *, steady: bool) -> None:
    """Run, and print."""
    rates = (0.0, 0.0, 0.03) if steady else (ERROR_RATE, LATE_RATE, MALFORMED_RATE)
    with tempfile.TemporaryDirectory(prefix="soak-") as place, start_endpoint(rates) as endpoint:
        profile = load_profile(str(write_profile(Path(place), candidates, minutes)), {})
        watch = MemoryWatch()
        outcome = start_run(profile, Path(place) / "run", endpoint, watch.observe)
        watch.tell(f"outputs: {outcome.candidates:7,} candidates, stopped by {outcome.stopped_by}")
        asked = Counter(httpx.get(endpoint, trust_env=False).json())
        check_ledger(Path(place) / "run", outcome.counts, asked, outcome.usage)
        print(f"taken for down: {watch.counts['provider_down']:,} times")
        print("\n".join(itertools.chain((f"{count:7,} x {why}" for why, count in outcome.reasons[:8]), outcome.notes)))


if __name__ == "__main__":
    main()
