"""The code of docs/fine-tuning.md runs as it stands there, on exports of two datasets; its tiny model is random."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_cli

PAGE = ROOT / "docs/fine-tuning.md"
NEEDED = ("torch", "transformers", "datasets", "accelerate")
PYTHON = "TRADELOGS_TUNING_PYTHON"  # an interpreter that has them, where this one has not


def read_code() -> str:
    """Read the page's one block of Python."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(code)


def find_python() -> str | None:
    """Find an interpreter with the libraries: one that is named, or this one."""
    if named := os.environ.get(PYTHON):
        return named
    return sys.executable if all(importlib.util.find_spec(name) for name in NEEDED) else None


def test_the_page_has_code_that_compiles() -> None:
    compile(read_code(), str(PAGE), "exec")


def read_last_turn(folder: Path) -> str:
    """Read what the first row of train has to be answered with."""
    chat = folder / "chat_train.jsonl"
    with (chat if chat.exists() else folder / "train.jsonl").open(encoding="utf-8") as lines:
        row = json.loads(lines.readline())
    return str(row["messages"][-1]["content"] if "messages" in row else row["output"]["explanation"])


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "export"), [("vpa_offline", "vpa_pairs"), ("strategy_offline", "finetuning")])
def test_a_tiny_model_is_trained_for_20_steps_on_the_answers_alone(profile: str, export: str, tmp_path: Path) -> None:
    python = find_python()
    if python is None:
        pytest.skip(f"{', '.join(NEEDED)} are not installed; name an interpreter that has them in {PYTHON}")
    result = run_cli("generate", profile, "--num", 60, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    (tmp_path / "tune.py").write_text(read_code(), encoding="utf-8")
    quiet = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    folder = tmp_path / "run/exports" / export
    done = subprocess.run(
        [python, "tune.py", str(folder), str(tmp_path / "model"), "20"],
        cwd=tmp_path,
        env={**os.environ, **quiet, "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["loss_after"] < said["loss_before"]
    assert said["learned_from"] == read_last_turn(folder) + "<|eot_id|>"
    lines = {part: len((folder / f"{part}.jsonl").read_text().splitlines()) for part in ("train", "validation", "test")}
    assert said["rows"] == lines
