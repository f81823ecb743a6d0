"""A profile as a run uses it: defaults, then the YAML file, then the command line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from columns.declared import Declared, read_declared, read_options
from designer_configs.compile.changes import name_changed, read_changed
from designer_configs.compile.checks.meaning import GOLD_SETTINGS, check_meaning
from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.checks.shape import check_shape, fill_defaults, suggest
from designer_configs.compile.checks.yaml_source import YamlSource
from designer_configs.errors import ConfigError, Problem
from files.secret_text import remember_secrets
from gold_data.folder import BARS, SPLIT, TRADES
from gold_data.source import GoldSource

_OPTIONS = {
    "run.accepted": "--num",
    "run.max_candidates": "--num",
    "run.seed": "--seed",
    "observe.port": "--metrics-port",
    "gold.bars": "--gold-bars",
    "gold.folder": "--gold",
}
BARS_KEY = "bars"
PACKAGED_MODEL = "smollm2"  # the model that comes as a package, and has no path


@dataclass(frozen=True)
class ControlUse:
    """A control that a profile names, and what it changes about it: `params`, or `from_gold`, or nothing."""

    name: str
    params: Mapping[str, Any] | None = None
    from_gold: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Provider:
    """Who serves the models.

    `endpoint` is None for models that the run serves itself, and where a microservice knows the name. Of these, the
    offline model has no `gguf`; `threads` None = half of the cores.
    """

    name: str
    endpoint: str | None
    provider_type: str
    api_key_env: str | None
    gguf: str | None = None
    context: int = 0
    threads: int | None = None


@dataclass(frozen=True)
class Model:
    """A role's model; only the inference parameters that were given or have a default are there.

    `dialect` says how its requests are put, where its provider wants them in another way.
    """

    model: str
    inference_parameters: Mapping[str, Any]
    skip_health_check: bool
    structured_output: str = "auto"
    fallback: "Model | None" = None
    dialect: tuple[str, ...] = ()


def count_parallel(models: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, int]:
    """Count the requests that each model may have at once: the least that is said of it, for it is shared.

    `models` are names and inference parameters, one for each time that a model is named.
    """
    parallel: dict[str, int] = {}
    for model, parameters in models:
        most = int(parameters["max_parallel_requests"])
        parallel[model] = min(most, parallel.get(model, most))
    return parallel


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost: of prompts and of answers, by model. A model that is missing has no known price."""

    currency: str
    per_million: Mapping[str, tuple[float, float]]

    def price(self, model: str, prompt_tokens: float | None, completion_tokens: float | None) -> float | None:
        """Price tokens; None where the price or the tokens are not known."""
        if model not in self.per_million or prompt_tokens is None or completion_tokens is None:
            return None
        prompt, completion = self.per_million[model]
        return (prompt_tokens * prompt + completion_tokens * completion) / 1e6


@dataclass(frozen=True)
class BackendChoice:
    """Where jobs run; addresses and keys of a service are in environment variables, of which these are the names."""

    name: Literal["library", "microservices"]
    base_url_env: str | None = None
    api_key_env: str | None = None
    datastore_url_env: str | None = None
    datastore_token_env: str | None = None


@dataclass(frozen=True)
class EngineChoice:
    """How a job's rows are worked on: in this process, or in parts of at most `part_rows` by Ray's workers.

    `max_parallel_requests` holds over all workers together.
    """

    name: Literal["local", "ray"]
    address: str = "local"
    workers: int = 1
    part_rows: int = 0


@dataclass(frozen=True)
class RunLimits:
    """How much is made, and what stops it; `max_tokens`, `max_cost` None = no cap."""

    accepted: int
    max_candidates: int
    refine_passes: int
    seed: int
    max_minutes: float
    max_tokens: int | None
    max_cost: float | None
    patience_minutes: float
    tries: int
    retry_seconds: float


@dataclass(frozen=True)
class Profile:
    """An effective profile: nothing in it is left to a default.

    `name`, `file` (as messages name it) and `path` are those of the file it was read from; `document` is the whole of
    it as plain data. `unmended` names mendings of answers that are switched off. `trace` is `full` where prompts and
    answers are kept. `options` are the keys that belong to the dataset, `acceptance` has every criterion of its judge,
    `changes` are those of `--set` and `--only`.
    """

    name: str
    file: str
    path: Path
    description: str
    dataset: Declared
    controls: tuple[ControlUse, ...]
    provider: Provider
    models: Mapping[str, Model]
    prices: Prices
    backend: BackendChoice
    engine: EngineChoice
    gold: GoldSource
    form: str
    run: RunLimits
    acceptance: Mapping[str, int]
    options: Mapping[str, Any]
    unmended: tuple[str, ...]
    export: tuple[str, ...]
    trace: Literal["none", "full"]
    metrics_port: int | None
    document: Mapping[str, Any]
    changes: tuple[str, ...] = ()

    @property
    def secret_names(self) -> list[str]:
        """Names of the environment variables that hold keys, or addresses which may hold a password."""
        backend = self.backend
        names = [self.provider.api_key_env, backend.base_url_env, backend.api_key_env]
        names += [backend.datastore_url_env, backend.datastore_token_env]
        return [name for name in names if name is not None]

    def to_yaml(self) -> str:
        """Write the effective profile as YAML that, loaded as a profile, means the same."""
        return yaml.safe_dump(dict(self.document), sort_keys=False, allow_unicode=True, width=120)


