"""Mends one value by the schema of its field, where only one value can be meant, or says what its field takes."""

import datetime
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema

from jobs.reading.answer import Context, MisfitError
from jobs.reading.syntax import BLANKS, Bare, are_same

Schema = Mapping[str, Any]
Mended = tuple[Any, set[str]]

_HYPHENS = "\u2212\u2010\u2011\u2012\u2013\u2014\u2015\ufe63\uff0d-"
_NUMBER = re.compile(
    rf"(?P<sign>[+\-{_HYPHENS}]?)\s?(?P<dollar>\$?)\s?(?P<sign2>[+\-{_HYPHENS}]?)"
    r"(?P<digits>(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)?(?:\.\d+)?(?:[eE][+-]?\d{1,2})?)\s?(?P<percent>%?)",
    re.ASCII,
)
_TIME = re.compile(
    r"(?:(?P<date>\d{4}-\d\d-\d\d)[T ]\s*)?(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)"
    r"(?::(?P<second>[0-5]\d)(?P<fraction>[.,]\d{1,9})?)?\s*(?P<half>[AaPp]\.?[Mm]\.?(?![A-Za-z]))?"
    r"\s*(?P<zone>[(A-Za-z+-][\w:/+() -]*)?",
    re.ASCII,
)
_TIME_FORMS = ("%H:%M:%S", "%H:%M")
_KINDS = {
    "number": "a plain number",
    "integer": "a whole number",
    "string": "text in quotes",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}


def mend_scalar(value: Any, schema: Schema, name: str, context: Context, *, points: bool) -> Iterator[Mended]:
    """Give what a value can mean as one of its field's, with the mendings that it takes; the caller tests each.

    `points` says that the object writes decimals with a point, so that a comma can only part thousands.
    """
    if not isinstance(value, str):
        return
    kinds, text = list_kinds(schema), value.strip(BLANKS)
    if (choices := list_choices(schema)) and not isinstance(value, Bare):
        blanks = {"blanks"} if text != value else set()
        words = [one for one in choices if isinstance(one, str)]
        for choice, used in _choose(text, words, context.synonyms.get(name, {})):
            yield choice, used | blanks
    if kinds & {"number", "integer"}:
        quoted: set[str] = set() if isinstance(value, Bare) else {"number_as_text"}
        for number, used in _mend_number(text, schema, name, points=points or kinds >= {"integer"}):
            yield number, used | quoted
    if "boolean" in kinds and text.lower() in ("true", "false"):
        yield text.lower() == "true", {"boolean_as_text"}
    if "string" in kinds and (form := find_time_form(schema)):
        for moment, used in _mend_time(text, context):
            if form == "%H:%M:%S" or not moment.second:
                yield moment.strftime(form), used | ({"unquoted_time"} if isinstance(value, Bare) else set())


def fold_known(text: str, name: str, context: Context) -> Mended:
    """Fold a text to the one known value of its field that it can mean; any other text stays as it is."""
    known = context.known.get(name)
    if not known or text in known:
        return text, set()
    stripped = text.strip(BLANKS)
    symbol = stripped.removeprefix("$").strip()
    folded = list(_choose(symbol, list(known), {}))
    if len(folded) != 1:
        return text, set()
    return folded[0][0], folded[0][1] | ({"dollar_sign"} if symbol != stripped else set()) | (
        {"blanks"} if stripped != text else set()
    )


def _choose(text: str, choices: Sequence[str], synonyms: Mapping[str, str]) -> Iterator[Mended]:
    folded = " ".join(text.casefold().split())
    meant = [choice for choice in choices if choice.casefold() == folded]
    tight = [choice for choice in choices if choice.casefold() == folded.replace(" ", "")]
    if len(meant) == 1:
        yield meant[0], {"letter_case"} if meant[0] != text else set()
    elif not meant and len(tight) == 1:
        yield tight[0], {"blanks"} | ({"letter_case"} if tight[0] != text.replace(" ", "") else set())
    elif not meant and folded in synonyms:
        yield synonyms[folded], {"synonym"}
    elif not meant and len(alike := [one for one in choices if _fold_separators(one) == _fold_separators(text)]) == 1:
        yield alike[0], {"value_spelling"}


