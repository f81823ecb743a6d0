"""What a refiner gives back: the row, its changes, a patch; the rest stays as it was."""

import json
from typing import Any

import pytest

from jobs.reading.answer import Answer, Read, Refused
from jobs.reading.refinement import read_refinement
from tests.jobs.reading.rows import CONTEXT, OTHER_ROW, ROW, SCHEMA, TRADE

CHANGED = TRADE | {"best_exit_percent": 1.5}
REPLACE = {"op": "replace", "path": "/best_exit_percent", "value": 1.5}


def read(said: Any) -> Read | Refused:
    content = said if isinstance(said, str) else json.dumps(said)
    return read_refinement(Answer(content, finish_reason="stop"), SCHEMA, TRADE, context=CONTEXT)


@pytest.mark.parametrize(
    ("said", "mended"),
    [
        (CHANGED, ()),
        ({"best_exit_percent": 1.5}, ("changed_only",)),
        ("I mended this: {'Best_Exit_Percent': '1.5%'}.", None),
        ('```json\n{"best_exit_percent": 1.5}\n```', ("changed_only",)),
        ({"best_exit_percent": 1.5, "worst_exit_percent": -0.977}, ("changed_only",)),
        (dict.fromkeys(TRADE) | {"best_exit_percent": 1.5}, ("changed_only", "null_as_unchanged")),
        ({"trade": CHANGED}, ("wrapper_key",)),
        ({"changes": {"best_exit_percent": 1.5}}, ("wrapper_key", "changed_only")),
        ({"changes": {"best_exit_percent": 1.5}, "reason": "above the exit"}, ("wrapper_key", "changed_only")),
        ({"previous": TRADE, "mended": CHANGED}, ("wrapper_key",)),
        ([REPLACE], ("json_patch",)),
        (REPLACE, ("json_patch",)),
        ({"patch": [REPLACE]}, ("wrapper_key", "json_patch")),
        ([REPLACE | {"path": "best_exit_percent"}], ("json_patch",)),
        ([REPLACE | {"value": "1.5%"}], None),
        ([{"op": "test", "path": "/ticker", "value": "SIM4"}, REPLACE], ("json_patch",)),
        ({"changes": [{"field": "best_exit_percent", "new_value": 1.5}]}, ("wrapper_key", "edits_listed")),
        ({"best_exit_percent": {"from": 0.902, "to": 1.5}}, ("edits_listed",)),
        ({"best_exit_percent": {"old": 0.902, "new": "1.5%", "reason": "above the exit"}}, None),
        (f"<think>{OTHER_ROW}</think>{json.dumps(CHANGED)}", ("thinking",)),
        (f'{{"best_exit_percent": 1.5}}\n\nThe whole row:\n{json.dumps(CHANGED)}', None),
    ],
)
def test_changes_are_merged_into_the_row(said: Any, mended: tuple[str, ...] | None) -> None:
    answer = read(said)
    assert isinstance(answer, Read)
    assert (answer.value, answer.note) == (CHANGED, None)
    assert mended is None or answer.mended == mended


@pytest.mark.parametrize("said", [TRADE, {"ticker": "SIM4"}, dict.fromkeys(TRADE), [REPLACE | {"value": 0.902}]])
def test_row_that_is_as_it_was_is_noted(said: Any) -> None:
    answer = read(said)
    assert isinstance(answer, Read)
    assert (answer.value, answer.note) == (TRADE, "unchanged")


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("The excursion is now 1.5, above the exit.", "no_object"),
        ("- best_exit_percent: 1.5", "no_object"),
        ({"note": "nothing to mend"}, "no_object"),
        ({"best_exit_percent": "high"}, "bad_value"),
        ({"ticker": ""}, "bad_value"),
        ('{"best_exit_percent": 1.5, "best_exit_percent": 1.6}', "repeated_keys"),
        ('{"best_exit_percent": 1.5} or {"best_exit_percent": 1.6}', "several_objects"),
        (f"{json.dumps(CHANGED)}\nIt was:\n{ROW}", "several_objects"),
        ('{"best_exit_percent": 1.', "not_closed"),
        ([{"op": "replace", "path": "/no_such_field/x", "value": 1}], "bad_patch"),
        ([{"op": "add", "path": "/best_exit", "value": 1.5}], "bad_patch"),
        ([{"op": "fix", "path": "/ticker", "value": "SIM1"}], "bad_patch"),
        ([{"op": "test", "path": "/ticker", "value": "SIM1"}, REPLACE], "bad_patch"),
        ([{"op": "remove", "path": "/ticker"}], "missing_field"),
        ([{"op": "replace", "path": "", "value": []}], "bad_patch"),
        ({"type": "object", "properties": {"best_exit_percent": 1.5}}, "schema_echoed"),
    ],
)
def test_answer_without_one_usable_change_is_refused(said: Any, cause: str) -> None:
    answer = read(said)
    assert isinstance(answer, Refused)
    assert answer.cause == cause
