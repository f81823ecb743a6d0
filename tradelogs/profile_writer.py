"""Writes a profile for a person's own gold and models, a comment on every line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from columns.dataset import load_dataset
from columns.declared import Declared, read_declared
from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.errors import ConfigError, Problem
from files.whole_file import write_text
from gold_data.source import GoldSource
from gold_data.store import take_rows

ROWS_A_BUCKET = 20  # gold rows that a bucket of numbers should have at least
MOST_BUCKETS = 9
CANDIDATES_PER_ROW = 2  # the cap on candidates, times the rows that are wanted
HOLDOUT = 0.2


@dataclass(frozen=True)
class Answers:
    """What a person said: the dataset, gold, provider, models by role (others have the row's own), prices and caps."""

    dataset: str
    files: Mapping[str, Path]
    provider: str
    endpoint: str | None
    api_key_env: str | None
    models: Mapping[str, str]
    prices: tuple[float, float] | None
    currency: str
    accepted: int
    max_cost: float | None
    max_minutes: float


def write_profile(answers: Answers, path: Path) -> list[str]:
    """Write a profile; gives what a person should know of the gold.

    Raises:
        ConfigError: there is no such dataset, or the file is there already.
        GoldError: the gold cannot be read.
    """
    if path.exists():
        raise ConfigError([Problem(str(path), None, "", "is there already: name another file with --out")])
    project = Project(PROJECT_ROOT)
    folder = project.find_dataset(answers.dataset)
    if folder is None:
        raise ConfigError([Problem("", None, "dataset", f"there is no dataset {answers.dataset}")])
    declared = read_declared(folder)
    source = GoldSource(answers.files, HOLDOUT, options=declared.default_options)
    gold = load_dataset(folder).read_gold(source)
    train = take_rows(gold, "train", HOLDOUT)
    controls = [project.read(file, "control").data for file in project.list_controls(folder).values()]
    lines = [*_write_head(answers, declared), *_write_controls(controls, train), *_write_rest(answers, declared)]
    write_text("\n".join(lines) + "\n", path)
    return gold.notes


def _write_head(answers: Answers, declared: Declared) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={PROJECT_ROOT / 'designer_configs/schema/profile.schema.json'}"
    yield "schema_version: 1            # of this format"
    yield f"description: {json.dumps(f'{declared.name} of my own gold.')}   # shown where profiles are listed"
    yield f"dataset: {answers.dataset}   # what a row is: columns/{declared.name}/dataset.yaml"


def _write_controls(controls: list[dict[str, Any]], train: pl.DataFrame) -> Iterator[str]:
    """Write the controls that fit the gold, each with what was found there."""
    yield "controls:   # what is drawn anew for every row, so that rows differ as the gold's do"
    for control in controls:
        name, rule = control["column"]["name"], control.get("match") or control.get("from_gold") or {}
        field = rule.get("field")
        if field is None:
            yield f"  - {name}   # {control['description']}"
        elif field in train.columns and train.height:
            yield _write_fitted(name, train[field])


def _write_fitted(name: str, values: pl.Series) -> str:
    if values.dtype.is_numeric():
        bins = max(2, min(MOST_BUCKETS, len(values) // ROWS_A_BUCKET))
        low, high = (float(str(end)) for end in (values.min(), values.max()))
        ends = f"{low:g} to {high:g}"
        found = f"your gold has {ends}, about {len(values) // bins} rows a bucket"
        return f"  - {{use: {name}, from_gold: {{bins: {bins}}}}}   # {found}"
    kinds = values.n_unique()
    if kinds == 1:
        return f"  # - {name}   # left out: your gold has only {values[0]}"
    return f"  - {name}   # as often as in your gold, which has {kinds} kinds"


def _write_rest(answers: Answers, declared: Declared) -> Iterator[str]:
    yield from _write_provider(answers)
    yield "models:   # better another judge than the generator: a model is mild with itself"
    first = next(iter(answers.models.values()))
    for role in declared.roles:
        parameters = "{max_parallel_requests: 16, timeout: 120}"
        model = json.dumps(answers.models.get(role, first))
        yield f"  {role}: {{model: {model}, inference_parameters: {parameters}}}   # timeout in seconds"
    if answers.prices is not None:
        yield from _write_prices(answers, declared, first)
    if answers.files:
        yield "gold:   # what to learn from"
        yield from (f"  {key}: {json.dumps(str(path.resolve()))}" for key, path in answers.files.items())
        yield f"  holdout: {HOLDOUT}   # share of the sessions that no model ever sees; verification compares with them"
    yield "run:"
    yield f"  accepted: {answers.accepted}   # {declared.nouns} wanted"
    yield f"  max_candidates: {answers.accepted * CANDIDATES_PER_ROW}   # cap on drafts"
    yield f"  max_minutes: {answers.max_minutes:g}   # cap on time"
    if answers.max_cost is not None:
        yield f"  max_cost: {answers.max_cost:g}   # cap on money, {answers.currency}"
    yield "  seed: 7   # the same seed draws the same plan"


def _write_provider(answers: Answers) -> Iterator[str]:
    yield "provider:   # who serves the models"
    yield f"  name: {json.dumps(answers.provider)}"
    if answers.endpoint is not None:
        yield f"  endpoint: {json.dumps(answers.endpoint)}"
    if answers.api_key_env is not None:
        yield f"  api_key_env: {answers.api_key_env}   # name of the variable that holds the key, never the key"


def _write_prices(answers: Answers, declared: Declared, first: str) -> Iterator[str]:
    prompt, completion = answers.prices or (0.0, 0.0)
    yield "prices:   # what the provider charges, for estimates, usage.json and run.max_cost"
    yield f"  currency: {answers.currency}"
    yield "  models:"
    for model in dict.fromkeys(answers.models.get(role, first) for role in declared.roles):
        each = f"{{prompt_per_million: {prompt:g}, completion_per_million: {completion:g}}}"
        yield f"    {json.dumps(model)}: {each}   # of a million tokens"
