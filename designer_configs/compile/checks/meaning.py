"""Second stage, for one profile: its own values, the controls it names, and the columns of its dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from designer_configs.compile.checks.columns import check_column, check_control, check_use
from designer_configs.compile.checks.flow import check_flow
from designer_configs.compile.checks.project import Project
from designer_configs.compile.checks.shape import fill_defaults, suggest
from designer_configs.compile.checks.yaml_source import YamlSource
from designer_configs.errors import Problem
from gold_data.folder import BARS, SPLIT, TRADES

FOLDER_FILES = (TRADES, BARS, SPLIT)  # what is read of a gold folder


def check_meaning(project: Project, profile: YamlSource) -> list[Problem]:
    """List everything wrong with a profile and all that it uses; a file of the wrong shape is not read further."""
    if profile.problems:
        return list(profile.problems)
    effective = fill_defaults("profile", profile.data)
    problems = [*_check_values(project.root, profile, effective), *_check_controls(project, profile)]
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


def _check_values(root: Path, profile: YamlSource, effective: Mapping[str, Any]) -> list[Problem]:
    run, provider = effective["run"], effective["provider"]
    problems = []
    if run["max_candidates"] < run["accepted"]:
        message = f"must be at least run.accepted, {run['accepted']}; found {run['max_candidates']}"
        problems.append(profile.report(("run", "max_candidates"), message))
    if "endpoint" not in provider and provider["name"] != "offline" and effective["backend"] == "library":
        message = f"the endpoint of {provider['name']} is not known: add it, such as endpoint: http://localhost:8000/v1"
        problems.append(profile.report(("provider",), message))
    return [
        *problems,
        *_check_engine(profile, effective),
        *_check_paths(root, profile),
        *_check_models(profile, effective),
    ]


def _check_engine(profile: YamlSource, effective: Mapping[str, Any]) -> list[Problem]:
    """Check that whom a cluster's workers need is where they can reach him."""
    engine = effective["engine"]
    if engine == "local":
        return []
    if effective["backend"] != "library":
        return [
            profile.report(
                ("engine",),
                "ray spreads Data Designer's library; a microservice spreads its own work: use engine: local",
            )
        ]
    address = "local" if engine == "ray" else engine["ray"]["address"]
    if effective["provider"]["name"] == "offline" and address != "local":
        message = f"the offline model answers on this machine only, {address} may lie beyond it: use address: local"
        return [profile.report(("engine", "ray", "address"), message)]
    return []


def _check_paths(root: Path, profile: YamlSource) -> list[Problem]:
    """Check that what is named relative to the root lies below it; an absolute path is what a person named."""
    named = [(key, Path(profile.data["gold"].get(key) or "")) for key in ("folder", "trades", "bars")]
    if "folder" in profile.data["gold"]:
        named += [("folder", named[0][1] / file) for file in FOLDER_FILES]
    problems = []
    refused: list[Path] = []
    for key, path in named:
        if path.parent not in refused and (message := _find_fault(root, path)) is not None:
            problems.append(profile.report(("gold", key), message))
            refused.append(path)
    return problems


def _find_fault(root: Path, path: Path) -> str | None:
    try:
        leaves = not path.is_absolute() and not (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError) as exc:  # a NUL, a loop of links
        return f"{str(path)!r} is no path: {exc}"
    return f"{path} leads out of {root}: give an absolute path, or name it on the command line" if leaves else None


def _check_models(profile: YamlSource, effective: Mapping[str, Any]) -> list[Problem]:
    """Check what models are said to stand in for and to cost."""
    problems = []
    used = dict.fromkeys(model["model"] for model in effective["models"].values())
    for role, model in effective["models"].items():
        if (fallback := model.get("fallback")) is None:
            continue
        used[fallback["model"]] = None
        if fallback["model"] == model["model"]:
            message = f"{model['model']} cannot stand in for itself: name another model"
            problems.append(profile.report(("models", role, "fallback", "model"), message))
    priced = effective["prices"]["models"]
    for name in priced:
        if name not in used:
            problems.append(profile.report(("prices", "models", name), f"no role uses it; {suggest(name, used)}"))
    unpriced = [name for name in used if name not in priced]
    if effective["run"]["max_cost"] is not None and unpriced:
        message = f"needs the price of every model; add to prices.models: {', '.join(unpriced)}"
        problems.append(profile.report(("run", "max_cost"), message))
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
