"""A dataset's faults are found beside its questions, and what is wrong with them is said."""

from dataclasses import replace

import pytest

from verification.dataset import Dataset
from verification.errors import VerificationError
from verification.judge.faults import load_faults

TRADES = Dataset(
    name="trade_log",
    noun="trade",
    row="trade",
    schema={},
    judge="judge",
    criteria=("realism", "consistency", "completeness"),
    questions="verification.trades.questions",
    rows="required",
    bars="optional",
)


def test_trades_bring_their_own() -> None:
    assert {fault.criterion for fault in load_faults(TRADES).FAULTS} == set(TRADES.criteria)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"judge": None}, "columns/trade_log/dataset.yaml names no judge: there is nothing to calibrate"),
        ({"questions": "verification.texts.questions"}, r"brings no faults to plant: write verification.texts.faults"),
        ({"questions": "nowhere.questions"}, "write nowhere.faults with FAULTS and set_stage"),
        ({"criteria": ("realism", "completeness")}, "hurts consistency, which judge does not score: it scores realism"),
    ],
)
def test_what_is_missing_is_said(change: dict[str, object], said: str) -> None:
    with pytest.raises(VerificationError, match=said):
        load_faults(replace(TRADES, **change))  # type: ignore[arg-type]
