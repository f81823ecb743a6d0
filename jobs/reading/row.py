"""Reads a row's object by the schema of its column."""

from collections.abc import Collection

from jobs.reading.answer import Answer, Context, Read, Refused
from jobs.reading.choose import Lens, read_answer
from jobs.reading.fields import Fields, claim_rows, fit_object
from jobs.reading.mendings import ALL
from jobs.reading.values import Schema


def read_object(answer: Answer, schema: Schema, *, context: Context, mendings: Collection[str] = ALL) -> Read | Refused:
    """Read the one object of an answer that fits a JSON Schema of an object, or say why there is none.

    `mendings` are the names of those that are allowed; an answer that needs another one is refused.
    """
    fields = Fields(schema, context)
    lens = Lens(
        claim=lambda found: claim_rows(found, fields),
        fit=lambda node: fit_object(node, fields),
        is_about=lambda key: fields.match(key) is not None,
    )
    return read_answer(answer, lens, mendings)
