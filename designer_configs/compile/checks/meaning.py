"""Second stage, for one profile: its own values, the controls it names, and the columns of its dataset."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from columns.declared import CONTROLS, DATASET_FILE, EMBEDDING, STAGES, WHOLE, list_entries, read_options
from designer_configs.compile.checks.columns import (
    Scope,
    check_column,
    check_control,
    check_use,
    find_scope,
    report_unknown_control,
)
from designer_configs.compile.checks.flow import check_flow
from designer_configs.compile.checks.policy import check_policy_file
from designer_configs.compile.checks.project import PROJECT_ROOT, SHARED_CONTROLS, Project
from designer_configs.compile.checks.shape import fill_defaults, suggest
from designer_configs.compile.checks.yaml_source import YamlSource
from designer_configs.errors import Problem
from gold_data.folder import BARS, SPLIT, TRADES

FOLDER_FILES = (TRADES, BARS, SPLIT)  # what is read of a gold folder
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
PATTERN_SIGNS = "*?["
# Keys of a profile's gold that are no file of the dataset's.
GOLD_SETTINGS = ("folder", "holdout", "embargo", "disguise")
FORMATS = ("parquet", "csv", "jsonl", "hf")


def check_meaning(project: Project, profile: YamlSource) -> list[Problem]:
    """List everything wrong with a profile and all that it uses; of one of the wrong shape only the names are read."""
    if profile.problems:
        return [*profile.problems, *_check_names(project, profile)]
    folder = project.find_dataset(profile.data["dataset"])
    if folder is None:
        values = _check_values(project.root, profile, fill_defaults("profile", profile.data))
        return [*values, _report_unknown_dataset(project, profile)]
    effective = fill_defaults("profile", profile.data, read_options(folder))
    scope, files = find_scope(project, folder, effective), project.list_controls(folder)
    problems = [*_check_values(project.root, profile, effective), *_check_controls(project, scope, profile)]
    problems += _check_against_dataset(project, scope, profile)
    controls = [project.read(files[name], "control") for name in list_controls(profile) if name in files]
    problems += _find_far_controls(project, profile, folder)
    for control in controls:
        problems += control.problems or check_control(scope, control)
    if effective["gold"].get("disguise"):
        problems += _check_disguise(project.read(folder / DATASET_FILE, "dataset"), profile, controls)
    return [*problems, *check_dataset(project, scope, controls, profile.file)]


def check_dataset(project: Project, scope: Scope, controls: Sequence[YamlSource], namer: str) -> list[Problem]:
    """List everything wrong with a dataset and its columns, made with the controls that `namer` names."""
    problems = list(project.read(scope.folder / DATASET_FILE, "dataset").problems)
    if (twin := project.twins.get(scope.folder.name)) is not None and twin.parent == scope.folder:
        message = f"the project has a dataset {scope.folder.name} too: two datasets of one name; rename this folder"
        problems.append(Problem(project.name_file(twin), None, "", message))
    own = {path.stem: path for path in (scope.folder / "controls").glob("*.yaml")}
    for name in sorted(set(own) & set(project.shared_controls)):
        message = f"there is a shared control {name} too: two controls of one name; rename one"
        problems.append(Problem(project.name_file(own[name]), None, "", message))
    shared = {*project.list_shared_columns(scope.folder).values()}
    for path in project.find_columns(scope.folder).values():
        column = project.read(path, "column")
        if path not in shared or _is_named(project, scope, path.stem):
            problems += column.problems or check_column(scope, column)
    problems += _check_instead(project, scope.folder)
    return problems + check_flow(project, scope, controls, namer) + check_policy_file(project, scope)


def _check_instead(project: Project, folder: Path) -> Iterator[Problem]:
    """Check that a profile can have the keys by which a dataset chooses among its columns."""
    source, known = project.read(folder / DATASET_FILE, "dataset"), read_options(folder)
    for key in () if source.problems else source.data.get("instead", {}):
        if key not in known:
            yield source.report(("instead", key), f"no key of options.schema.json; {suggest(key, known)}")


def _is_named(project: Project, scope: Scope, name: str) -> bool:
    source = project.read(scope.folder / DATASET_FILE, "dataset")
    return not source.problems and any(name in source.data.get(stage, ()) for stage in STAGES)


def list_controls(profile: YamlSource) -> list[str]:
    """Name the controls of a profile, each once."""
    uses = profile.data["controls"]
    return list(dict.fromkeys(use if isinstance(use, str) else use["use"] for use in uses))


def _check_against_dataset(project: Project, scope: Scope, profile: YamlSource) -> list[Problem]:
    """Check what a profile says of roles, criteria, gold and formats against what its dataset has."""
    source = project.read(scope.folder / DATASET_FILE, "dataset")
    if (columns := _read_columns(project, scope, source)) is None:
        return []
    roles = {column["model_alias"] for column in columns if "model_alias" in column}
    return [
        *_check_embedders(profile, {c["model_alias"] for c in columns if c["column_type"] == EMBEDDING}),
        *_check_roles(profile, roles, scope.folder.name),
        *_check_words(profile, source, columns),
        *_check_gold_keys(profile, source.data.get("gold", {})),
        *_check_form(profile, columns),
    ]


def _read_columns(project: Project, scope: Scope, source: YamlSource) -> list[Mapping[str, Any]] | None:
    """Read the columns that a dataset names; None where it, or one of them, is of the wrong shape."""
    if source.problems:
        return None
    files = project.find_columns(scope.folder)
    named = dict.fromkeys(entry for stage in STAGES for entry in list_entries(source.data, stage, scope.options))
    read = [project.read(files[entry], "column") for entry in named if entry != CONTROLS and entry in files]
    return None if any(column.problems for column in read) else [column.data for column in read]


def _check_words(profile: YamlSource, dataset: YamlSource, columns: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Check the criteria and the formats that a profile names; what of them is of the wrong shape is said elsewhere."""
    judges = [column for column in columns if column["name"] == dataset.data.get("judge")]
    criteria = [score["name"] for column in judges for score in column.get("scores", ())]
    yield from _check_known(profile, "acceptance", criteria)
    yield from _check_known(profile, "export", [*FORMATS, *dataset.data.get("exports", ())])


