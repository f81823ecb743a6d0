"""From a profile and its columns to native Data Designer configs: one of the whole flow, and the jobs a run sends.

The whole flow, sampler to judge in one job, is what Data Designer's own commands run. A run sends the same columns in
two jobs, plan and generate, and once more per refine pass: samplers and an ordered seed must not share a job (a row
that fails early would take its whole row group with it), and a plan drawn beforehand makes every row known by its id.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from columns.declared import CONTROLS, EMBEDDING, STAGES, Column, Declared, Stage, load_output_format, take_form
from columns.types.configs import COLUMN_TYPES as OWN_TYPES
from designer_configs.compile.checks.columns import NOT_NATIVE
from designer_configs.compile.controls import Control, resolve_controls, sample_from_gold
from designer_configs.compile.profile import Profile
from files.whole_file import write_text
from gold_data.store import GoldFolder

READING_NOTES = ("synonyms", "known", "session", "zone")  # on a field, for the reader of answers
FALLBACK_ALIAS = "{role}_fallback"  # under which a job declares the model that stands in for a role's
NO_CONTROL = "- Nothing beyond the rules."  # what is asked of a row without controls
OFFLINE_PORT = 8377  # where `tradelogs offline-model` listens unless told otherwise
NumberedColumns = list[dict[str, Any]]
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # ten times quicker, where PyYAML was built with libyaml


@dataclass(frozen=True)
class CompiledProfile:
    """Native Data Designer configs of a profile on one gold set, as plain data; `controls` as they were resolved.

    `refine` is None for a dataset whose rows are not mended.
    """

    whole: dict[str, Any]
    plan: dict[str, Any]
    generate: dict[str, Any]
    refine: dict[str, Any] | None
    controls: list[Control]


def compile_profile(profile: Profile, gold: GoldFolder) -> CompiledProfile:
    """Compile a profile against a gold folder."""
    controls = resolve_controls(profile, gold.train)
    run = _Filling(profile.dataset, controls, gold, profile.run.seed, profile.form)
    stages = {stage: run.fill_stage(stage) for stage in STAGES}
    models = [
        _describe_model(role, model, profile.provider.name, embeds=role in profile.dataset.embedders)
        for role, model in profile.models.items()
    ]
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
        refine={"model_configs": checked, "columns": stages["refine"]} if stages["refine"] else None,
        controls=controls,
    )


def add_seed(config: Mapping[str, Any], rows: Path) -> dict[str, Any]:
    """Give a job its rows: each is used once, in order, and comes back with all its columns."""
    source = {"seed_type": "local", "path": str(rows)}
    return {"seed_config": {"source": source, "sampling_strategy": "ordered"}, **config}


def write_config(config: Mapping[str, Any], path: Path, comment: str) -> None:
    """Write a native config as YAML, opening with a comment that says what it is."""
    write_text(format_config(config, comment), path)


def format_config(config: Mapping[str, Any], comment: str) -> str:
    """Format a native config as YAML, with a comment before it that says what it is."""
    text = yaml.dump(dict(config), Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120)
    return "".join(f"# {line}\n" for line in textwrap.wrap(comment, 118)) + text


def _judge_all(column: dict[str, Any]) -> dict[str, Any]:
    """Leave out a column's `skip`: the library's own preview cannot show a row whose judge was skipped."""
    return {key: value for key, value in column.items() if key != "skip"}


def say_control(control: Control) -> str:
    """Say a control's demand as one line of the prompt, with the tolerance that the checks will apply."""
    tolerance = (control.check or {}).get("tolerance")
    return f"- {control.prompt.strip()}" + (f" Tolerance: {tolerance:g}." if tolerance is not None else "")


def _describe_model(role: str, model: Any, provider: str, *, embeds: bool = False) -> dict[str, Any]:
    kind = {"generation_type": EMBEDDING} if embeds else {}
    return {
        "alias": role,
        "model": model.model,
        "provider": provider,
        "inference_parameters": {**model.inference_parameters, **kind},
        "skip_health_check": model.skip_health_check,
    }


def drop_notes(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a schema what is not said to models: its examples, and headings, units and notes of its fields."""
    told = {key: value for key, value in schema.items() if key != "examples"}
    if "properties" in told:
        fields: Mapping[str, Mapping[str, Any]] = told["properties"]
        unsaid = ("title", "unit", *READING_NOTES)
        told["properties"] = {
            name: {key: value for key, value in part.items() if key not in unsaid} for name, part in fields.items()
        }
    return told


@dataclass(frozen=True)
class _Filling:
    """Fills what declarations leave to the run: the gold, the controls, and schemas kept in files of their own."""

    dataset: Declared
    controls: list[Control]
    gold: GoldFolder
    seed: int
    form: str

    def fill_stage(self, stage: Stage) -> NumberedColumns:
        """Fill a stage's columns; the profile's controls are among them where `$controls` stands."""
        columns: NumberedColumns = []
        for entry in self.dataset.document.get(stage, ()):
            if entry == CONTROLS:
                columns += [control.column for control in self.controls]
            else:
                columns.append(self.fill_column(self.dataset.columns[entry]))
        return columns

    def fill_column(self, declared: Column) -> dict[str, Any]:
        """Fill one column in the profile's form: whatever its type has a place for is handed to it."""
        declared = take_form(declared, self.form)
        column = {key: value for key, value in declared.items() if key not in NOT_NATIVE}
        if (source := declared.get("from_gold")) is not None:
            column["params"] = sample_from_gold(self.gold.train[source["field"]], source)
        if (schema := load_output_format(self.dataset.folder, declared)) is not None:
            column["output_format"] = drop_notes(schema)
        if "expr" in column:
            said = "\n".join(say_control(c) for c in self.controls) or NO_CONTROL
            column["expr"] = column["expr"].replace(CONTROLS, said)
        if (model := OWN_TYPES.get(column["column_type"])) is not None:
            filled = {key: value for key, value in self._describe_run().items() if key in model.model_fields}
            if "match" in filled:  # by columns of its own, too
                filled["match"] = [*declared.get("match", ()), *filled["match"]]
            column |= filled
        return column

    def _describe_run(self) -> dict[str, Any]:
        """Describe the run by the names of the fields that columns have for it."""
        return {
            "dataset": str(self.dataset.folder),
            "gold": str(self.gold.folder.resolve()),
            "row": self.dataset.row,
            "seed": self.seed,
            "form": self.form,
            "match": [{"column": c.name, **c.match} for c in self.controls if c.match is not None],
            "checks": [{"column": c.name, **c.check} for c in self.controls if c.check is not None],
        }
