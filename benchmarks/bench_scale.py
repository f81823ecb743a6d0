"""What docs/scaling.md says, measured: `python -m benchmarks.bench_scale` (needs the extra `ray`).

Rows per second of one process and of workers, at the offline model's latencies; what putting parts together costs;
bytes per candidate; and what a round's end costs when many rounds lie behind it. The offline model runs on the same
machine and shares its cores.
"""

import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import polars as pl
import yaml

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import Profile, load_profile
from jobs.cluster import Part, PartResult, merge_parts
from jobs.job import Job
from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.cluster_workers import PartLogs, find_log
from refine_loop.record.events import EventLog, read_events
from refine_loop.rounds import Rounds
from refine_loop.run import start_run

SEED = 7
FILES = (
    "ledger.parquet",
    "accepted.parquet",
    "bars.parquet",
    "rejected.parquet",
    "events.jsonl",
    "rounds",
    "artifacts",
)
MERGED = 5_000  # rows of the longest round


def write_profile(folder: Path, candidates: int, parallel: int, workers: int) -> Profile:
    """Write the offline profile for so many candidates; `workers` 0 = in this process."""
    data = yaml.safe_load((PROJECT_ROOT / "designer_configs" / "offline.yaml").read_text(encoding="utf-8"))
    for model in data["models"].values():
        parameters = {"temperature": 0.8, "max_tokens": 512, "max_parallel_requests": parallel, "timeout": 60}
        model["inference_parameters"] = parameters
    data["run"] |= {"accepted": candidates, "max_candidates": candidates, "seed": SEED}
    data["engine"] = {"ray": {"workers": workers}} if workers else "local"
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load_profile(str(path), {})


def measure_run(candidates: int, parallel: int, workers: int, latency: float, folder: Path) -> dict[str, Any]:
    """Run once; rows and requests per second are those of the jobs that ask models."""
    profile = write_profile(folder, candidates, parallel, workers)
    ours, theirs = _count_cpu(resource.RUSAGE_SELF), _count_cpu(resource.RUSAGE_CHILDREN)
    with launch(Options(seed=SEED, latency=latency)) as endpoint:
        started = time.monotonic()
        outcome = start_run(profile, folder / "run", endpoint, lambda _: None)
        whole = time.monotonic() - started
    events = read_events(folder / "run/events.jsonl")
    asking = [e for e in events if e["event"] == "job_finished" and not e["job"].endswith("plan")]
    seconds = sum(event["seconds"] for event in asking)
    sent = sum(event["event"] == "request" for event in events)
    return {
        "candidates": outcome.candidates,
        "accepted": outcome.accepted,
        "seconds": seconds,
        "rows/s": outcome.candidates / seconds,
        "requests/s": sent / seconds,
        "requests/candidate": sent / outcome.candidates,
        "tokens/candidate": (outcome.usage["prompt_tokens"] + outcome.usage["completion_tokens"]) / outcome.candidates,
        "whole": whole,
        "cpu ms/request": (_count_cpu(resource.RUSAGE_SELF) - ours) / sent * 1000,
        "children's cpu ms/request": (_count_cpu(resource.RUSAGE_CHILDREN) - theirs) / sent * 1000,
        "load": os.getloadavg()[0],
    }


def _count_cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def weigh(run: Path, candidates: int, accepted: int) -> dict[str, float]:
    """Weigh the files of a run: bytes per candidate, those of accepted trades per trade."""
    found = {}
    for name in FILES:
        path = run / name
        size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size
        found[name] = size / (accepted if name in ("accepted.parquet", "bars.parquet") else candidates)
    return found


def measure_merge(run: Path, folder: Path) -> dict[str, float]:
    """Put the rows of a long round together, and take over as many workers' events, from those of a run."""
    rows = [row for path in sorted(run.glob("artifacts/001_generate*/parquet-files/*")) for row in _read(path)]
    profile = load_profile("offline")
    parts, results = [], []
    for number in range(MERGED // 500):
        own = [row | {"row_id": f"{number}-{i}"} for i, row in zip(range(500), rows * 5, strict=False)]
        seeds = folder / f"seeds.p{number:04d}.parquet"
        pl.DataFrame({"row_id": [row["row_id"] for row in own]}).write_parquet(seeds)
        config = {"seed_config": {"source": {"path": str(seeds)}}}
        parts.append(Part("001_generate", number, number * 500, len(own), config, profile, None, folder))
        results.append(PartResult(own, {}))
    started = time.perf_counter()
    merged = merge_parts(Job("001_generate", {}, MERGED), parts, results)
    merging = time.perf_counter() - started
    lines = [line for line in (run / "events.jsonl").read_bytes().splitlines(keepends=True) if b'"request"' in line]
    for part in parts:
        find_log(part).parent.mkdir(parents=True, exist_ok=True)
        find_log(part).write_bytes(b"".join((lines * 20)[:1000]))
    with EventLog(folder / "events.jsonl", lambda _: None) as log:
        logs = PartLogs(profile, folder, log)
        logs.begin(parts)
        started = time.perf_counter()
        logs.look(parts)
        taking = time.perf_counter() - started
    return {"rows": len(merged.rows), "merge s": merging, "events": 1000 * len(parts), "take over s": taking}


def _read(path: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(path).to_dicts()


def measure_round_end(run: Path, folder: Path, candidates: int) -> float:
    """Measure what counting the accepted rows takes, with so many candidates in earlier rounds: twice a round."""
    settled = pl.concat([pl.read_parquet(path) for path in sorted(run.glob("rounds/*/settled.parquet"))])
    batch = pl.concat([settled] * -(-MERGED // settled.height)).head(MERGED)
    for number in range(1, candidates // MERGED + 1):
        (folder / f"{number:03d}").mkdir(parents=True)
        batch.write_parquet(folder / f"{number:03d}" / "settled.parquet")
    started = time.perf_counter()
    Rounds(folder, load_profile("offline").dataset).count_accepted(10**6)
    return time.perf_counter() - started


@click.command()
@click.option("--candidates", default=1000, show_default=True)
@click.option("--parallel", default=64, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--behind", default=500_000, show_default=True, help="Candidates behind a round whose end is measured.")
def main(candidates: int, parallel: int, workers: int, behind: int) -> None:
    """Measure and print."""
    place = Path(tempfile.mkdtemp(prefix="bench-scale-"))
    try:
        for latency in (0.0, 0.3):
            for count in (0, workers):
                folder = place / f"{latency}-{count}"
                folder.mkdir()
                measured = measure_run(candidates, parallel, count, latency, folder)
                engine = f"{count} workers" if count else "1 process"
                print(f"latency {latency} s, {engine}: " + ", ".join(f"{k} {v:.4g}" for k, v in measured.items()))
        run = place / f"0.0-{workers}" / "run"
        weights = weigh(run, int(measured["candidates"]), int(measured["accepted"]))
        print("bytes each: " + ", ".join(f"{name} {size:,.0f}" for name, size in weights.items()))
        merge = place / "merge"
        merge.mkdir()
        print("merging: " + ", ".join(f"{name} {value:.4g}" for name, value in measure_merge(run, merge).items()))
        seconds = measure_round_end(run, place / "rounds", behind)
        print(f"counting the accepted with {behind:,} candidates behind: {seconds:.3g} s")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