def _check_form(profile: YamlSource, columns: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    form = profile.data.get("form", WHOLE)
    known = dict.fromkeys([WHOLE, *(name for column in columns for name in column.get("forms", {}))])
    if form not in known:
        yield profile.report(("form",), f"the dataset has no form {form}; {suggest(form, known)}")
    elif form != WHOLE and profile.data.get("backend", "library") != "library":
        message = f"a service cannot compute the rest of a row: use backend: library, or form: {WHOLE}"
        yield profile.report(("form",), message)


def _check_roles(profile: YamlSource, roles: set[str], dataset: str) -> Iterator[Problem]:
    for role in sorted(roles - set(profile.data["models"])):
        yield profile.report(("models",), f"the key {role} is missing: the model of a role that {dataset} has")
    for role in profile.data["models"]:
        if role not in roles:
            yield profile.report(("models", role), f"no column of {dataset} asks it; {suggest(role, sorted(roles))}")


def _check_embedders(profile: YamlSource, roles: Iterable[str]) -> Iterator[Problem]:
    """Check that a model which is asked for vectors is asked for nothing else, and always the same one."""
    provider = profile.data["provider"]
    for role in sorted(roles):
        if provider["name"] == "offline" or "gguf" in provider:
            message = f"what a run serves itself gives no vectors, for which {role} is asked: name another provider"
            yield profile.report(("provider",), message)
        model = profile.data["models"].get(role, {})
        if "fallback" in model:
            message = "vectors of two models cannot be held against each other: drop the fallback"
            yield profile.report(("models", role, "fallback"), message)
        for key in ("temperature", "top_p", "max_tokens"):
            if key in model.get("inference_parameters", {}):
                yield profile.report(("models", role, "inference_parameters", key), "a vector has none: drop it")
        if profile.data.get("backend", "library") != "library":
            yield profile.report(("backend",), f"a service gives no vectors, for which {role} is asked: use library")


def _check_known(profile: YamlSource, key: str, known: Sequence[str]) -> Iterator[Problem]:
    """Check words of a list, or keys of a map, against those that the dataset knows."""
    given = profile.data.get(key)
    for i, name in enumerate(given if isinstance(given, list | Mapping) else ()):
        if isinstance(name, str) and name not in known:
            place = i if isinstance(given, list) else name
            yield profile.report((key, place), f"the dataset has no {name}; {suggest(name, known)}")


def _check_gold_keys(profile: YamlSource, needs: Mapping[str, str]) -> Iterator[Problem]:
    given = profile.data.get("gold", {})
    known = [key for key, need in needs.items() if need != "none"]
    for key in given:
        if key not in GOLD_SETTINGS and key not in known and not (key == "bars" and given[key] is None):
            yield profile.report(("gold", key), f"unknown key; {suggest(key, [*known, *GOLD_SETTINGS])}")
    if "folder" in given:
        return
    for key in (key for key in known if needs[key] == "required" and given.get(key) is None):
        path = ("gold",) if "gold" in profile.data else ()
        yield profile.report(path, f"the key {key} is missing: a file of gold that the dataset needs")


def _find_far_controls(project: Project, profile: YamlSource, folder: Path) -> Iterator[Problem]:
    """Find controls that lie beside the profile while its dataset does not: a run would miss them, or take others."""
    root = folder.parent.parent
    known = Project(root, PROJECT_ROOT).list_controls(folder)
    near = {path.stem: path for path in (project.root / SHARED_CONTROLS).glob("*.yaml")}
    for name in list_controls(profile):
        if name in near and known.get(name) != near[name]:
            twin = f", and a run would take {known[name]}: rename yours; then" if name in known else ":"
            message = (
                f"the control {name} lies in {project.root} and the dataset {folder.name} elsewhere{twin} move it to "
            )
            yield profile.report(("controls",), f"{message}{root / 'columns/controls'}, or copy the dataset beside it")


def _check_disguise(dataset: YamlSource, profile: YamlSource, controls: Sequence[YamlSource]) -> Iterator[Problem]:
    """Check that a dataset says what of it can be disguised, and that no control asks for a price outright."""
    if dataset.problems:
        return
    place, declared = ("gold", "disguise"), dataset.data.get("disguise")
    if declared is None:
        name = profile.data["dataset"]
        yield profile.report(place, f"{name} cannot be disguised: its dataset.yaml declares no disguise; drop this key")
        return
    for control in (control for control in controls if not control.problems):
        fields = {(control.data.get(key) or {}).get("field") for key in ("match", "check")}
        if asked := [name for name in declared["prices"] if name in fields]:
            message = (
                f"the control {control.data['column']['name']} asks for {asked[0]}, a price, whose factor hangs on a "
                "ticker that is not known then: leave the control out, or the disguise"
            )
            yield profile.report(place, message)


def _check_values(root: Path, profile: YamlSource, effective: Mapping[str, Any]) -> list[Problem]:
    run, provider = effective["run"], effective["provider"]
    problems = []
    if run["max_candidates"] < run["accepted"]:
        message = f"must be at least run.accepted, {run['accepted']}; found {run['max_candidates']}"
        problems.append(profile.report(("run", "max_candidates"), message))
    is_ours = provider["name"] == "offline" or "gguf" in provider
    if "endpoint" not in provider and not is_ours and effective["backend"] == "library":
        message = f"the endpoint of {provider['name']} is not known: add it, such as endpoint: http://localhost:8000/v1"
        problems.append(profile.report(("provider",), message))
    if "gguf" in provider and effective["backend"] != "library":
        message = "a service does not reach a model that this machine serves to itself: use backend: library"
        problems.append(profile.report(("provider", "gguf"), message))
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
    provider = effective["provider"]
    if (provider["name"] == "offline" or "gguf" in provider) and address != "local":
        whose = "the offline model" if provider["name"] == "offline" else "a gguf that the run serves"
        message = f"{whose} answers on this machine only, {address} may lie beyond it: use address: local"
        return [profile.report(("engine", "ray", "address"), message)]
    return []


def _check_paths(root: Path, profile: YamlSource) -> list[Problem]:
    """Check that what is named relative to the root lies below it; an absolute path is what a person named."""
    gold = profile.data.get("gold", {})
    given = {key: path for key, path in gold.items() if isinstance(path, str)}
    for key, said in given.items():
        if ADDRESS.match(said):
            return [profile.report(("gold", key), f"{said} is an address: gold is read from files of this machine")]
    named = [(key, Path(path)) for key, path in given.items()]
    if "folder" in gold:
        named += [("folder", Path(gold["folder"]) / file) for file in FOLDER_FILES]
    problems = []
    refused: list[Path] = []
    for key, path in named:
        if path.parent not in refused and (message := _find_fault(root, path)) is not None:
            problems.append(profile.report(("gold", key), message))
            refused.append(path)
    return problems


def name_foreign(said: str, path: Path) -> str | None:
    """Name what a path stands for that is no file to be read to its end: standard input, a pattern, a pipe."""
    if said == "-":
        return "standard input"
    try:
        if path.exists():
            return None if path.is_file() or path.is_dir() else "no regular file"
    except (OSError, ValueError, RuntimeError):
        return None  # said elsewhere
    return "a pattern of names" if any(sign in said for sign in PATTERN_SIGNS) else None


def _find_fault(root: Path, path: Path) -> str | None:
    if (what := name_foreign(str(path), root / path)) is not None:
        return f"{path} is {what}: gold is read from files of this machine"
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


def _check_names(project: Project, profile: YamlSource) -> Iterator[Problem]:
    """Check that what a profile names is there, whatever else is wrong: dataset, controls, criteria, formats."""
    data = profile.data if isinstance(profile.data, Mapping) else {}
    folder, uses = project.find_dataset(data.get("dataset")), data.get("controls")
    if isinstance(data.get("dataset"), str) and folder is None:
        yield _report_unknown_dataset(project, profile)
    for i, use in enumerate(uses if isinstance(uses, list) and folder is not None else ()):
        name = use.get("use") if isinstance(use, Mapping) else use
        if isinstance(name, str) and folder is not None and name not in project.list_controls(folder):
            yield report_unknown_control(project, folder, profile, i)
    if folder is not None and isinstance(profile.data, Mapping):
        source = project.read(folder / DATASET_FILE, "dataset")
        columns = _read_columns(project, find_scope(project, folder), source)
        yield from _check_words(profile, source, columns) if columns is not None else ()


def _report_unknown_dataset(project: Project, profile: YamlSource) -> Problem:
    """Say that there is no dataset of the name."""
    named = profile.data["dataset"]
    message = f"there is no columns/{named}/dataset.yaml; {suggest(named, project.datasets)}"
    return profile.report(("dataset",), message)


def _check_controls(project: Project, scope: Scope, profile: YamlSource) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for i, use in enumerate(profile.data["controls"]):
        name = use if isinstance(use, str) else use["use"]
        if name in first:
            message = f"two columns of one name: {name} is named by controls.{first[name]} already; keep one"
            problems.append(profile.report(("controls", i), message))
        first.setdefault(name, i)
        problems += check_use(project, scope, profile, i)
    return problems
