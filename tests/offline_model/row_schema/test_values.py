"""Whatever the schema, what is drawn from it fits it to the validator that Data Designer asks."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from offline_model.row_schema.errors import NoValueError
from offline_model.row_schema.values import ValueDraw

PROSE = "Write one answer in plain words, as the reader would expect it from you."
PATTERNS = [r"^[A-Z]{2,4}-\d{3}$", r"^(BUY|SELL|HOLD)$", r"\bstop\b", r"^[^\s,]+@[a-z]+\.(com|org)$", r"^(a|b)\1?x*$"]
SCALARS = ["string", "integer", "number", "boolean", "null"]

Schema = dict[str, Any]


def draw_all(schema: Schema, text: str = PROSE, seeds: int = 60) -> list[Any]:
    return [ValueDraw(schema, text, Random(seed)).draw_answer() for seed in range(seeds)]


@st.composite
def write_numbers(draw: st.DrawFn) -> Schema:
    kind, low = draw(st.sampled_from(["integer", "number"])), draw(st.integers(-1000, 1000))
    low_key = draw(st.sampled_from(["minimum", "exclusiveMinimum"]))
    high_key = draw(st.sampled_from(["maximum", "exclusiveMaximum"]))
    schema: Schema = {"type": kind, low_key: low, high_key: low + draw(st.integers(8, 500))}
    kept = draw(st.sets(st.sampled_from([low_key, high_key])))
    step = draw(st.sampled_from([None, 4, 0.25, 0.1]))
    parts = {key: value for key, value in schema.items() if key == "type" or key in kept}
    return parts if step is None else {**parts, "multipleOf": step}


@st.composite
def write_strings(draw: st.DrawFn) -> Schema:
    least = draw(st.integers(0, 30))
    lengths = {"minLength": least, "maxLength": least + draw(st.integers(0, 40))}
    formats = st.sampled_from(["date", "date-time", "time", "email", "uuid"])
    return draw(
        st.one_of(
            st.just({"type": "string"} | lengths),
            st.builds(lambda pattern: {"type": "string", "pattern": pattern}, st.sampled_from(PATTERNS)),
            st.builds(lambda name: {"type": "string", "format": name}, formats),
            st.just({"type": "string", "examples": ["calm", "wild"]}),
        )
    )


def write_objects(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    def build(properties: dict[str, Schema], required: set[str]) -> Schema:
        names = [name for name in properties if name in required]
        return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}

    names = ["size", "side", "note", "legs", "stop_loss_pct"]
    return st.builds(build, st.dictionaries(st.sampled_from(names), parts), st.sets(st.sampled_from(names)))


def write_parts(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    lists = st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        parts,
        st.integers(0, 2),
        st.integers(0, 3),
    )
    choices = st.builds(
        lambda key, items: {key: [*items, {"type": "null"}]}, st.just("anyOf"), st.lists(parts, min_size=1)
    )
    merged = st.builds(lambda part, least: {"allOf": [part, {"title": "Part"}], "description": least}, parts, st.text())
    return st.one_of(lists, choices, merged, write_objects(parts))


LEAVES = st.one_of(
    write_numbers(),
    write_strings(),
    st.builds(lambda kinds: {"type": kinds}, st.lists(st.sampled_from(SCALARS), min_size=1, unique=True)),
    st.builds(lambda values: {"enum": values}, st.lists(st.one_of(st.integers(), st.text(), st.none()), min_size=1)),
    st.builds(lambda value: {"const": value}, st.text()),
    st.just({"$ref": "#/$defs/node"}),
)
NODE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
    },
    "required": ["value", "next", "children"],
}


@settings(max_examples=80, deadline=None)
@given(write_objects(st.recursive(LEAVES, write_parts, max_leaves=12)), st.integers(0, 2**32))
def test_every_answer_fits_its_schema_and_repeats_by_seed(schema: Schema, seed: int) -> None:
    schema = {**schema, "$defs": {"node": NODE}}
    answer = ValueDraw(schema, PROSE, Random(seed)).draw_answer()
    Draft202012Validator(schema).validate(answer)
    assert ValueDraw(schema, PROSE, Random(seed)).draw_answer() == answer


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 4}, "minItems": 4, "uniqueItems": True},
        {"type": "array", "prefixItems": [{"type": "string"}, {"const": 2}], "items": False, "minItems": 2},
        {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 2},
        {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]},
        {"allOf": [{"type": "integer", "minimum": 3}, {"type": "number", "maximum": 5}], "exclusiveMaximum": 5},
        {"type": "number", "exclusiveMinimum": 0.1, "exclusiveMaximum": 0.10000001},
        {"type": "number", "minimum": -1e300, "maximum": 1e300},
        {"properties": {"a": False, "b": True}, "required": ["b", "c"]},
        {"type": "string", "pattern": r"^(?=.*\d)[a-f\d]{4}$", "not": {"const": "0000"}},
        {"type": "string", "minLength": 300},
    ],
)
def test_rarer_keywords_are_met_too(schema: Schema) -> None:
    assert all(Draft202012Validator(schema).is_valid(answer) for answer in draw_all(schema))


def test_optional_keys_are_left_out_now_and_then_and_examples_taken() -> None:
    schema = {"type": "object", "properties": {"mood": {"type": "string", "examples": ["calm", "wild"]}}}
    moods = [row.get("mood") for row in draw_all(schema, seeds=200)]
    assert 20 < moods.count(None) < 60
    assert 50 < sum(mood in ("calm", "wild") for mood in moods) < 130


def test_object_within_itself_comes_to_an_end() -> None:
    deep = draw_all({"$ref": "#/$defs/node", "$defs": {"node": NODE}})
    assert any(row["children"] for row in deep)
    assert max(str(row).count("{") for row in deep) < 100


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no number lies between 3 and 2"),
        ({"type": "integer", "minimum": 3, "not": {"minimum": 0}}, r"\$: \d+ should not be valid"),
        ({"$ref": "#/$defs/gone"}, "refers to #/\\$defs/gone, which is no schema within it"),
        ({"$ref": "#"}, "lead back to themselves"),
        ({"type": "string", "pattern": r"^\p{L}$"}, "cannot be read"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "agree on no type"),
        ({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "more than 12 deep"),
        ({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}, "recursion"),
    ],
)
def test_schema_that_nothing_fits_says_why(schema: Schema, said: str) -> None:
    with pytest.raises(NoValueError, match=said):
        ValueDraw(schema, PROSE, Random(0)).draw_answer()