def _fold_separators(text: str) -> str:
    """Fold case and what parts words away: `Propose Trade` and `propose-trade` are `propose_trade`."""
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def _mend_number(text: str, schema: Schema, name: str, *, points: bool) -> Iterator[Mended]:
    said = _NUMBER.fullmatch(text)
    if not said or not said["digits"] or (said["sign"] and said["sign2"]):
        return
    digits, sign = said["digits"], said["sign"] or said["sign2"]
    in_percent = "percent" in name.casefold() or "percent" in str(schema.get("description", "")).casefold()
    if digits.startswith(("e", "E")):
        return
    if (said["dollar"] and (said["percent"] or in_percent)) or (said["percent"] and not in_percent):
        return
    if digits.count(",") == 1 and "." not in digits and not points:
        return  # 12,345 may as well be a decimal comma
    used = {"leading_point"} if digits.startswith(".") else set()
    used |= {"plus_sign"} if sign == "+" else {"unicode_minus"} if sign and sign in _HYPHENS and sign != "-" else set()
    used |= {"dollar_sign"} if said["dollar"] else set()
    used |= {"percent_sign"} if said["percent"] else set()
    used |= {"thousands_separators"} if "," in digits else set()
    used |= {"blanks"} if sign == "-" and text[text.index(sign) + 1].isspace() else set()
    plain = digits.replace(",", "")
    minus = "" if sign in ("", "+") else "-"
    yield json.loads(minus + ("0" + plain if plain.startswith(".") else plain)), used


def _mend_time(text: str, context: Context) -> Iterator[tuple[datetime.time, set[str]]]:
    said = _TIME.fullmatch(text)
    if not said or (said["date"] and said["date"] != context.session_date):
        return
    zone = (said["zone"] or "").strip(" ()").casefold()
    if zone and zone not in context.zone_words:
        return
    hour, half = int(said["hour"]), (said["half"] or "")[:1].casefold()
    if hour > 23 or (half == "a" and hour > 12) or (half == "p" and hour == 0):
        return
    used = {"moment_of_session"} if said["date"] else set()
    used |= {"time_zone"} if zone else set()
    used |= {"am_pm"} if half else {"short_hour"} if len(said["hour"]) == 1 else set()
    used |= {"fraction_of_second"} if said["fraction"] else set()
    used |= set() if said["second"] else {"time_without_seconds"}
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    yield datetime.time(hour, int(said["minute"]), int(said["second"] or 0)), used


def find_time_form(schema: Schema) -> str | None:
    """Find the form of a field's time of day by its pattern or format; None for a field of anything else."""
    pattern = schema.get("pattern")
    if schema.get("format") == "time" and not pattern:
        return _TIME_FORMS[0]
    if not isinstance(pattern, str) or re.search(pattern, "x") or re.search(pattern, "12345"):
        return None
    probe = datetime.time(9, 35, 7)
    return next((form for form in _TIME_FORMS if re.search(pattern, probe.strftime(form))), None)


def list_kinds(schema: Schema) -> set[str]:
    """List the JSON types that a schema takes, by its `type` or its values."""
    kinds = schema.get("type")
    if kinds is None:
        choices = list_choices(schema)
        kinds = [
            "boolean" if isinstance(one, bool) else "string" if isinstance(one, str) else "number" for one in choices
        ]
    return {kinds} if isinstance(kinds, str) else set(kinds)


def list_choices(schema: Schema) -> list[Any]:
    """List the values that a schema names one by one; empty where it names none."""
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def is_finite(value: Any) -> bool:
    """Whether a value holds no infinite number, which is what a number too large for a float becomes."""
    if isinstance(value, float):
        return math.isfinite(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(is_finite, parts))


def explain(value: Any, schema: Schema, name: str, error: jsonschema.ValidationError | None) -> MisfitError:
    """Explain in one line what a field takes and what it was given."""
    if value == "" and not isinstance(value, Bare):
        return MisfitError("bad_value", f"{name} must not be empty")
    shown = value if isinstance(value, Bare) else json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    limit = error and f"{error.validator} {json.dumps(error.validator_value)}"
    kinds = list_kinds(schema)
    if choices := list_choices(schema):
        limit = ("" if len(choices) == 1 else "one of ") + ", ".join(map(str, choices))
    elif form := find_time_form(schema):
        limit = f"a time of day {'HH:MM:SS' if form == _TIME_FORMS[0] else 'HH:MM'} in quotes"
    elif kinds and (isinstance(value, Bare) or error is None or error.validator == "type"):
        limit = " or ".join(_KINDS[kind] for kind in sorted(kinds) if kind in _KINDS)
    elif error and error.validator in ("minimum", "maximum"):
        limit = f"at {'least' if error.validator == 'minimum' else 'most'} {error.validator_value}"
    elif error and error.validator in ("exclusiveMinimum", "exclusiveMaximum"):
        limit = f"{'above' if error.validator == 'exclusiveMinimum' else 'below'} {error.validator_value}"
    elif error and error.validator in ("minLength", "maxLength"):
        least = error.validator == "minLength"
        limit = f"{'at least' if least else 'at most'} {error.validator_value} characters long"
    return MisfitError("bad_value", f"{name} must be {limit}; found {shown}")


def is_among(value: Any, choices: Sequence[Any]) -> bool:
    """Whether a value is one of several; true is not 1."""
    return any(are_same(value, choice) for choice in choices)
