"""Every violation of every file at once: first the file's shape, then what it means."""

import functools
import importlib.util
import json
import os
from collections.abc import Iterable
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from columns.declared import CASES_FILE, FINISHED_FILE, POLICY_FILE
from designer_configs.compile.checks.columns import check_control, find_scope
from designer_configs.compile.checks.meaning import check_dataset, check_meaning, list_controls
from designer_configs.compile.checks.project import PROJECT_ROOT, SHARED_CONTROLS, Project
from designer_configs.compile.checks.shape import KINDS, Kind
from designer_configs.compile.checks.yaml_source import load_yaml, write_path
from designer_configs.compile.profile import PACKAGED_MODEL, Profile, open_project
from designer_configs.errors import Problem
from gold_data.folder import SPLIT


def check_all(root: Path = PROJECT_ROOT) -> list[Problem]:
    """List every violation of every profile, control, column, dataset and schema below a root, in order of file."""
    project = Project(root.resolve())
    if problems := _check_schemas(project):
        return problems
    for kind, path in _list_files(project):
        problems += project.read(path, kind).problems
    users, unused = _find_users(project), {path.parent for path in [*project.datasets.values()][:1]}
    for path in project.datasets.values():
        scope = find_scope(project, path.parent)
        controls = [
            project.read(file, "control")
            for name, file in project.list_controls(path.parent).items()
            if file.parent.parent == path.parent or path.parent in users.get(name, unused)
        ]
        for control in controls:
            problems += [] if control.problems else check_control(scope, control)
        problems += check_dataset(project, scope, controls, SHARED_CONTROLS)
    for path in project.profiles.values():
        problems += check_meaning(project, project.read(path, "profile"))
    return _sort(problems)


def _find_users(project: Project) -> dict[str, set[Path]]:
    """Find with which datasets each control is checked: those of profiles that use it, or those that its fields fit."""
    users: dict[str, set[Path]] = {}
    for path in project.profiles.values():
        profile = project.read(path, "profile")
        folder = None if profile.problems else project.find_dataset(profile.data["dataset"])
        if folder is not None:
            for name in list_controls(profile):
                users.setdefault(name, set()).add(folder)
    for name, path in project.shared_controls.items():
        control = project.read(path, "control")
        rules = [] if control.problems else [control.data.get(key) or {} for key in ("match", "check", "from_gold")]
        fields = {rule["field"] for rule in rules if "field" in rule}
        fitting = {
            file.parent for file in project.datasets.values() if fields <= set(find_scope(project, file.parent).kinds)
        }
        if name not in users and fitting:
            users[name] = fitting
    return users


def check_profile(path: Path, root: Path = PROJECT_ROOT) -> list[Problem]:
    """List every violation of one profile, of the controls it names and of its dataset's columns."""
    project = open_project(path, root.resolve())
    return _check_schemas(project) or _sort(check_meaning(project, project.read(path, "profile")))


def check_environment(profile: Profile) -> list[Problem]:
    """List the environment variables, the package and the model file that a run needs and that are not there."""
    missing = []
    if profile.engine.name == "ray" and importlib.util.find_spec("ray") is None:
        message = "needs Ray, which is not installed: .venv/bin/pip install -e '.[ray]', or use engine: local"
        missing.append(Problem(profile.file, None, "engine", message))
    if (gguf := profile.provider.gguf) not in (None, PACKAGED_MODEL) and not Path(str(gguf)).is_file():
        missing.append(Problem(profile.file, None, "provider.gguf", f"there is no file {gguf}: name one that is there"))
    needed = {"provider.api_key_env": profile.provider.api_key_env}
    if profile.backend.name == "microservices":  # the service has its own keys
        names = ("base_url_env", "api_key_env", "datastore_token_env")
        needed = {f"backend.microservices.{name}": getattr(profile.backend, name) for name in names}
    return missing + [
        Problem(profile.file, None, path, f"the environment variable {name} is not set: export {name}=...")
        for path, name in needed.items()
        if name is not None and not os.environ.get(name)
    ]


def check_gold_files(profile: Profile) -> list[Problem]:
    """List the files of gold that a profile's own file names and that are not there, each by its line."""
    source, root = load_yaml(profile.path, profile.file), open_project(profile.path).root
    gold = source.data.get("gold", {}) if isinstance(source.data, dict) else {}
    named = {key: root / path for key, path in gold.items() if isinstance(path, str)}
    problems = []
    for key, path in named.items():
        is_used = path == profile.gold.files.get(key) or (key == "folder" and path / SPLIT == profile.gold.split)
        if is_used and not path.exists():
            what = (
                "folder: name one that `tradelogs gold import` wrote"
                if key == "folder"
                else "file: name one that is there"
            )
            problems.append(source.report(("gold", key), f"{path}: there is no such {what}"))
    return problems


def _list_files(project: Project) -> Iterable[tuple[Kind, Path]]:
    yield from (("profile", path) for path in project.profiles.values())
    yield from (("control", path) for path in project.shared_controls.values())
    for dataset in project.datasets.values():
        yield "dataset", dataset
        yield from (("control", path) for path in sorted(dataset.parent.glob("controls/*.yaml")))
        yield from (("column", path) for path in project.find_columns(dataset.parent).values())
        yield from (("export", path) for path in sorted(dataset.parent.glob("exports/*.yaml")))
        yield from (("finished", path) for path in dataset.parent.glob(FINISHED_FILE))
        yield from (("cases", path) for path in dataset.parent.glob(CASES_FILE))
        yield from (("policy", path) for path in dataset.parent.glob(POLICY_FILE))


def _check_schemas(project: Project) -> list[Problem]:
    paths = [project.home / "designer_configs/schema" / f"{kind}.schema.json" for kind in KINDS]
    problems = []
    folders = [path.parent for path in project.datasets.values()]
    own = [path for folder in folders for path in sorted(folder.glob("*.schema.json"))]
    for path in [*paths, *own]:
        file = project.name_file(path)
        try:
            found = _check_schema(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as exc:
            found = (None, "", f"cannot be read: {exc.strerror if isinstance(exc, OSError) else exc}")
        if found is not None:
            problems.append(Problem(file, *found))
    return problems


@functools.cache
def _check_schema(text: str) -> tuple[int | None, str, str] | None:
    """Say what is wrong with the text of a JSON Schema, if anything: line, path, message."""
    try:
        Draft202012Validator.check_schema(json.loads(text))
    except json.JSONDecodeError as exc:
        return exc.lineno, "", f"not valid JSON: {exc.msg}"
    except SchemaError as exc:
        return None, write_path(tuple(exc.absolute_path)), f"not a valid JSON Schema: {exc.message}"
    return None


def _sort(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line or 0))
