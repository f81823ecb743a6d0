"""Changes that the command line makes to a profile: `--set run.seed=8`, `--only controls.target_volatility=0.4`.

They are made to the document as it was read, before anything is checked, so a change is held against the same rules as
the file. A value is YAML, as in the file.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from designer_configs.compile.checks.project import Project
from designer_configs.compile.checks.shape import check_shape, suggest
from designer_configs.compile.checks.yaml_source import DRAWN, YamlSource, parse_value, write_path
from designer_configs.errors import ConfigError, Problem

COMMAND_LINE = "command line"
CONTROLS = "controls"
PART = re.compile(r'"[^"]+"|[^."=\s]+')
CHANGE = re.compile(rf"\s*(?P<key>(?:{PART.pattern})(?:\.(?:{PART.pattern}))*)\s*=(?P<value>.*)", re.DOTALL)


def read_changed(project: Project, path: Path, sets: Sequence[str], onlys: Sequence[str]) -> YamlSource:
    """Read a profile with the changes of `--set` and `--only`, held against its schema with them.

    Raises:
        ConfigError: a change cannot be read, or names what cannot be changed; with all of them.
    """
    source = project.load(path)
    if source.data is None or not (sets or onlys):
        return project.read(path, "profile")
    changed = replace(source, data=_copy(source.data))
    problems = []
    kinds = (("--set", sets, _set_value, "value"), ("--only", onlys, _narrow_control, DRAWN))
    for option, texts, change, kind in kinds:
        for text in texts:
            try:
                change(project, changed, *_read_change(text, kind))
            except ValueError as exc:
                problems.append(Problem(COMMAND_LINE, None, f"{option} {text}", str(exc)))
    if problems:
        raise ConfigError(problems)
    shape = check_shape(changed, "profile", project.find_options(changed.data))
    return replace(changed, problems=(*source.problems, *shape))


def name_changed(
    problems: Sequence[Problem], source: YamlSource, sets: Sequence[str], onlys: Sequence[str]
) -> list[Problem]:
    """Say of problems with what was changed that they are the command line's, not the file's.

    A problem belongs to a change at its key or below it, or above it where the file has no such key.
    """
    options = {_read_key(text): f"--set {text}" for text in sets}
    narrowed = {_find_use(source, text): f"--only {text}" for text in onlys if source.data is not None}
    written = {write_path(path) for path in source.lines}
    return [_name_changed(problem, options, narrowed, written) for problem in problems]


def name_control(file: str, changes: Sequence[str], name: str, message: str) -> Problem:
    """Say what is wrong with a control of a profile: of the command line, where that changed it."""
    changed = next((text for text in changes if _read_key(text) == f"{CONTROLS}.{name}"), None)
    if changed is None:
        return Problem(file, None, f"{CONTROLS}.{name}", message)
    return Problem(COMMAND_LINE, None, f"--only {changed}", message)


def _name_changed(
    problem: Problem, options: Mapping[str, str], narrowed: Mapping[str, str], written: Collection[str]
) -> Problem:
    for key, option in options.items():
        is_above = problem.path not in written and key.startswith(f"{problem.path}.")
        if _is_below(problem.path, key) or is_above:
            return Problem(COMMAND_LINE, None, f"{option}: {problem.path}", problem.message)
    only = next((option for key, option in narrowed.items() if _is_below(problem.path, key)), None)
    return problem if only is None else Problem(COMMAND_LINE, None, only, problem.message)


def _is_below(path: str, key: str) -> bool:
    return path == key or path.startswith(f"{key}.")


def _read_key(text: str) -> str:
    return text.partition("=")[0].strip().replace('"', "")


def _find_use(source: YamlSource, text: str) -> str:
    """Find where the control stands in the profile that a change narrows."""
    name, uses = _read_key(text).removeprefix(f"{CONTROLS}."), source.data[CONTROLS]
    return write_path((CONTROLS, [_name_use(use) for use in uses].index(name)))


def _read_change(text: str, kind: str) -> tuple[list[str], Any]:
    """Read a change; a part of the key that has a dot of its own stands in quotes: `prices.models."a.b"`.

    `kind` is a key of files behind which such a value stands.
    """
    found = CHANGE.fullmatch(text)
    if found is None:
        raise ValueError("is no change: write it as KEY=VALUE, the key with dots, such as run.seed=8")
    return [part.strip('"') for part in PART.findall(found["key"])], parse_value(found["value"], kind)


def _set_value(_: Project, source: YamlSource, path: list[str], value: Any) -> None:
    place, walked = source.data, list[str]()
    for part in path[:-1]:
        walked.append(part)
        if part not in place:
            place[part] = {}
        place = place[part]
        if isinstance(place, list):
            where = ".".join(walked)
            narrower = "; one control alone: --only controls.NAME=VALUE" if where == CONTROLS else ""
            raise ValueError(f"{where} is a list, set it as a whole: {where}=[...]{narrower}")
        if not isinstance(place, dict):
            place = _replace_scalar(source.data, walked)
    place[path[-1]] = value


def _replace_scalar(data: dict[str, Any], walked: Sequence[str]) -> dict[str, Any]:
    """Put a mapping where a name stands alone, such as `engine: local`: its shape is checked like any other's."""
    for part in walked[:-1]:
        data = data[part]
    data[walked[-1]] = {}
    made: dict[str, Any] = data[walked[-1]]
    return made


