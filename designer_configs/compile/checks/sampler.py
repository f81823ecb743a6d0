"""Will a sampler draw what was meant? Its params as Data Designer reads them, and where they come from the gold."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_designer.config.utils.type_helpers import SAMPLER_PARAMS
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from designer_configs.compile.checks.shape import show, suggest
from designer_configs.compile.checks.yaml_source import KeyPath, YamlSource
from designer_configs.errors import Problem

SUM_TOLERANCE = 1e-6
NUMBER, TEXT, TIME = "number", "text", "time"
Finding = tuple[KeyPath, str]


def check_params(
    source: YamlSource, path: KeyPath, sampler_type: str, params: Mapping[str, Any], field: Mapping[str, Any] | None
) -> list[Problem]:
    """List what is wrong with a sampler's params.

    Args:
        source: The file they stand in.
        path: Where they stand in it.
        sampler_type: Data Designer's sampler.
        params: The params.
        field: JSON Schema of the row's field that must equal what is drawn, if there is one.
    """
    findings = [*_check_native(sampler_type, params), *_check_said(params), *_check_weights(params)]
    if field is not None:
        findings += _check_values(params, field)
    return [source.report((*path, *below), message) for below, message in dict.fromkeys(findings)]


def check_from_gold(
    kinds: Mapping[str, str],
    source: YamlSource,
    path: KeyPath,
    from_gold: Mapping[str, Any],
    *,
    sampler_type: str,
    match_field: str | None = None,
) -> list[Problem]:
    """List what is wrong with taking a sampler's params from the gold.

    Args:
        kinds: Columns of the gold, and what each holds.
        source: The file it stands in.
        path: Where `from_gold` stands in it.
        from_gold: Field and bins.
        sampler_type: Data Designer's sampler.
        match_field: Field that is meant where none is given.
    """
    findings: list[Finding] = []
    if sampler_type != "category":
        findings.append(((), f"the gold fills a category sampler only; found sampler_type {sampler_type}"))
    field = from_gold.get("field", match_field)
    usable = [name for name, kind in kinds.items() if kind != TIME]
    bins = from_gold.get("bins")
    if field is None:
        findings.append(((), f"the control matches no gold column: name the field; {suggest('', usable)}"))
    elif field not in usable:
        reason = "is a time of day" if field in kinds else "is no column of the gold"
        findings.append((("field",) if "field" in from_gold else (), f"{field} {reason}; {suggest(field, usable)}"))
    elif kinds[field] == NUMBER and bins is None:
        findings.append(((), f"{field} is a number: say into how many quantile bins it is cut, such as bins: 9"))
    elif kinds[field] == TEXT and bins is not None:
        findings.append((("bins",), f"{field} is text, of which every value is drawn as often as it occurs: drop bins"))
    return [source.report((*path, *below), message) for below, message in findings]


def classify_field(field: Mapping[str, Any]) -> str:
    """Tell a field's kind from its JSON Schema: number, text, or time of day."""
    if field.get("type") in ("number", "integer"):
        return NUMBER
    return TIME if str(field.get("pattern", "")).startswith("^([01][0-9]|2[0-3]):[0-5][0-9]") else TEXT


def _check_native(sampler_type: str, params: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what Data Designer's own model of the params refuses."""
    model = SAMPLER_PARAMS[sampler_type]
    try:
        model.model_validate(dict(params))
    except ValidationError as exc:
        known = [name for name in model.model_fields if name != "sampler_type"]
        for error in exc.errors():
            yield _explain_native(error, params, known)


def _explain_native(error: ErrorDetails, params: Mapping[str, Any], known: list[str]) -> Finding:
    path = _cut_path(error["loc"], params)
    match error["type"]:
        case "missing":
            return path, f"the key {error['loc'][-1]} is missing; known: {', '.join(known)}"
        case "extra_forbidden":
            return path, f"unknown key; {suggest(str(path[-1]), known)}"
        case _:
            found = f"; found {show(error['input'])}" if path else ""
            return path, error["msg"].removeprefix("Value error, ") + found


def _cut_path(path: KeyPath, params: Any) -> KeyPath:
    """Drop what pydantic adds to a path: the missing key itself, and the names of a union's branches."""
    for depth, part in enumerate(path):
        try:
            params = params[part]
        except (KeyError, IndexError, TypeError):
            return path[:depth]
    return path


def _check_said(params: Mapping[str, Any]) -> Iterator[Finding]:
    """Refuse values that a prompt could not say: a blank one, and true and false, which are drawn as 1 and 0."""
    values = params.get("values")
    lists = (
        {("values", key): part for key, part in values.items()}
        if isinstance(values, Mapping)
        else {("values",): values}
    )
    for path, part in lists.items():
        for i, value in enumerate(part if isinstance(part, list) else []):
            if isinstance(value, bool):
                yield (*path, i), f"would be drawn as {value:d}: put {show(value)} in quotes to make it text"
            elif isinstance(value, str) and not value.strip():
                yield (*path, i), f"{show(value)} is blank, and a prompt would say nothing: give it a word, or drop it"


def _check_weights(params: Mapping[str, Any]) -> Iterator[Finding]:
    values, weights = params.get("values"), params.get("weights")
    if not isinstance(values, list):
        return
    for i, value in enumerate(values):
        if value in values[:i]:
            yield ("values", i), f"{show(value)} is in the list already: keep one, with both weights"
    if not isinstance(weights, list) or not all(isinstance(weight, int | float) for weight in weights):
        return
    if len(weights) != len(values):
        yield ("weights",), f"must be as many as the values: {len(values)}; found {len(weights)}"
    for i, weight in enumerate(weights):
        if weight < 0:
            yield ("weights", i), f"must be at least 0; found {show(weight)}"
    total = sum(weights)
    if not abs(total - 1) <= SUM_TOLERANCE:
        yield ("weights",), f"must sum to 1 (within {SUM_TOLERANCE:g}); found {show(round(total, 9))}"


def _check_values(params: Mapping[str, Any], field: Mapping[str, Any]) -> Iterator[Finding]:
    values = params.get("values")
    validator = Draft202012Validator(dict(field))
    for i, value in enumerate(values if isinstance(values, list) else []):
        for error in validator.iter_errors(value):
            yield ("values", i), f"no row can have it: {error.message}"
