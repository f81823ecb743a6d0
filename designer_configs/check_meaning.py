"""Second stage, for one profile: its own values, the controls it names, and the columns of its dataset."""

from collections.abc import Mapping, Sequence
from typing import Any

from designer_configs.check_columns import check_column, check_control, check_use
from designer_configs.check_flow import check_flow
from designer_configs.check_shape import fill_defaults, suggest
from designer_configs.errors import Problem
from designer_configs.project import Project
from designer_configs.yaml_source import YamlSource


def check_meaning(project: Project, profile: YamlSource) -> list[Problem]:
    """List everything wrong with a profile and all that it uses; a file of the wrong shape is not read further."""
    if profile.problems:
        return list(profile.problems)
    effective = fill_defaults("profile", profile.data)
    problems = [*_check_values(profile, effective), *_check_controls(project, profile)]
    names = list_controls(profile)
    controls = [project.read(project.controls[name], "control") for name in names if name in project.controls]
    for control in controls:
        problems += control.problems or check_control(project, control)
    if (dataset := effective["dataset"]) in project.datasets:
        return [*problems, *check_dataset(project, dataset, controls, profile.file)]
    message = f"there is no columns/{dataset}/dataset.yaml; {suggest(dataset, project.datasets)}"
    return [*problems, profile.report(("dataset",), message)]


def check_dataset(project: Project, dataset: str, controls: Sequence[YamlSource], namer: str) -> list[Problem]:
    """List everything wrong with a dataset and its columns, made with the controls that `namer` names."""
    problems = list(project.read(project.datasets[dataset], "dataset").problems)
    for path in project.find_columns(dataset).values():
        column = project.read(path, "column")
        problems += column.problems or check_column(project, column)
    return problems + check_flow(project, dataset, controls, namer)


def list_controls(profile: YamlSource) -> list[str]:
    """Name the controls of a profile, each once."""
    uses = profile.data["controls"]
    return list(dict.fromkeys(use if isinstance(use, str) else use["use"] for use in uses))


def _check_values(profile: YamlSource, effective: Mapping[str, Any]) -> list[Problem]:
    run, provider = effective["run"], effective["provider"]
    problems = []
    if run["max_candidates"] < run["accepted"]:
        message = f"must be at least run.accepted, {run['accepted']}; found {run['max_candidates']}"
        problems.append(profile.report(("run", "max_candidates"), message))
    if "endpoint" not in provider and provider["name"] != "offline" and effective["backend"] == "library":
        message = f"the endpoint of {provider['name']} is not known: add it, such as endpoint: http://localhost:8000/v1"
        problems.append(profile.report(("provider",), message))
    return problems


def _check_controls(project: Project, profile: YamlSource) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for i, use in enumerate(profile.data["controls"]):
        name = use if isinstance(use, str) else use["use"]
        if name in first:
            message = f"two columns of one name: {name} is named by controls.{first[name]} already; keep one"
            problems.append(profile.report(("controls", i), message))
        first.setdefault(name, i)
        problems += check_use(project, profile, i)
    return problems
