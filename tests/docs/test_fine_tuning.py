"""The code of docs/fine-tuning.md runs as it stands there, on pairs of a run and a tiny model with random weights."""

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


@pytest.mark.slow
def test_a_tiny_model_is_trained_for_a_few_steps(tmp_path: Path) -> None:
    python = find_python()
    if python is None:
        pytest.skip(f"{', '.join(NEEDED)} are not installed; name an interpreter that has them in {PYTHON}")
    result = run_cli("generate", "vpa_offline", "--num", 60, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    (tmp_path / "tune.py").write_text(read_code(), encoding="utf-8")
    quiet = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    pairs = tmp_path / "run/exports/vpa_pairs"
    done = subprocess.run(
        [python, "tune.py", str(pairs), str(tmp_path / "model"), "12"],
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
    lines = {part: len((pairs / f"{part}.jsonl").read_text().splitlines()) for part in ("train", "validation", "test")}
    assert said["rows"] == lines
