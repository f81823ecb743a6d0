"""Answers any prompt for which no dataset brings a task: from the schema it asks for and the sentences it says.

A row is drawn from the schema. What the prompt's sentences set is followed, and what a critique names is drawn anew.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Any

from offline_model.options import Options
from offline_model.prompt import JsonSchema, Sections, read_fences
from offline_model.row_schema.resolve import resolve_schema
from offline_model.row_schema.values import ValueDraw
from offline_model.tasks.any_judge import judge_any_row, read_scores
from offline_model.tasks.any_text import write_any_text

TRIES = 20

Row = dict[str, Any]


def answer_any(sections: Sections, rng: Random, options: Options) -> object:
    """Answer a prompt: a text, a verdict, a mended row or a new one.

    Raises:
        NoValueError: No answer was found that fits the schema.
    """
    if sections.schema is None:
        return write_any_text(sections, rng, options)
    if scores := read_scores(sections.schema):
        return judge_any_row(scores, sections, rng, options)
    draw = ValueDraw(sections.schema, sections.text, rng)
    critique, row = sections.find("critique"), find_row(sections, draw)
    if critique is not None and row is not None:
        return refine_row(draw, row, critique)
    answer = draw.draw_answer()
    return plant_fault(draw, answer, rng) if isinstance(answer, dict) and rng.random() < options.fault_rate else answer


def find_row(sections: Sections, draw: ValueDraw) -> Row | None:
    """Find the row that a prompt shows: the last fenced object that has no other keys than the schema's."""
    properties = draw.root.get("properties", {})
    shown = (value for value in read_fences(sections.text) if isinstance(value, dict) and value)
    return next((value for value in reversed(list(shown)) if value.keys() <= properties.keys()), None)


def refine_row(draw: ValueDraw, row: Row, critique: str) -> Row:
    """Draw the fields anew that a critique names, or that do not fit the schema; the others stay as they are.

    A field that a sentence sets takes that value. Where no other row fits the schema, the row comes back as it was.
    """
    properties: Mapping[str, JsonSchema] = draw.root.get("properties", {})
    named = find_named(critique, properties) | _find_misfits(draw, row, properties)
    best = row
    for _ in range(TRIES):
        fresh = {name: draw.draw_property(name, properties[name]) for name in properties if name in named}
        mended = {**row, **fresh}
        if draw.fits(mended):
            best = mended
        if best is mended and all(mended[name] != row.get(name) for name in named):
            break
    return best


def find_named(critique: str, properties: Iterable[str]) -> set[str]:
    """Find the properties that a critique names, by key (`exit_price`) or in words (exit price).

    A critique ends with its first empty line: what follows is the prompt's own.
    """
    said = critique.strip().partition("\n\n")[0]
    return {name for name in properties if re.search(rf"(?<!\w){_spell(name)}(?!\w)", said, re.IGNORECASE)}


def plant_fault(draw: ValueDraw, row: Row, rng: Random) -> Row:
    """Plant one fault: a field ignores the sentence that sets it, or, where no sentence does, breaks the schema."""
    properties = draw.root.get("properties", {})
    names = rng.sample([name for name in row if name in properties], len(row.keys() & properties.keys()))
    followed = [name for name in names if row[name] in draw.find_wanted(name, properties[name])]
    for name in followed:
        for _ in range(TRIES):
            wrong = {**row, name: draw.draw_value(properties[name])}
            if wrong[name] not in draw.find_wanted(name, properties[name]) and draw.fits(wrong):
                return wrong
    broken = (
        {**row, name: value}
        for name in names
        for value in _list_wrong(resolve_schema(properties[name], draw.root), row[name])
    )
    return next((wrong for wrong in broken if not draw.fits(wrong)), row)


def _list_wrong(schema: JsonSchema, value: Any) -> Iterator[Any]:
    """List values that a field should not have: beyond its bounds, none of its kinds, of no type at all."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
        highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
        yield from [*(low - 1 for low in lows), *(high + 1 for high in highs)]
    if isinstance(value, str):
        yield from ["none of these", f"{value} and more" * (1 + schema.get("maxLength", 0))]
    yield None
    yield []


def _find_misfits(draw: ValueDraw, row: Row, properties: Mapping[str, object]) -> set[str]:
    places = {str(error.path[0]) for error in draw.find_errors(row) if error.path}
    missing = set(draw.root.get("required", [])) - row.keys()
    return (places | missing) & properties.keys()


def _spell(name: str) -> str:
    return re.escape(name).replace("_", "[ _]")
