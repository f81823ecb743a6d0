"""Second stage, over a dataset's files together: is everything there when it is read, and made once?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_designer.config.base import SingleColumnConfig

from columns.types.configs import CRITICISED_FIELDS, PREVIOUS_TRADE
from designer_configs.compile.checks.columns import COLUMN_TYPES, PLUGINS, check_native
from designer_configs.compile.checks.project import Project
from designer_configs.compile.checks.shape import load_schema, suggest
from designer_configs.compile.checks.template import check_template
from designer_configs.compile.checks.yaml_source import KeyPath, YamlSource
from designer_configs.errors import Problem

CONTROLS = "$controls"
REFINE_SEED = ("row_id", PREVIOUS_TRADE, "critique", CRITICISED_FIELDS)
READ_BY_LOOP = {
    "plan": ("session_date", "gold_examples"),
    "generate": ("trade", "trade_checks", "judge"),
    "refine": ("trade", "trade_checks", "judge"),
}
ADDED_TO_ACCEPTED = ("refine_passes", "gold_example_ids", "trade_percent_change")
SAMPLER_READS = {"subcategory": "category", "timedelta": "reference_column_name"}
SIDES = {side for plugin in PLUGINS.values() for side in plugin.model_construct(name="").side_effect_columns}


@dataclass(frozen=True)
class Step:
    """One column of a stage. `column` is None where its file has problems of its own."""

    name: str
    source: YamlSource
    column: Mapping[str, Any] | None
    is_control: bool = False

    @property
    def outputs(self) -> list[str]:
        """The column and its side columns: all that there can be where its file cannot be read."""
        if self.column is None:
            return [self.name, *(self.name + side for side in SIDES)]
        return [self.name, *_build_unchecked(self.column).side_effect_columns]

    @property
    def reads(self) -> dict[KeyPath, Sequence[str]]:
        """What it reads by its type, not by a template; by the key that says so."""
        if self.column is None:
            return {}
        if self.column["column_type"] in PLUGINS:
            return {("column_type",): _build_unchecked(self.column).required_columns}
        key, params = SAMPLER_READS.get(self.column.get("sampler_type", ""), ""), self.column.get("params", {})
        path: KeyPath = ("column", "params", key) if self.is_control else ("params", key)
        return {path: [str(params[key])]} if key in params else {}


def _build_unchecked(column: Mapping[str, Any]) -> SingleColumnConfig:
    """Build a column's config for what it says of itself; whether it is valid is checked elsewhere."""
    return COLUMN_TYPES[column["column_type"]].model_construct(**column)


def check_flow(project: Project, dataset: str, controls: Sequence[YamlSource], namer: str) -> list[Problem]:
    """List what is wrong with a dataset's columns when they are made in order, with the controls that `namer` names."""
    source = project.read(project.datasets[dataset], "dataset")
    if source.problems:
        return []
    problems: list[Problem] = []
    stages: dict[str, list[Step]] = {}
    for stage in READ_BY_LOOP:
        stages[stage], missing = _find_steps(project, dataset, source, stage, controls)
        problems += missing
    if problems:
        return problems
    made = {name for steps in stages.values() for step in steps for name in step.outputs}
    elsewhere = dict.fromkeys(project.controls, f"is a control that {namer} does not name")
    elsewhere |= dict.fromkeys(made, "is made only afterwards")
    planned, found = _walk(stages["plan"], {}, elsewhere, controls)
    problems += found
    for stage, seed in (("generate", ()), ("refine", REFINE_SEED)):
        _, found = _walk(stages[stage], planned | dict.fromkeys(seed, "the refine job"), elsewhere, controls)
        problems += found
    for stage, steps in stages.items():
        problems += _check_stage(source, stage, steps)
    return [*problems, *_check_reach(source, stages["plan"]), *_check_reserved(project, controls)]


def _find_steps(
    project: Project, dataset: str, source: YamlSource, stage: str, controls: Sequence[YamlSource]
) -> tuple[list[Step], list[Problem]]:
    files = project.find_columns(dataset)
    steps: list[Step] = []
    missing: list[Problem] = []
    for i, entry in enumerate(source.data[stage]):
        if entry == CONTROLS:
            steps += [
                Step(control.path.stem, control, None if control.problems else control.data["column"], is_control=True)
                for control in controls
            ]
        elif entry in files:
            column = project.read(files[entry], "column")
            steps.append(Step(files[entry].stem, column, None if column.problems else column.data))
        else:
            folder = project.name_file(source.path.parent)
            missing.append(source.report((stage, i), f"there is no {folder}/{entry}.yaml; {suggest(entry, files)}"))
    return steps, missing


