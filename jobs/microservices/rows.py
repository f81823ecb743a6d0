"""Holds a service's rows against those that were sent, and their values against what was asked for."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from jobs.errors import BackendError
from jobs.job import ROW_ID
from jobs.library.answers import describe_judgement
from jobs.microservices.answers import shorten
from jobs.microservices.config import Column, Stage

Row = dict[str, Any]


class Checked(NamedTuple):
    """A stage's column of the rows that came, by row_id, and why the values of others are of no use."""

    drawn: dict[str, Row]
    misfits: dict[str, str]


def check_rows(rows: Sequence[Row], sent: Sequence[Row], stage: Stage, source: str) -> Checked:
    """Hold a job's rows against what was sent, by number and by row_id, and each value against its output format.

    Raises:
        BackendError: a row came twice, was not sent, or none has the column.
    """
    known = {row[ROW_ID] for row in sent}
    came = [row[ROW_ID] for row in rows]
    foreign, repeated = sum(name not in known for name in came), len(came) - len(set(came))
    if foreign or repeated:
        raise BackendError(
            f"{source} was sent {len(known)} rows and gave {len(rows)}: {repeated} of them more than once, {foreign} "
            "with a row_id that was not sent. None of them is used"
        )
    column, validator = stage.name, Draft202012Validator(describe_answer(stage.columns[-1]))
    if rows and column not in rows[0]:
        raise BackendError(f"{source} gave rows without the column {column}; they have: {', '.join(rows[0])}")
    checked = Checked({}, {})
    for row in rows:
        if (value := row.get(column)) is None:
            continue
        value, misfit = fit_value(value, validator)
        if misfit is None:
            checked.drawn[row[ROW_ID]] = {column: value}
        else:
            checked.misfits[row[ROW_ID]] = f"what the service gave does not fit the output format of {column}: {misfit}"
    return checked


def describe_answer(column: Column) -> dict[str, Any]:
    """Describe by JSON Schema what a model column's values are like."""
    if column["column_type"] == "llm-judge":
        return describe_judgement(column["scores"])
    schema: dict[str, Any] = column.get("output_format", {"type": "string"})
    return schema


def fit_value(value: Any, validator: Draft202012Validator) -> tuple[Any, str | None]:
    """Give a value in the form that fits, or what is wrong with it.

    An object may come as its JSON text. In Parquet every row has the keys of all rows, so a null may stand for a key
    that is not there.
    """
    if isinstance(value, str) and not validator.is_valid(value):
        value = decode_object(value)
    for form in (value, drop_nulls(value)):
        if (error := best_match(validator.iter_errors(form))) is None:
            return form, None
    return None, shorten(f"{error.json_path}: {error.message}" if error is not None else "")


def decode_object(text: str) -> Any:
    """Decode the JSON text of an object; what is none stays as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def drop_nulls(value: Any) -> Any:
    """Leave out the keys of objects that have no value."""
    if isinstance(value, dict):
        return {key: drop_nulls(part) for key, part in value.items() if part is not None}
    return [drop_nulls(part) for part in value] if isinstance(value, list) else value
