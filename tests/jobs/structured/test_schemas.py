"""What of a schema is said to a model, and what its provider's decoder is sent."""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from columns.narrowing import MOST_VALUES, list_near, match_times, narrow_fields
from gold_data.violation import Expectation
from jobs.library.prompts import say_schema
from jobs.structured.dialects import BY_NAME, TABLE, find_dialect, reduce_schema, write_body
from jobs.structured.probe import find_mode, is_of_schema
from jobs.structured.schemas import RecursiveSchemaError, shorten, write_out

TRADE = json.loads((Path(__file__).parents[3] / "columns/trade_log/trade.schema.json").read_text(encoding="utf-8"))
LLAMA = BY_NAME["llama_cpp"]
SMALL = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}


def test_references_are_written_out_and_a_recursive_schema_is_refused() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "string"}}}
    assert write_out(schema)["properties"] == {"a": {"type": "string"}}
    with pytest.raises(RecursiveSchemaError):
        write_out({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"items": {"$ref": "#/$defs/x"}}}})
    with pytest.raises(RecursiveSchemaError):
        write_out({"$ref": "#/$defs/missing"})


def test_a_prompt_says_no_technical_bound_and_no_heading() -> None:
    said = json.dumps(shorten(TRADE))
    for word in ("$schema", "1000000000000", "title", '"not"', "u0000", "additionalProperties", "Shared by"):
        assert word not in said
    assert "Price at the entry, dollars." in said
    assert len(say_schema(TRADE)) < 0.6 * len(json.dumps(TRADE))


def test_a_recursive_schema_is_said_with_its_definitions() -> None:
    schema = {
        "title": "t",
        "properties": {"a": {"$ref": "#/$defs/x"}},
        "$defs": {"x": {"items": {"$ref": "#/$defs/x"}}},
    }
    assert shorten(schema) == {key: schema[key] for key in ("properties", "$defs")}


def test_a_decoder_is_sent_what_it_holds() -> None:
    schema = {
        "$schema": "x",
        "properties": {
            "n": {"type": "number", "minimum": 0},
            "i": {"type": "integer", "minimum": 0, "maximum": 9},
            "anchored": {"type": "string", "pattern": r"^\d\d$", "minLength": 2},
            "loose": {"type": "string", "pattern": "a+", "not": {"const": "b"}},
            "all": {"allOf": [{"type": "string"}]},
            "one": {"oneOf": [{"const": 1}, {"type": "null"}]},
        },
    }
    assert reduce_schema(schema, LLAMA) == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "n": {"type": "number"},
            "i": {"type": "integer", "minimum": 0, "maximum": 9},
            "anchored": {"type": "string", "pattern": "^[0-9][0-9]$", "minLength": 2},
            "loose": {"type": "string"},
            "all": {},
            "one": {"anyOf": [{"const": 1}, {"type": "null"}]},
        },
    }
    assert "minLength" not in reduce_schema(schema, BY_NAME["openai"])["properties"]["anchored"]


def test_openai_is_asked_strictly_only_where_every_key_is_required() -> None:
    openai = BY_NAME["openai"]
    whole = reduce_schema(SMALL | {"required": ["a", "b"]}, openai)
    assert write_body(whole, "json_schema", openai)["response_format"]["json_schema"]["strict"] is True
    assert (
        write_body(reduce_schema(SMALL, openai), "json_schema", openai)["response_format"]["json_schema"]["strict"]
        is False
    )
    assert write_body(SMALL, "json_object", openai) == {"response_format": {"type": "json_object"}}
    assert write_body(SMALL, "json_object", LLAMA)["response_format"]["schema"] == SMALL
    assert write_body(SMALL, "prompt", LLAMA) == {}


@pytest.mark.parametrize(
    ("name", "endpoint", "found"),
    [
        ("offline", None, "offline"),
        ("nvidia", None, "nvidia"),
        ("mine", "https://api.openai.com/v1", "openai"),
        ("mine", "http://localhost:11434/v1", "ollama"),
        ("llama.cpp", "http://localhost:8080/v1", "llama_cpp"),
        ("mine", "http://localhost:8080/v1", "other"),
    ],
)
def test_a_provider_is_known_by_its_name_or_its_address(name: str, endpoint: str | None, found: str) -> None:
    assert find_dialect(name, endpoint).name == found
    assert find_dialect(name, endpoint, "anthropic").modes == ("prompt",)


def test_every_line_of_the_table_has_a_source_and_ends_with_the_prompt() -> None:
    assert all(dialect.source and dialect.modes[-1] == "prompt" for dialect in TABLE)


def probe(answers: Mapping[str, object], dialect: str = "llama_cpp") -> tuple[str, list[str]]:
    async def ask(body: Mapping[str, Any]) -> str:
        answer = answers[body["response_format"]["type"]]
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    found = asyncio.run(find_mode(SMALL, BY_NAME[dialect], ask))
    return found.mode, list(found.tried)


def test_the_first_mode_works_that_brings_json_where_a_word_was_asked_for() -> None:
    assert probe({"json_schema": '{"a": "hello"}'}) == ("json_schema", [])
    assert probe({"json_schema": "hello", "json_object": ' {"a": ""}\n'}) == ("json_object", ["json_schema"])
    assert probe({"json_schema": ValueError("HTTP 400"), "json_object": '{"c": 1}'}) == (
        "prompt",
        ["json_schema", "json_object"],
    )
    assert probe({"json_schema": ValueError("no"), "json_object": '{"c": 1}'}, "other") == (
        "json_object",
        ["json_schema"],
    )


def test_the_beginning_of_an_object_is_enough_where_the_answer_was_cut() -> None:
    assert is_of_schema('{\n "a": "hel', SMALL)
    assert not is_of_schema('{"x": "hel', SMALL)
    assert not is_of_schema('"hello"', SMALL)


def test_what_controls_fixed_stands_in_the_rows_own_schema() -> None:
    asked = [
        Expectation("ticker", "SIM4"),
        Expectation("trade_type", "buy"),
        Expectation("entry_volatility_percent", "0.36", 0.01),
        Expectation("unknown", 1),
    ]
    fields = narrow_fields(TRADE, asked)["properties"]
    assert (fields["ticker"]["const"], fields["trade_type"]["const"]) == ("SIM4", "buy")
    assert fields["entry_volatility_percent"]["enum"][0] == 0.35
    assert narrow_fields(TRADE, [Expectation("trade_type", "hold")])["properties"]["trade_type"]["enum"] == [
        "buy",
        "short",
    ]


@given(st.floats(-500, 500), st.floats(0.001, 50))
def test_numbers_near_another_are_within_its_tolerance_and_few(target: float, tolerance: float) -> None:
    found = list_near(target, tolerance)
    assert 1 <= len(found) <= MOST_VALUES
    assert found == sorted(set(found))
    assert all(abs(number - target) <= tolerance + 1e-9 for number in found)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 86399))
def test_a_pattern_of_times_matches_those_between(one: int, other: int, second: int) -> None:
    first, last = sorted((one, other))
    pattern = match_times(f"{first // 60:02d}:{first % 60:02d}", f"{last // 60:02d}:{last % 60:02d}")
    time = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    assert (re.search(pattern, time) is not None) == (first <= second // 60 <= last)


def test_a_reduced_schema_is_a_schema_and_takes_every_gold_trade() -> None:
    example = TRADE["examples"][0]
    for dialect in TABLE:
        reduced = reduce_schema(TRADE, dialect)
        Draft202012Validator.check_schema(reduced)
        Draft202012Validator(reduced).validate(example)