def _walk(
    steps: Sequence[Step], before: Mapping[str, str], elsewhere: Mapping[str, str], controls: Sequence[YamlSource]
) -> tuple[dict[str, str], list[Problem]]:
    """Make a stage's columns in order; give all columns that are there afterwards, each with the file it is from."""
    made = dict(before)
    problems: list[Problem] = []
    for step in steps:
        if step.name in made:
            path: KeyPath = ("column", "name") if step.is_control else ("name",)
            message = f"two columns of one name: {made[step.name]} makes {step.name} too; rename one"
            problems.append(step.source.report(path, message))
        if step.column is not None:
            problems += _check_reads(step, made)
            problems += _check_templates(step.source, step.column, made, elsewhere, controls)
        made |= dict.fromkeys(step.outputs, step.source.file)
    return made, problems


def _check_reads(step: Step, made: Mapping[str, str]) -> Iterator[Problem]:
    for path, names in step.reads.items():
        for name in names:
            if name not in made:
                message = f"{step.name} reads the column {name}, which is not made before it; {suggest(name, made)}"
                yield step.source.report(path, message)


def _check_templates(
    source: YamlSource,
    column: Mapping[str, Any],
    made: Mapping[str, str],
    elsewhere: Mapping[str, str],
    controls: Sequence[YamlSource],
) -> list[Problem]:
    """Check a column's templates; where the controls' sentences are put into it, theirs too."""
    problems: list[Problem] = []
    for path, text in _find_templates(column):
        for line, message in check_template(text, made, elsewhere, condition=path[0] == "skip"):
            problems.append(source.report(path, message, line))
    if CONTROLS in column.get("expr", ""):
        for control in controls:
            if not control.problems:
                for line, message in check_template(control.data["prompt"], made, elsewhere):
                    problems.append(control.report(("prompt",), message, line))
    return problems or check_native(source)


def _find_templates(column: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    for key in ("system_prompt", "prompt", "expr"):
        if key in column:
            yield (key,), column[key]
    if "skip" in column:
        yield ("skip", "when"), column["skip"]["when"]


def _check_stage(source: YamlSource, stage: str, steps: Sequence[Step]) -> list[Problem]:
    """Check what kind of columns a stage has, and that the loop will find those it reads."""
    problems: list[Problem] = []
    for step in steps:
        column_type = step.column["column_type"] if step.column is not None else ""
        if stage == "plan" and column_type.startswith("llm-"):
            problems.append(step.source.report(("column_type",), "the plan asks no model: move the column to generate"))
        if stage != "plan" and column_type == "sampler":
            message = "a job with given rows draws nothing: move the column to plan"
            problems.append(step.source.report(("column_type",), message))
        if step.name == "judge" and step.column is not None:
            problems += _check_judge(step.source, step.column)
    for name in READ_BY_LOOP[stage]:
        if name not in {step.name for step in steps}:
            problems.append(source.report((stage,), f"the loop reads the column {name}: add it"))
    return problems


def _check_judge(source: YamlSource, column: Mapping[str, Any]) -> list[Problem]:
    wanted = list(load_schema("profile")["properties"]["acceptance"]["properties"])
    if column["column_type"] != "llm-judge":
        return [source.report(("column_type",), f"must be llm-judge; found {column['column_type']}")]
    scored = [score["name"] for score in column["scores"]]
    if sorted(scored) == sorted(wanted):
        return []
    message = f"must score what a profile's acceptance names: {', '.join(wanted)}; found {', '.join(scored)}"
    return [source.report(("scores",), message)]


def _check_reach(source: YamlSource, plan: Sequence[Step]) -> list[Problem]:
    """The controls' sentences reach the models through one expression column; without it they would be lost."""
    if any(step.column is None or CONTROLS in step.column.get("expr", "") for step in plan):
        return []
    return [source.report(("plan",), f"no expression column holds {CONTROLS}: the controls would not reach the models")]


def _check_reserved(project: Project, controls: Sequence[YamlSource]) -> list[Problem]:
    """A control is a column of the accepted rows too, beside theirs; only the core field it checks may be its name."""
    properties = load_schema("profile")["properties"]
    taken = {*REFINE_SEED, *ADDED_TO_ACCEPTED, *properties["acceptance"]["properties"]}
    taken |= {*properties["indicators"]["items"]["enum"], *project.core_fields}
    problems = []
    for control in controls:
        if not control.problems and (name := control.data["column"]["name"]) in taken:
            same = (control.data.get("check") or {}).get("field") == name
            fix = f"say check: {{field: {name}}}, or rename it" if name in project.core_fields else "rename the control"
            if not same:
                message = f"two columns of one name: accepted rows have {name} already; {fix}"
                problems.append(control.report(("column", "name"), message))
    return problems
