"""With PyTorch, which is an extra: `pip install 'synthetic-trade-logs[transfer]'`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import run_cli
from tests.verification.transfer.laws import draw_windows
from verification.answers import HELPS, to_json
from verification.transfer.windows import CONTEXT

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _needs_torch() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'synthetic-trade-logs[transfer]'")


def test_a_fresh_draw_helps() -> None:
    from verification.transfer.measure import Parts, Setting, answer_parts  # noqa: PLC0415

    rng = np.random.default_rng(100)
    parts = Parts(draw_windows(120, rng), draw_windows(300, rng, first_day=900), draw_windows(1_000, rng), 0)
    assert answer_parts(parts, Setting(starts=2, workers=1), 0).verdict == HELPS


def test_a_wrong_slope_does_not_help() -> None:
    from verification.transfer.measure import Parts, Setting, answer_parts  # noqa: PLC0415

    rng = np.random.default_rng(101)
    wrong = draw_windows(1_000, rng, slope=-0.5)
    parts = Parts(draw_windows(120, rng), draw_windows(300, rng, first_day=900), wrong, 0)
    assert answer_parts(parts, Setting(starts=2, workers=1), 0).verdict != HELPS


def test_the_same_seed_says_the_same_and_the_answer_in_a_held_out_bar_after_the_entry_moves_nothing() -> None:
    from verification.transfer.measure import Parts, Setting, answer_parts  # noqa: PLC0415

    rng = np.random.default_rng(102)
    gold, held_out, synthetic = draw_windows(40, rng), draw_windows(40, rng, first_day=900), draw_windows(80, rng)
    planted = held_out.take(np.arange(len(held_out)))
    planted.bars[:, CONTEXT:] = held_out.excursions[:, :1, None]
    first, second, third = (
        to_json(answer_parts(Parts(gold, each, synthetic, 0), Setting(starts=1, workers=1), 0))
        for each in (held_out, held_out, planted)
    )
    assert first == second
    errors = [[arm["excursions"] for arm in each["metrics"]["arms"]] for each in (first, third)]
    assert errors[0] == errors[1]
    assert first["numbers"] == third["numbers"]


def test_a_run_is_asked_by_the_command(run_folder: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    result = run_cli("verify", run, "--transfer", "--json")
    answer = next(each for each in json.loads(result.output)["answers"] if each["question"] == "transfer")
    assert {arm["name"] for arm in answer["metrics"]["arms"]} >= {"gold_only", "synthetic_then_gold", "ols", "ewma"}
