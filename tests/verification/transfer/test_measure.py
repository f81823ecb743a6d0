"""With PyTorch, which is an extra: `pip install 'synthetic-trade-logs[transfer]'`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import run_cli
from tests.verification.transfer.laws import draw_windows
from verification.answers import HELPS, to_json

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _needs_torch() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'synthetic-trade-logs[transfer]'")


def test_a_fresh_draw_helps_and_the_same_seed_says_the_same() -> None:
    from verification.transfer.measure import Parts, Setting, answer_parts  # noqa: PLC0415

    rng = np.random.default_rng(100)
    parts = Parts(draw_windows(120, rng), draw_windows(300, rng, first_day=900), draw_windows(1_000, rng), 0)
    first, second = (to_json(answer_parts(parts, Setting(starts=2, workers=1), 0)) for _ in range(2))
    assert first["verdict"] == HELPS
    assert first == second


def test_a_wrong_slope_does_not_help() -> None:
    from verification.transfer.measure import Parts, Setting, answer_parts  # noqa: PLC0415

    rng = np.random.default_rng(101)
    wrong = draw_windows(1_000, rng, slope=-0.5)
    parts = Parts(draw_windows(120, rng), draw_windows(300, rng, first_day=900), wrong, 0)
    assert answer_parts(parts, Setting(starts=2, workers=1), 0).verdict != HELPS


def test_a_run_is_asked_by_the_command(run_folder: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    result = run_cli("verify", run, "--transfer", "--json")
    answer = next(each for each in json.loads(result.output)["answers"] if each["question"] == "transfer")
    assert {arm["name"] for arm in answer["metrics"]["arms"]} >= {"gold_only", "synthetic_then_gold", "ols", "ewma"}
