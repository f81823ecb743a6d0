"""The table of mendings is what the readers do: no name that nothing has, and each can be switched off."""

import json
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import pytest

from jobs.reading.answer import Answer, Read, Refused
from jobs.reading.judgement import read_judgement
from jobs.reading.mendings import ALL, MENDINGS
from jobs.reading.refinement import read_refinement
from jobs.reading.row import read_object
from tests.jobs.reading.rows import CONTEXT, ROW, SCHEMA, TRADE, write
from tests.jobs.reading.test_row import READ
from tests.jobs.reading.test_values import MENDED

FIELDS = {"a": {"type": "boolean"}, "b": {"type": "string"}, "c": {"enum": ["go_on", "stop"]}}
SMALL = {"type": "object", "required": ["a"], "properties": FIELDS}
OPTIONS = {"realism": {1: "Poor.", 2: "Good."}}
JUDGED: list[tuple[Any, str]] = [
    ({"realism": {"reasoning": "", "score": "2"}}, "score_as_text"),
    ({"realism": {"reasoning": "", "score": "2/2"}}, "score_out_of"),
    ({"realism": {"reasoning": "", "score": "2 - good"}}, "score_with_words"),
    ({"realism": {"reasoning": "", "score": "two"}}, "score_in_words"),
    ({"realism_score": 2, "realism_reason": ""}, "scores_arranged"),
    ({"realism": {"score": 2}}, "reasoning_missing"),
    ({"realism": {"score": 2, "reasoning": ["a", "b"]}}, "reasoning_joined"),
]
REFINED: list[tuple[Any, str]] = [
    ({"ticker": "SIM1"}, "changed_only"),
    (TRADE | {"ticker": None}, "null_as_unchanged"),
    ([{"field": "ticker", "value": "SIM1"}], "edits_listed"),
    ([{"op": "replace", "path": "/ticker", "value": "SIM1"}], "json_patch"),
]


def list_forms() -> list[Callable[[Collection[str]], Read | Refused]]:
    """List a reading of one answer of every form; each takes the mendings that are allowed."""
    rows = [Answer(text) for text, _ in READ.values()] + [Answer(write(**{name: said})) for name, said, _, _ in MENDED]
    rows += [Answer(None, ROW), Answer(None, arguments=(ROW,))]
    small = [Answer('{"a": "true"}'), Answer('{"a": true, "b": null}'), Answer('{"a": true, "c": "go on"}')]
    judged = [*(json.dumps(said) for said, _ in JUDGED), '{"realism": {"score": 2, "reasoning": "a\nb"}}']
    return [
        *(partial(read_row, row, SCHEMA) for row in rows),
        *(partial(read_row, one, SMALL) for one in small),
        *(partial(read_scores, said) for said in judged),
        *(partial(read_changes, json.dumps(said)) for said, _ in REFINED),
    ]


def read_row(answer: Answer, schema: dict[str, Any], mendings: Collection[str]) -> Read | Refused:
    return read_object(answer, schema, context=CONTEXT, mendings=mendings)


def read_scores(said: str, mendings: Collection[str]) -> Read | Refused:
    return read_judgement(Answer(said), OPTIONS, mendings=mendings)


def read_changes(said: str, mendings: Collection[str]) -> Read | Refused:
    return read_refinement(Answer(said), SCHEMA, TRADE, context=CONTEXT, mendings=mendings)


def test_every_mending_of_the_table_is_made_and_can_be_switched_off() -> None:
    made = set()
    for form in list_forms():
        answer = form(ALL)
        assert isinstance(answer, Read)
        assert form(frozenset(answer.mended)) == answer
        for name in answer.mended:
            made.add(name)
            refused = form(ALL - {name})
            assert isinstance(refused, Refused)
            assert refused.cause == "mending_off"
    assert made == set(MENDINGS)


@pytest.mark.parametrize(("said", "name"), [*JUDGED, *REFINED])
def test_mending_of_scores_and_changes_is_named(said: Any, name: str) -> None:
    read = read_scores if (said, name) in JUDGED else read_changes
    answer = read(json.dumps(said), ALL)
    assert isinstance(answer, Read)
    assert name in answer.mended
