"""A profile as a run uses it: defaults, then the YAML file, then the command line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from designer_configs.compile.checks.meaning import check_meaning
from designer_configs.compile.checks.project import Project
from designer_configs.compile.checks.shape import check_shape, fill_defaults, suggest
from designer_configs.compile.checks.yaml_source import YamlSource
from designer_configs.errors import ConfigError, Problem
from files.secret_text import remember_secrets
from gold_data.folder import BARS, SPLIT, TRADES

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = {
    "run.accepted": "--num",
    "run.max_candidates": "--num",
    "run.seed": "--seed",
    "observe.port": "--metrics-port",
    "gold.trades": "--gold-trades",
    "gold.bars": "--gold-bars",
    "gold.folder": "--gold",
}


@dataclass(frozen=True)
class ControlUse:
    """A control that a profile names, and what it changes about it: `params`, or `from_gold`, or nothing."""

    name: str
    params: Mapping[str, Any] | None = None
    from_gold: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Provider:
    """Who serves the models. `endpoint` is None for the offline model, and where a microservice knows the name."""

    name: str
    endpoint: str | None
    provider_type: str
    api_key_env: str | None


@dataclass(frozen=True)
class Model:
    """A role's model; only the inference parameters that were given or have a default are there."""

    model: str
    inference_parameters: Mapping[str, Any]
    skip_health_check: bool
    fallback: "Model | None" = None


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
class GoldSource:
    """Files of the gold, as absolute paths, and which sessions are held out.

    `split` is the file that says which, where a gold folder brings it; otherwise the last ones are, a share `holdout`
    of all, with `embargo` sessions before them in neither part.
    """

    trades: Path
    bars: Path | None
    holdout: float
    embargo: int = 0
    split: Path | None = None


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

    `name` and `file` are those of the file it was read from; `document` is the whole of it as plain data. `trace` is
    `full` where prompts and answers are kept.
    """

    name: str
    file: str
    description: str
    dataset: str
    controls: tuple[ControlUse, ...]
    provider: Provider
    models: Mapping[str, Model]
    prices: Prices
    backend: BackendChoice
    engine: EngineChoice
    gold: GoldSource
    run: RunLimits
    acceptance: Mapping[str, int]
    indicators: tuple[str, ...]
    export: tuple[str, ...]
    trace: Literal["none", "full"]
    metrics_port: int | None
    document: Mapping[str, Any]

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
        overrides: The command line's `num`, `seed`, `gold`, `gold_trades`, `gold_bars`, `metrics_port`; None = not
            given. `num` scales the cap on candidates in the same proportion. A `gold` folder takes the place of all
            that the profile says of gold; gold trades without gold bars leave the profile's bars unused. Paths here are
            relative to the current folder, those in the file to the repository's root.

    Raises:
        ConfigError: with every problem there is.
    """
    project = Project(PROJECT_ROOT)
    source = project.read(_find_profile(project, str(name_or_path)), "profile")
    if problems := check_meaning(project, source):
        raise ConfigError(list(dict.fromkeys(problems)))
    document = fill_defaults("profile", source.data)
    _apply(document, {key: value for key, value in (overrides or {}).items() if value is not None})
    effective = replace(source, data=document)
    if problems := check_shape(effective, "profile"):
        options = [replace(problem, file="command line", line=None) for problem in problems]
        raise ConfigError([replace(problem, path=_OPTIONS.get(problem.path, problem.path)) for problem in options])
    profile = _build_profile(effective)
    remember_secrets(profile.secret_names)
    return profile


def load_control(use: ControlUse) -> dict[str, Any]:
    """Read the control that a profile names, with the profile's changes; its `from_gold` then always has a field."""
    project = Project(PROJECT_ROOT)
    control: dict[str, Any] = dict(project.read(project.controls[use.name], "control").data)
    column = dict(control["column"])
    if use.params is not None:
        column["params"], control["from_gold"] = use.params, None
    if use.from_gold is not None:
        column.pop("params", None)
        control["from_gold"] = {**(control.get("from_gold") or {}), **use.from_gold}
        control["from_gold"].setdefault("field", (control.get("match") or {}).get("field"))
    return {**control, "column": column}


def _find_profile(project: Project, name: str) -> Path:
    if name.endswith(".yaml") and Path(name).is_file():
        return Path(name).resolve()
    if name in project.profiles:
        return project.profiles[name]
    message = f"there is no profile {name}; {suggest(Path(name).stem, project.profiles)}, or the path of a .yaml file"
    raise ConfigError([Problem("designer_configs", None, "", message)])


def _apply(document: dict[str, Any], options: Mapping[str, Any]) -> None:
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
    given = {key: _name_path(options[f"gold_{key}"]) for key in ("trades", "bars") if f"gold_{key}" in options}
    if "gold" in options:
        document["gold"] = {"folder": _name_path(options["gold"])} | given  # of which the schema allows the folder only
    elif "trades" in given:
        kept = {key: value for key, value in document["gold"].items() if key in ("holdout", "embargo")}
        document["gold"] = fill_defaults("profile", {"gold": given | kept})["gold"]
    else:
        document["gold"] |= given


def _name_path(given: str | Path) -> str:
    """Write a path of the command line as one of a profile: relative to the root where it lies below it."""
    path = Path(given).resolve()
    return path.relative_to(PROJECT_ROOT).as_posix() if path.is_relative_to(PROJECT_ROOT) else str(path)


def _build_profile(source: YamlSource) -> Profile:
    document = source.data
    provider, backend = document["provider"], document["backend"]
    return Profile(
        name=source.path.stem,
        file=source.file,
        description=document["description"],
        dataset=document["dataset"],
        controls=tuple(
            ControlUse(use) if isinstance(use, str) else ControlUse(use["use"], use.get("params"), use.get("from_gold"))
            for use in document["controls"]
        ),
        provider=Provider(
            provider["name"], provider.get("endpoint"), provider["provider_type"], provider["api_key_env"]
        ),
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
        gold=_find_gold(document["gold"]),
        run=RunLimits(**document["run"]),
        acceptance=document["acceptance"],
        indicators=tuple(document["indicators"]),
        export=tuple(document["export"]),
        trace=document["trace"],
        metrics_port=document["observe"]["port"],
        document=document,
    )


def _build_model(model: Mapping[str, Any]) -> Model:
    fallback = model.get("fallback")
    stand_in = None if fallback is None else Model(**fallback, skip_health_check=True)
    return Model(**{**model, "fallback": stand_in})


def _choose_engine(engine: str | Mapping[str, Any]) -> EngineChoice:
    if engine == "local":
        return EngineChoice("local")
    given = {"ray": {}} if isinstance(engine, str) else engine
    return EngineChoice("ray", **fill_defaults("profile", {"engine": given})["engine"]["ray"])


def _find_gold(gold: Mapping[str, Any]) -> GoldSource:
    if "folder" in gold:
        folder = PROJECT_ROOT / gold["folder"]
        bars = folder / BARS
        return GoldSource(folder / TRADES, bars if bars.is_file() else None, 0.0, split=folder / SPLIT)
    bars = None if gold["bars"] is None else PROJECT_ROOT / gold["bars"]
    return GoldSource(PROJECT_ROOT / gold["trades"], bars, gold["holdout"], gold["embargo"])