def _narrow_control(project: Project, source: YamlSource, path: list[str], value: Any) -> None:
    """Let a control draw nothing but some values, as often as one another, or by the weights that it has for them."""
    if len(path) != 2 or path[0] != CONTROLS:
        raise ValueError("narrows a control: write it as controls.NAME=VALUE, or controls.NAME=[VALUE, VALUE]")
    uses = source.data.get(CONTROLS)
    named = [_name_use(use) for use in uses] if isinstance(uses, list) else []
    if path[1] not in named:
        raise ValueError(f"the profile uses no control {path[1]}; {suggest(path[1], filter(None, named))}")
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(each, dict | list) or each is None for each in values):
        raise ValueError("needs a value, or a list of values")
    place = named.index(path[1])
    params = _find_params(project, source, path[1], uses[place])
    uses[place] = {"use": path[1], "params": _keep_weights(params, values)}


def _name_use(use: Any) -> str:
    return str(use.get("use", "")) if isinstance(use, dict) else str(use)


def _find_params(project: Project, source: YamlSource, name: str, use: Any) -> dict[str, Any]:
    """Find what a control draws from: as the profile says, else as it is declared; nothing where the gold says it."""
    folder = project.find_dataset(source.data.get("dataset"))
    path = project.list_controls(folder).get(name) if folder is not None else None
    declared = project.read(path, "control").data if path is not None else None
    column = declared.get("column") if isinstance(declared, dict) else None
    kind = column.get("sampler_type") if isinstance(column, dict) else None
    if kind is not None and kind != "category":
        raise ValueError(f"{name} is a {kind} sampler, and only a category has values to choose from: use --set")
    if isinstance(use, dict) and isinstance(use.get("params"), dict):
        return dict(use["params"])
    from_gold = isinstance(use, dict) and use.get("from_gold") is not None
    params = column.get("params") if isinstance(column, dict) and not from_gold else None
    return dict(params) if isinstance(params, dict) else {}


def _keep_weights(params: Mapping[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """Give values with the weights that they had, which need not add up to one; none where they had none."""
    known, weights = params.get("values") or [], params.get("weights")
    if isinstance(known, list) and known and (foreign := [value for value in values if value not in known]):
        has = ", ".join(map(str, known))
        raise ValueError(f"{', '.join(map(str, foreign))} is none of the values that it has: {has}")
    if not isinstance(weights, list) or len(weights) != len(known):
        return {"values": list(values)}
    kept = [weights[known.index(value)] for value in values]
    total = sum(kept)
    return (
        {"values": list(values), "weights": [weight / total for weight in kept]} if total else {"values": list(values)}
    )


def _copy(value: Any) -> Any:
    """Copy plain data; what a YAML alias shares is apart afterwards."""
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value
