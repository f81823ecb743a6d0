"""Second stage, one file at a time: does a control, or a column of a dataset, mean something that can be drawn?"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_designer.config.base import SingleColumnConfig
from data_designer.config.column_configs import (
    EmbeddingColumnConfig,
    ExpressionColumnConfig,
    LLMJudgeColumnConfig,
    LLMStructuredColumnConfig,
    LLMTextColumnConfig,
    SamplerColumnConfig,
)
from data_designer.errors import DataDesignerError
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import ValidationError

from columns.declared import DATASET_FILE, EMBEDDING
from columns.types.configs import COLUMN_TYPES as OWN_TYPES
from designer_configs.compile.checks.project import Project
from designer_configs.compile.checks.sampler import NUMBER, TIME, check_from_gold, check_params, classify_field
from designer_configs.compile.checks.shape import suggest
from designer_configs.compile.checks.template import find_columns
from designer_configs.compile.checks.yaml_source import KeyPath, YamlSource
from designer_configs.errors import Problem

COLUMN_TYPES: dict[str, type[SingleColumnConfig]] = OWN_TYPES | {
    EMBEDDING: EmbeddingColumnConfig,
    "expression": ExpressionColumnConfig,
    "llm-judge": LLMJudgeColumnConfig,
    "llm-structured": LLMStructuredColumnConfig,
    "llm-text": LLMTextColumnConfig,
    "sampler": SamplerColumnConfig,
}
NOT_NATIVE = ("description", "unit", "from_gold", "forms")  # keys of a declaration that Data Designer is not shown


@dataclass(frozen=True)
class Scope:
    """What a dataset's controls and columns may speak of: the fields of its row, and the columns of its gold.

    Where `is_read` is False the fields are not known, for their own file has a problem: nothing is said of others.
    `options` are the keys of the profile that uses it, which choose among its columns.
    """

    folder: Path
    noun: str
    fields: Mapping[str, Mapping[str, Any]]
    kinds: Mapping[str, str]
    is_read: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


def find_scope(project: Project, folder: Path, options: Mapping[str, Any] | None = None) -> Scope:
    """Find what a dataset's files may speak of, used by a profile with these `options`."""
    source, found = project.read(folder / DATASET_FILE, "dataset"), project.find_row_fields(folder)
    document, fields = {} if source.problems else source.data, found or {}
    kinds = {name: classify_field(part) for name, part in fields.items()} | document.get("gold_columns", {})
    return Scope(folder, document.get("noun", "row"), fields, kinds, found is not None, options or {})


def check_control(scope: Scope, source: YamlSource) -> list[Problem]:
    """List what is wrong with a well-shaped control, used with a dataset."""
    control = source.data
    column, match = control["column"], control.get("match")
    problems = _check_name(source, ("column", "name"), column["name"])
    problems += _check_sampler(scope, source, ("column",), column, control)
    if match is not None and scope.is_read:
        problems += _check_match(scope, source, match)
    if (check := control.get("check")) is not None and scope.is_read and check["field"] not in scope.fields:
        message = f"{check['field']} is no field of a {scope.noun}; {suggest(check['field'], scope.fields)}"
        problems.append(source.report(("check", "field"), message))
    if column["name"] not in find_columns(control["prompt"]):
        message = f"the sentence does not say what was drawn: name the column, {{{{ {column['name']} }}}}"
        problems.append(source.report(("prompt",), message))
    return problems


def report_unknown_control(project: Project, folder: Path, profile: YamlSource, position: int) -> Problem:
    """Say that there is no control of the name that an entry of a profile's `controls` gives."""
    use = profile.data["controls"][position]
    path: KeyPath = ("controls", position) if isinstance(use, str) else ("controls", position, "use")
    name = use if isinstance(use, str) else use["use"]
    message = f"there is no columns/controls/{name}.yaml; {suggest(name, project.list_controls(folder))}"
    return profile.report(path, message)


def check_use(project: Project, scope: Scope, profile: YamlSource, position: int) -> list[Problem]:
    """List what is wrong with one entry of a profile's `controls`."""
    controls = project.list_controls(scope.folder)
    use, path = profile.data["controls"][position], ("controls", position)
    name = use if isinstance(use, str) else use["use"]
    if name not in controls:
        return [report_unknown_control(project, scope.folder, profile, position)]
    source = project.read(controls[name], "control")
    if isinstance(use, str) or source.problems:
        return []
    control = source.data
    sampler_type = control["column"]["sampler_type"]
    if "params" in use:
        field = find_drawn_field(scope, control)
        return check_params(profile, (*path, "params"), sampler_type, use["params"], field)
    if "from_gold" in use and scope.is_read:
        wanted = (control.get("from_gold") or {}) | use["from_gold"]
        field_name = (control.get("match") or {}).get("field")
        return check_from_gold(
            scope.kinds, profile, (*path, "from_gold"), wanted, sampler_type=sampler_type, match_field=field_name
        )
    return []


