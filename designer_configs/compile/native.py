"""From a profile and its columns to native Data Designer configs: one of the whole flow, and the jobs a run sends.

The whole flow, sampler to judge in one job, is what Data Designer's own commands run. A run sends the same columns in
two jobs, plan and generate, and once more per refine pass: samplers and an ordered seed must not share a job (a row
that fails early would take its whole row group with it), and a plan drawn beforehand makes every row known by its id.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from designer_configs.compile.controls import Control, resolve_controls, sample_from_gold
from designer_configs.compile.profile import PROJECT_ROOT, Profile
from files.whole_file import write_text
from gold_data.store import GoldFolder

FALLBACK_ALIAS = "{role}_fallback"  # under which a job declares the model that stands in for a role's
OFFLINE_PORT = 8377  # where `tradelogs offline-model` listens unless told otherwise
NumberedColumns = list[dict[str, Any]]
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # ten times quicker, where PyYAML was built with libyaml


@dataclass(frozen=True)
class CompiledProfile:
    """Native Data Designer configs of a profile on one gold set, as plain data; `controls` as they were resolved."""

    whole: dict[str, Any]
    plan: dict[str, Any]
    generate: dict[str, Any]
    refine: dict[str, Any]
    controls: list[Control]


def compile_profile(profile: Profile, gold: GoldFolder) -> CompiledProfile:
    """Compile a profile against a gold folder."""
    controls = resolve_controls(profile, gold.train)
    folder = PROJECT_ROOT / "columns" / profile.dataset
    dataset = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))
    stages = {
        stage: _load_columns(folder, dataset[stage], controls, gold, profile.run.seed)
        for stage in ("plan", "generate", "refine")
    }
    models = [_describe_model(role, model, profile.provider.name) for role, model in profile.models.items()]
    models += [
        _describe_model(FALLBACK_ALIAS.format(role=role), model.fallback, profile.provider.name)
        for role, model in profile.models.items()
        if model.fallback is not None
    ]
    checked = [model | {"skip_health_check": True} for model in models]  # once a run, not once a job
    return CompiledProfile(
        whole={"model_configs": models, "columns": [_judge_all(c) for c in stages["plan"] + stages["generate"]]},
        plan={"columns": stages["plan"]},
        generate={"model_configs": checked, "columns": stages["generate"]},
        refine={"model_configs": checked, "columns": stages["refine"]},
        controls=controls,
    )


def add_seed(config: Mapping[str, Any], rows: Path) -> dict[str, Any]:
    """Give a job its rows: each is used once, in order, and comes back with all its columns."""
    source = {"seed_type": "local", "path": str(rows)}
    return {"seed_config": {"source": source, "sampling_strategy": "ordered"}, **config}


def write_config(config: Mapping[str, Any], path: Path, comment: str) -> None:
    """Write a native config as YAML, opening with a comment that says what it is."""
    text = yaml.dump(dict(config), Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120)
    write_text(f"# {comment}\n{text}", path)


def _judge_all(column: dict[str, Any]) -> dict[str, Any]:
    """Leave out a column's `skip`: the library's own preview cannot show a row whose judge was skipped."""
    return {key: value for key, value in column.items() if key != "skip"}


def say_control(control: Control) -> str:
    """Say a control's demand as one line of the prompt, with the tolerance that the checks will apply."""
    tolerance = (control.check or {}).get("tolerance")
    return f"- {control.prompt.strip()}" + (f" Tolerance: {tolerance:g}." if tolerance is not None else "")


def _describe_model(role: str, model: Any, provider: str) -> dict[str, Any]:
    return {
        "alias": role,
        "model": model.model,
        "provider": provider,
        "inference_parameters": dict(model.inference_parameters),
        "skip_health_check": model.skip_health_check,
    }


def _load_columns(
    folder: Path, names: Sequence[str], controls: list[Control], gold: GoldFolder, seed: int
) -> NumberedColumns:
    columns: NumberedColumns = []
    for name in names:
        if name == "$controls":
            columns.extend(control.column for control in controls)
        else:
            declared = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
            columns.append(_complete_column(declared, controls, gold, seed))
    return columns


def _complete_column(column: dict[str, Any], controls: list[Control], gold: GoldFolder, seed: int) -> dict[str, Any]:
    """Fill what a declaration leaves to the run: the gold, the controls, and schemas kept in files of their own."""
    if (source := column.pop("from_gold", None)) is not None:
        column["params"] = sample_from_gold(gold.train[source["field"]], source.get("bins"))
    if isinstance(column.get("output_format"), str):
        column["output_format"] = json.loads((PROJECT_ROOT / column["output_format"]).read_text(encoding="utf-8"))
    match column["column_type"]:
        case "expression":
            column["expr"] = column["expr"].replace("$controls", "\n".join(say_control(c) for c in controls))
        case "gold-examples":
            rules = [{"column": c.name, **c.match} for c in controls if c.match is not None]
            column |= {"gold": str(gold.folder.resolve()), "seed": seed, "match": rules}
        case "trade-rules":
            ticker = next((c.name for c in controls if c.check is not None and c.check["field"] == "ticker"), None)
            column |= {"gold": str(gold.folder.resolve()), "ticker_column": ticker}
        case "trade-checks":
            checks = [{"column": c.name, **c.check} for c in controls if c.check is not None]
            column |= {"gold": str(gold.folder.resolve()), "checks": checks}
    return column
