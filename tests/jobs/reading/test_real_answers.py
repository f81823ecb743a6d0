"""Real models' answers, and every prefix of them: read as a strict reading of a closed object does, or refused.

`answers.jsonl` has some of SmolLM2-135M-Instruct (Apache-2.0) to this project's own prompts; more lie outside of it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.reading.answer import Answer, Read, Refused
from jobs.reading.judgement import read_judgement
from jobs.reading.row import read_object
from tests.jobs.reading.rows import CONTEXT, NUMBER, SCHEMA, TIME
from tests.jobs.reading.test_never_wrong import list_closed

FOLDER = Path(__file__).parents[3].parent / "shared" / "cases" / "answers"
SCORES = {name: dict.fromkeys(range(1, 6), "") for name in ("realism", "consistency", "completeness")}
DERIVED = {
    "cents": ("seconds_held", "entry_price_cents", "exit_bp", "adverse_bp", "favourable_bp"),
    "signed": ("seconds_held", "entry_price", "exit_percent", "adverse_percent", "favourable_percent"),
    "lines": ("seconds_held", "entry_price", "exit_percent", "worst_percent", "best_percent"),
}
needs_more = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real answers in ../shared/cases/answers")
OWN = Path(__file__).with_name("answers.jsonl")


def load(name: str) -> list[dict[str, Any]]:
    return load_lines(FOLDER / name)


def load_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_real(record: dict[str, Any], text: str, finish: str | None) -> Read | Refused:
    """Read an answer by the schema that its role and its prompt had."""
    answer = Answer(text, finish_reason=finish)
    if record["role"] == "judge":
        return read_judgement(answer, SCORES)
    if record.get("constrained") != "derived":
        return read_object(answer, SCHEMA, context=CONTEXT)
    names = DERIVED[record["prompt"]]
    schema = {"type": "object", "required": ["entry_time", *names], "additionalProperties": False}
    return read_object(
        answer, schema | {"properties": {"entry_time": TIME, **dict.fromkeys(names, NUMBER)}}, context=CONTEXT
    )


def list_prefixes(text: str, stride: int) -> Iterator[str]:
    """List prefixes of a text: all around its braces, every `stride`th elsewhere."""
    for end in range(len(text) + 1):
        if end % stride == 0 or "}" in text[max(0, end - 2) : end + 1]:
            yield text[:end]


def check_prefixes(records: list[dict[str, Any]], stride: int) -> int:
    """Check each prefix of every distinct answer; how many of them were read."""
    count = 0
    for record in {record["text"]: record for record in records}.values():
        closed = list_closed(record["text"]) if record["text"].count("}") < 60 else None
        for prefix in list_prefixes(record["text"], stride):
            answer = read_real(record, prefix, "length")
            if isinstance(answer, Read):
                count += 1
                objects = closed or list_closed(prefix)
                assert any(answer.value.items() <= one.items() for one in objects), prefix  # extra keys are left out
                assert set(answer.mended) <= {"fence", "no_fence", "extra_keys", "repeated"}
    return count


def test_prefixes_of_our_own_answers_are_refused_or_read_as_a_closed_object() -> None:
    assert check_prefixes(load_lines(OWN), stride=17) > 30


@pytest.mark.slow
def test_every_prefix_of_our_own_answers_is_refused_or_read_as_a_closed_object() -> None:
    assert check_prefixes(load_lines(OWN), stride=1) > 30


def test_our_own_answers_are_read_where_they_are_closed() -> None:
    records = load_lines(OWN)
    assert {record["role"] for record in records} == {"generator", "judge", "refiner"}
    assert len({record["is_read"] for record in records}) == 2
    for record in records:
        answer = read_real(record, record["text"], record["finish_reason"])
        assert isinstance(answer, Read) == record["is_read"], record["text"]


@needs_more
def test_answers_that_a_decoder_held_to_the_schema_are_all_read_unmended() -> None:
    held = [one for one in load("real_answers.jsonl") if one["constrained"] and one["finish_reason"] == "stop"]
    answers = [read_real(record, record["text"], "stop") for record in held]
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [answer.line for answer in refused] == ["ticker must not be empty."]
    assert all(isinstance(answer, Refused) or answer.mended == () for answer in answers)


@needs_more
def test_answers_without_a_decoder_are_refused_by_their_cause() -> None:
    free = [one for one in load("real_answers.jsonl") if not one["constrained"]]
    causes = Counter(
        "read" if isinstance(answer, Read) else answer.cause
        for answer in (read_real(record, record["text"], record["finish_reason"]) for record in free)
    )
    assert causes["read"] == 1
    assert causes["cut"] >= 40


@needs_more
def test_run_as_traced_is_read_where_its_answers_are_closed() -> None:
    for record in load("product_runs.jsonl"):
        said = record["answer"]
        answer = read_real(record, said["content"], said["finish_reason"])
        if isinstance(answer, Read) and record["role"] != "judge":
            assert answer.value in list_closed(said["content"])
        elif isinstance(answer, Refused):
            assert answer.cause in ("bad_value", "no_object", "not_json", "schema_echoed")


@needs_more
def test_prefixes_of_real_answers_are_refused_or_read_as_a_closed_object() -> None:
    assert check_prefixes(load("real_answers.jsonl"), stride=97) > 300


@needs_more
@pytest.mark.slow
def test_every_prefix_of_every_real_answer_is_refused_or_read_as_a_closed_object() -> None:
    assert check_prefixes(load("real_answers.jsonl"), stride=1) > 300