def list_profiles() -> list[str]:
    """Name the shipped profiles."""
    return list(Project(PROJECT_ROOT).profiles)


def load_profile(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Profile:
    """Load a profile and check it with everything it uses.

    Args:
        name_or_path: Name of a file in designer_configs/, or the path of a .yaml file anywhere.
        overrides: The command line's `num`, `seed`, `gold`, `gold_rows`, `gold_bars`, `metrics_port`; None = not given.
            `sets` and `onlys` change the file's own keys before it is checked. `num` scales the cap on candidates in
            the same proportion. A `gold` folder takes the place of all that the profile says of gold; gold rows without
            gold bars leave the profile's bars unused. Paths here are relative to the current folder, those in the file
            to the folder that holds `columns/`.

    Raises:
        ConfigError: with every problem there is.
    """
    path = _find_profile(str(name_or_path))
    project = open_project(path)
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    sets, onlys = given.pop("sets", ()), given.pop("onlys", ())
    source = read_changed(project, path, sets, onlys)
    if problems := check_meaning(project, source):
        raise ConfigError(list(dict.fromkeys(name_changed(problems, source, sets, onlys))))
    folder = project.find_dataset(source.data["dataset"])
    assert folder is not None, "check_meaning has found it"
    document = fill_defaults("profile", source.data, read_options(folder))
    dataset = read_declared(folder, document)
    if dataset.root != PROJECT_ROOT:  # what is kept of the profile is read from elsewhere
        document["dataset"] = str(folder)
    if project.root != PROJECT_ROOT:
        document["gold"] = {key: _place(value, project.root) for key, value in document["gold"].items()}
    provider = document["provider"]
    if provider.get("gguf", PACKAGED_MODEL) != PACKAGED_MODEL:
        provider["gguf"] = str(project.root / provider["gguf"])
    document["acceptance"] = dataset.acceptance | document["acceptance"]
    _apply(document, given, dataset, project.root)
    effective = replace(source, data=document)
    if problems := [*check_shape(effective, "profile", dataset.options), *_check_gold_options(given, dataset)]:
        options = _OPTIONS | {f"gold.{dataset.rows_key}": "--gold-rows"}
        problems = [replace(problem, file="command line", line=None) for problem in problems]
        raise ConfigError([replace(problem, path=options.get(problem.path, problem.path)) for problem in problems])
    profile = replace(_build_profile(effective, dataset, project.root), changes=(*sets, *onlys))
    remember_secrets(profile.secret_names)
    return profile


def open_project(profile: Path, home: Path = PROJECT_ROOT) -> Project:
    """Open the project for a profile: with the user's own root where the profile lies beside a `columns` folder."""
    for root in (profile.parent, profile.parent.parent):
        if root != home and (root / "columns").is_dir() and not root.is_relative_to(home / "columns"):
            return Project(root.resolve(), home)
    return Project(home)


def load_controls(profile: Profile) -> list[dict[str, Any]]:
    """Read the controls that a profile names, with the profile's changes; a `from_gold` then always has a field."""
    project = Project(profile.dataset.root, PROJECT_ROOT)
    files = project.list_controls(profile.dataset.folder)
    return [_change_control(use, project.read(files[use.name], "control").data) for use in profile.controls]


def _change_control(use: ControlUse, declared: Mapping[str, Any]) -> dict[str, Any]:
    control: dict[str, Any] = dict(declared)
    column = dict(control["column"])
    if use.params is not None:
        column["params"], control["from_gold"] = use.params, None
    if use.from_gold is not None:
        column.pop("params", None)
        control["from_gold"] = {**(control.get("from_gold") or {}), **use.from_gold}
        control["from_gold"].setdefault("field", (control.get("match") or {}).get("field"))
    return {**control, "column": column}


def _find_profile(name: str) -> Path:
    profiles = Project(PROJECT_ROOT).profiles
    if name.endswith(".yaml") and Path(name).is_file():
        return Path(name).resolve()
    if name in profiles:
        return profiles[name]
    message = f"there is no profile {name}; {suggest(Path(name).stem, profiles)}, or the path of a .yaml file"
    raise ConfigError([Problem("designer_configs", None, "", message)])


def _check_gold_options(given: Mapping[str, Any], dataset: Declared) -> list[Problem]:
    """Check that the dataset takes the gold which the command line brings."""
    problems = []
    if "gold_rows" in given and dataset.rows_key is None:
        problems.append(Problem("", None, "--gold-rows", f"{dataset.name} takes no gold rows: drop it"))
    if "gold_bars" in given and dataset.gold.get(BARS_KEY, "none") == "none":
        problems.append(Problem("", None, "--gold-bars", f"{dataset.name} takes no bars: drop it"))
    return problems


def _apply(document: dict[str, Any], options: Mapping[str, Any], dataset: Declared, root: Path) -> None:
    """Put the command line's options into a document that has no gaps."""
    run = document["run"]
    if "num" in options:
        wanted, before = options["num"], run["accepted"]
        run["max_candidates"] = max(1, -(-run["max_candidates"] * wanted // before))
        run["accepted"] = wanted
    if "seed" in options:
        run["seed"] = options["seed"]
    if "metrics_port" in options:
        document["observe"]["port"] = options["metrics_port"]
    keys = {"gold_rows": dataset.rows_key or "rows", "gold_bars": BARS_KEY}
    given = {key: _name_path(options[option], root) for option, key in keys.items() if option in options}
    if "gold" in options:
        kept = {"disguise": True} if document["gold"].get("disguise") else {}
        document["gold"] = (
            {"folder": _name_path(options["gold"], root)} | given | kept
        )  # of which the schema allows the folder only
    elif "gold_rows" in options:
        kept = {key: value for key, value in document["gold"].items() if key in GOLD_SETTINGS and key != "folder"}
        document["gold"] = fill_defaults("profile", {"gold": given | kept})["gold"]
    else:
        document["gold"] |= given


def _place(value: Any, root: Path) -> Any:
    """Make a path of the gold absolute."""
    return str(root / value) if isinstance(value, str) else value


def _name_path(given: str | Path, root: Path) -> str:
    """Write a path of the command line as one of a profile: relative to the root where it lies below it."""
    try:
        path = Path(given).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL: whoever reads it says so
        return str(given)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _build_profile(source: YamlSource, dataset: Declared, root: Path) -> Profile:
    document = source.data
    provider, backend = document["provider"], document["backend"]
    options = {key: document[key] for key in dataset.options}
    return Profile(
        name=source.path.stem,
        file=source.file,
        path=source.path,
        description=document["description"],
        dataset=dataset,
        controls=tuple(
            ControlUse(use) if isinstance(use, str) else ControlUse(use["use"], use.get("params"), use.get("from_gold"))
            for use in document["controls"]
        ),
        provider=Provider(**({"endpoint": None} | provider)),
        models={role: _build_model(model) for role, model in document["models"].items()},
        prices=Prices(
            document["prices"]["currency"],
            {
                model: (price["prompt_per_million"], price["completion_per_million"])
                for model, price in document["prices"]["models"].items()
            },
        ),
        backend=BackendChoice("library")
        if backend == "library"
        else BackendChoice("microservices", **backend["microservices"]),
        engine=_choose_engine(document["engine"]),
        gold=_find_gold(document["gold"], dataset, root, options),
        form=document["form"],
        run=RunLimits(**document["run"]),
        acceptance=document["acceptance"],
        options=options,
        unmended=tuple(document["unmended"]),
        export=tuple(document["export"]),
        trace=document["trace"],
        metrics_port=document["observe"]["port"],
        document=document,
    )


def _build_model(model: Mapping[str, Any]) -> Model:
    fallback = model.get("fallback")
    form = {"structured_output": model["structured_output"]}
    stand_in = None if fallback is None else Model(**(form | _freeze(fallback)), skip_health_check=True)
    return Model(**{**_freeze(model), "fallback": stand_in})


def _freeze(model: Mapping[str, Any]) -> dict[str, Any]:
    return {**model, "dialect": tuple(model["dialect"])}


def _choose_engine(engine: str | Mapping[str, Any]) -> EngineChoice:
    if engine == "local":
        return EngineChoice("local")
    given = {"ray": {}} if isinstance(engine, str) else engine
    return EngineChoice("ray", **fill_defaults("profile", {"engine": given})["engine"]["ray"])


def _find_gold(gold: Mapping[str, Any], dataset: Declared, root: Path, options: Mapping[str, Any]) -> GoldSource:
    if "folder" in gold:
        folder = root / gold["folder"]
        files = {dataset.rows_key or "rows": folder / TRADES, BARS_KEY: folder / BARS}
        there = {key: path for key, path in files.items() if key != BARS_KEY or path.is_file()}
        return GoldSource(there, 0.0, split=folder / SPLIT, disguise=gold.get("disguise", False), options=options)
    files = {key: root / path for key, path in gold.items() if key not in GOLD_SETTINGS and path is not None}
    return GoldSource(files, gold["holdout"], gold["embargo"], disguise=gold["disguise"], options=options)