def check_column(scope: Scope, source: YamlSource) -> list[Problem]:
    """List what is wrong with a well-shaped column of a dataset, taken by itself."""
    column = source.data
    problems = _check_name(source, ("name",), column["name"])
    if column["column_type"] == "sampler":
        problems += _check_sampler(scope, source, (), column, column)
    if "output_format" in column:
        problems += _check_output_format(scope.folder, source, column["output_format"])
    for form in column.get("forms", {}).values():
        problems += _check_output_format(scope.folder, source, form["output_format"])
    return problems


def check_native(source: YamlSource) -> list[Problem]:
    """List what Data Designer itself still refuses in a column with which nothing else is wrong.

    A sampler is not built: its params may be the gold's, and those that are declared have been checked by then.
    """
    column = {key: value for key, value in source.data.items() if key not in NOT_NATIVE}
    column_type = column.get("column_type", "sampler")  # without one, it is a control
    if column_type == "sampler":
        return []
    if "output_format" in column:
        column["output_format"] = {}
    if "gold" in COLUMN_TYPES[column_type].model_fields:
        column["gold"] = ""
    try:
        COLUMN_TYPES[column_type].model_validate(column)
    except ValidationError as exc:
        return [source.report(error["loc"], f"Data Designer refuses it: {error['msg']}") for error in exc.errors()]
    except DataDesignerError as exc:
        return [source.report((), f"Data Designer refuses it: {exc}")]
    return []


def find_drawn_field(scope: Scope, control: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the JSON Schema of the row's field that a control draws values of, if there is one."""
    rule = control.get("check") or control.get("match") or {}
    return scope.fields.get(rule.get("field", ""))


def _check_name(source: YamlSource, path: KeyPath, name: str) -> list[Problem]:
    if name == source.path.stem:
        return []
    return [source.report(path, f"must be named as its file: {source.path.stem}; found {name}")]


def _check_sampler(
    scope: Scope, source: YamlSource, path: KeyPath, column: Mapping[str, Any], holder: Mapping[str, Any]
) -> list[Problem]:
    """Check a sampler column; `from_gold` stands in its holder: the control, or the column itself."""
    from_gold, sampler_type = holder.get("from_gold"), column["sampler_type"]
    if (from_gold is not None) == ("params" in column):
        both = "params and from_gold exclude each other: keep one"
        return [
            source.report(path, both if from_gold is not None else "nothing to draw from: give params or from_gold")
        ]
    if from_gold is not None and not scope.is_read:
        return []
    if from_gold is not None:
        gold_path = ("from_gold",) if holder is not column else (*path, "from_gold")
        return check_from_gold(scope.kinds, source, gold_path, from_gold, sampler_type=sampler_type)
    field = find_drawn_field(scope, holder)
    problems = check_params(source, (*path, "params"), sampler_type, column["params"], field)
    for condition, params in column.get("conditional_params", {}).items():
        problems += check_params(source, (*path, "conditional_params", condition), sampler_type, params, field)
    return problems


def _check_match(scope: Scope, source: YamlSource, match: Mapping[str, Any]) -> list[Problem]:
    fields = {name: kind for name, kind in scope.kinds.items() if kind != TIME}
    field = match["field"]
    if field not in fields:
        reason = "is a time of day" if field in scope.kinds else "is no column of the gold"
        return [source.report(("match", "field"), f"{field} {reason}; {suggest(field, fields)}")]
    if fields[field] == NUMBER and "tolerance" not in match:
        return [source.report(("match",), f"{field} is a number: say how near is near, such as tolerance: 0.05")]
    if fields[field] != NUMBER and "tolerance" in match:
        return [
            source.report(("match", "tolerance"), f"{field} is text, which matches or does not: drop the tolerance")
        ]
    if match.get("widest", float("inf")) < match.get("tolerance", 0):
        message = f"must be at least the tolerance, {match['tolerance']}; found {match['widest']}"
        return [source.report(("match", "widest"), message)]
    return []


@functools.lru_cache(maxsize=256)
def find_schema_fault(text: str) -> str | None:
    """Say what is wrong with a JSON Schema, if anything; one schema is used by many columns and profiles."""
    try:
        Draft202012Validator.check_schema(json.loads(text))
    except SchemaError as exc:
        return str(exc.message)
    return None


def _check_output_format(folder: Path, source: YamlSource, declared: str | Mapping[str, Any]) -> list[Problem]:
    schema: Any = declared
    try:
        if isinstance(declared, str):
            schema = json.loads((folder / declared).read_text(encoding="utf-8"))
        if (fault := find_schema_fault(json.dumps(schema, default=str))) is not None:
            return [source.report(("output_format",), f"not a valid JSON Schema: {fault}")]
    except OSError as exc:
        return [source.report(("output_format",), f"{declared} cannot be read: {exc.strerror}")]
    except ValueError as exc:
        return [source.report(("output_format",), f"{declared} is not valid JSON: {exc}")]
    return []
