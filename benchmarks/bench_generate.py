"""How near a run comes to what the endpoint's latency allows: `python -m benchmarks.bench_generate`.

The floor of a job is max(requests x latency / parallel, model columns x latency): no client can be quicker. The floor
of a run is the sum over its jobs, refine passes included. At latency 0 the machine is the limit; the same endpoint is
then asked row by row for comparison. The endpoint is the offline model on the same machine, so both share its cores.
"""

import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import click
import httpx
import jinja2
import polars as pl
import yaml

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import load_profile
from jobs.library.speed import PARTS, switched_off
from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.record.events import CHECK, read_events
from refine_loop.run import start_run

PARALLEL = 64
MODEL = "rehearsal"  # one name for all roles: the library's cap on parallel requests is per name
MODEL_COLUMNS = 2  # a drafting column and the judge, in both kinds of job
SERIAL_ROWS = 20


def write_profile(folder: Path, candidates: int) -> Path:
    """Write the offline profile with one model name and 64 parallel requests, ended by its cap after one round."""
    data = yaml.safe_load((PROJECT_ROOT / "designer_configs" / "offline.yaml").read_text(encoding="utf-8"))
    parameters = {"temperature": 0.8, "max_tokens": 512, "max_parallel_requests": PARALLEL, "timeout": 60}
    for role in data["models"]:
        data["models"][role] = {"model": MODEL, "inference_parameters": parameters}
    data["run"] |= {"accepted": candidates, "max_candidates": candidates}
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def measure_run(candidates: int, latency: float, malformed_rate: float, folder: Path) -> dict[str, Any]:
    """Run once against the offline model with an added latency, and work out floor and wall from its events."""
    profile = load_profile(str(write_profile(folder, candidates)), {})
    with launch(Options(seed=profile.run.seed, latency=latency, malformed_rate=malformed_rate)) as endpoint:
        started = time.monotonic()
        outcome = start_run(profile, folder / "run", endpoint, lambda _: None)
        whole = time.monotonic() - started
        serial = measure_serial(folder / "run", endpoint) if latency == 0 else None
    events = read_events(folder / "run" / "events.jsonl")
    requests = Counter(event["job"] for event in events if event["event"] == "request" and event["job"] != CHECK)
    wall = sum(event["seconds"] for event in events if event["event"] == "job_finished")
    floor = sum(max(count * latency / PARALLEL, MODEL_COLUMNS * latency) for count in requests.values())
    refined = pl.read_parquet(folder / "run" / "ledger.parquet")["refine_passes"].gt(0).mean()
    return {
        "candidates": outcome.candidates,
        "refined": refined,
        "requests": requests.total(),
        "wall": wall,
        "whole": whole,
        "floor": floor,
        "serial": serial,
    }


def measure_serial(run: Path, endpoint: str) -> float:
    """Generate and judge the first rows of a run's plan one request at a time; seconds per row."""
    columns = {
        c["name"]: c for c in yaml.safe_load((run / "data_designer.yaml").read_text(encoding="utf-8"))["columns"]
    }
    plan = pl.read_parquet(run / "rounds" / "001" / "plan.parquet").head(SERIAL_ROWS).to_dicts()
    started = time.monotonic()
    with httpx.Client(base_url=endpoint) as client:
        for row in plan:
            trade = ask(client, columns["trade"]["prompt"], row)
            ask(client, columns["judge"]["prompt"], row | {"trade_checks__trade": trade})
    return (time.monotonic() - started) / len(plan)


def ask(client: httpx.Client, template: str, row: dict[str, Any]) -> str:
    """Ask the endpoint one question and give its answer's text."""
    prompt = jinja2.Template(template).render(row)
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}
    answer = client.post("/chat/completions", content=json.dumps(body))
    # A malformed trade makes a prompt that the offline model refuses: it took its time all the same.
    return str(answer.json()["choices"][0]["message"]["content"]) if answer.is_success else ""


def measure_parts(candidates: int, repeats: int = 3) -> None:
    """Print what each part of the speed buys at 0 s latency: the median wall without it over that with all."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return float(measure_run(candidates, 0.0, 0.0, Path(folder))["wall"])

    measure()  # what is imported and compiled once
    for name in PARTS:
        ratios = []
        for _ in range(repeats):  # in turn, so that a machine whose speed wanders does so for both
            whole = measure()
            switched_off.add(name)
            ratios.append(measure() / whole)
            switched_off.clear()
        print(f"  without {name}: {median(ratios):.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})")


@click.command()
@click.option("--candidates", default=600, show_default=True)
@click.option("--latency", "latencies", multiple=True, type=float, default=(1.0, 0.3, 0.0), show_default=True)
@click.option("--malformed-rate", default=0.0, show_default=True, help="Share of answers that need a correction.")
@click.option("--parts/--no-parts", default=True, show_default=True, help="Say what each part of the speed buys.")
def main(candidates: int, latencies: tuple[float, ...], malformed_rate: float, parts: bool) -> None:
    """Print floor / wall at each latency, and candidates per second at latency 0."""
    for latency in latencies:
        with tempfile.TemporaryDirectory() as folder:
            result = measure_run(candidates, latency, malformed_rate, Path(folder))
        setting = f"{result['candidates']} candidates, {result['requests']} requests, {PARALLEL} parallel"
        refined = f"{result['refined']:.0%} of first drafts refined, {malformed_rate:.0%} of answers malformed"
        if latency:
            ratio = result["floor"] / result["wall"]
            print(f"generate at {latency} s latency: floor/wall {ratio:.2f} ({setting}, {refined})")
            print(f"  floor {result['floor']:.1f} s, wall {result['wall']:.1f} s, with outputs {result['whole']:.1f} s")
        else:
            rate = result["candidates"] / result["wall"]
            serial = 1 / result["serial"]
            print(f"generate at 0 s latency: {rate:.0f} candidates/s ({setting}, {refined})")
            print(
                f"  serial loop over the same endpoint: {serial:.0f} rows/s (generate and judge, no refining; "
                f"extrapolated from {SERIAL_ROWS} rows); ratio {rate / serial:.2f}"
            )
    if parts:
        measure_parts(candidates // 2)


if __name__ == "__main__":
    main()
