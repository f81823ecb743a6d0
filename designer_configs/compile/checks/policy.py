"""Second stage, for a dataset's `policy.yaml`: do its rules name what there is, and can they be read?"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from columns.checks.policy import compile_find, read_condition
from columns.declared import CONTROLS, DATASET_FILE, POLICY_FILE, STAGES
from designer_configs.compile.checks.columns import Scope
from designer_configs.compile.checks.project import Project
from designer_configs.compile.checks.shape import suggest
from designer_configs.compile.checks.yaml_source import KeyPath, YamlSource
from designer_configs.errors import Problem

NAMED_BESIDES = ("limits", "row", "plan")


def check_policy_file(project: Project, scope: Scope) -> list[Problem]:
    """List what is wrong with a dataset's policy, and whether `policy` in its `dataset.yaml` has one to go by."""
    path, dataset = scope.folder / POLICY_FILE, project.read(scope.folder / DATASET_FILE, "dataset")
    gate = None if dataset.problems else dataset.data.get("policy")
    if not path.is_file():
        message = f"there is no {project.name_file(path)}: write it, or leave the key out"
        return [dataset.report(("policy",), message)] if gate else []
    source = project.read(path, "policy")
    if source.problems or dataset.problems:
        return list(source.problems)
    problems = list(_check_rules(source, sorted(_list_names(project, scope, dataset)), list(scope.fields)))
    if gate is not None and gate not in dataset.data.get("checks", ()):
        message = f"must be one of the checks; {suggest(gate, dataset.data.get('checks', ()))}"
        problems.append(dataset.report(("policy",), message))
    return problems


def _list_names(project: Project, scope: Scope, dataset: YamlSource) -> set[str]:
    """List what a condition may name: fields, columns of any stage, controls, limits."""
    entries = {entry for stage in STAGES for entry in dataset.data.get(stage, ()) if entry != CONTROLS}
    columns = {entry.rpartition("/")[2] for entry in entries}
    return {*scope.fields, *columns, *project.list_controls(scope.folder), *NAMED_BESIDES}


def _check_rules(source: YamlSource, names: list[str], fields: list[str]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for i, rule in enumerate(source.data["rules"]):
        place: KeyPath = ("rules", i)
        if rule["name"] in first:
            message = f"rules.{first[rule['name']]} has the name {rule['name']} already: rename one"
            yield source.report((*place, "name"), message)
        first.setdefault(rule["name"], i)
        yield from _check_texts(source, place, rule, names)
        named = rule.get("in", [])
        given = {
            "in": ([named] if isinstance(named, str) else named, names),
            "fields": (rule.get("fields", []), fields),
        }
        for key, (found, known) in given.items():
            for name in (name for name in found if fields and name.partition(".")[0] not in known):
                yield source.report((*place, key), f"there is no {name}; {suggest(name, known)}")


def _check_texts(source: YamlSource, place: KeyPath, rule: Mapping[str, Any], names: list[str]) -> Iterator[Problem]:
    if "find" in rule:
        try:
            compile_find(rule["find"])
        except re.error as exc:
            yield source.report((*place, "find"), f"not a valid regular expression: {exc}")
    for key in ("when", "if", "message"):
        if key not in rule:
            continue
        environment = SandboxedEnvironment()
        try:
            tree = environment.parse(rule[key])
            if key != "message":
                environment.compile_expression(read_condition(rule[key]))
        except (TemplateSyntaxError, ValueError, RecursionError) as exc:
            yield source.report((*place, key), f"not a valid {'template' if key == 'message' else 'condition'}: {exc}")
            continue
        for name in sorted(meta.find_undeclared_variables(tree) - {*names}):
            yield source.report((*place, key), f"{name} is no field, column or control; {suggest(name, names)}")
