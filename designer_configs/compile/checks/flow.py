"""Second stage, over a dataset's files together: is everything there when it is read, and made once?"""

import ast
import functools
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_designer.config.base import SingleColumnConfig

from columns.declared import CONTROLS, DATASET_FILE, FAMILY, FINISHED_FILE, STAGES, Stage, list_entries, read_options
from columns.types.configs import COLUMN_TYPES as OWN_TYPES
from columns.types.configs import CRITICISED_FIELDS, MatchRule
from designer_configs.compile.checks.columns import COLUMN_TYPES, Scope, check_native
from designer_configs.compile.checks.families import check_families
from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.checks.shape import suggest
from designer_configs.compile.checks.template import check_template, find_columns
from designer_configs.compile.checks.yaml_source import KeyPath, YamlSource
from designer_configs.errors import Problem

ADDED_TO_ACCEPTED = ("row_id", "refine_passes", "gold_example_ids")
SAMPLER_READS = {"subcategory": "category", "timedelta": "reference_column_name"}
TEXT_TYPES = ("llm-text", "expression", "computed")


@dataclass(frozen=True)
class Step:
    """One column of a stage. `column` is None where its file has problems of its own."""

    name: str
    source: YamlSource
    column: Mapping[str, Any] | None
    row: str
    is_control: bool = False

    @functools.cached_property
    def outputs(self) -> list[str]:
        """The column and its side columns."""
        if self.column is None:
            return [self.name]
        return [self.name, *_build_unchecked(self.column, self.row).side_effect_columns]

    @functools.cached_property
    def reads(self) -> dict[KeyPath, Sequence[str]]:
        """What it reads by its type, not by a template; by the key that says so."""
        if self.column is None:
            return {}
        if "target_column" in self.column:
            return {("target_column",): [self.column["target_column"]]}
        if self.column["column_type"] in OWN_TYPES:
            path: KeyPath = ("reads",) if "reads" in self.column else ("column_type",)
            return {path: _build_unchecked(self.column, self.row).required_columns}
        key, params = SAMPLER_READS.get(self.column.get("sampler_type", ""), ""), self.column.get("params", {})
        path = ("column", "params", key) if self.is_control else ("params", key)
        return {path: [str(params[key])]} if key in params else {}


@dataclass(frozen=True)
class Flow:
    """A dataset's columns by stage, with what is said of them in `dataset.yaml`."""

    source: YamlSource
    scope: Scope
    controls: Sequence[YamlSource]
    namer: str
    stages: dict[Stage, list[Step]] = field(default_factory=dict)

    @property
    def document(self) -> Mapping[str, Any]:
        """What `dataset.yaml` says."""
        document: Mapping[str, Any] = self.source.data
        return document

    @property
    def refine_seed(self) -> tuple[str, ...]:
        """Columns that a refinement's rows bring besides the plan's."""
        made = {step.name for step in self.stages.get("refine", [])}
        kept = (f"prev_{name}" if name in made else name for name in self.document.get("keep", ()))
        return ("row_id", f"prev_{self.document['row']}", "critique", CRITICISED_FIELDS, *kept)


def _build_unchecked(column: Mapping[str, Any], row: str) -> SingleColumnConfig:
    """Build a column's config for what it says of itself; whether it is valid is checked elsewhere."""
    model = COLUMN_TYPES[column["column_type"]]
    rules = {"match": [MatchRule.model_construct(**rule) for rule in column["match"]]} if "match" in column else {}
    return model.model_construct(**({"row": row} if "row" in model.model_fields else {}), **{**column, **rules})


def check_flow(project: Project, scope: Scope, controls: Sequence[YamlSource], namer: str) -> list[Problem]:
    """List what is wrong with a dataset's columns when they are made in order, with the controls that `namer` names."""
    source = project.read(scope.folder / DATASET_FILE, "dataset")
    if source.problems:
        return []
    flow = Flow(source, scope, controls, namer)
    problems: list[Problem] = []
    for stage in STAGES:
        flow.stages[stage], missing = _find_steps(project, flow, stage)
        problems += missing
    if problems:
        return problems
    unnamed = dict.fromkeys(project.list_controls(scope.folder), f"is a control that {namer} does not name")
    planned, found = _walk(flow, "plan", {}, unnamed | _say_where(flow, "plan"))
    problems += found
    seeds: dict[Stage, tuple[str, ...]] = {"generate": (), "refine": flow.refine_seed}
    for stage, seed in seeds.items():
        _, found = _walk(
            flow, stage, planned | dict.fromkeys(seed, "the refine job"), unnamed | _say_where(flow, stage)
        )
        problems += found
    for stage, steps in flow.stages.items():
        problems += _check_stage(stage, steps)
    return [*problems, *_check_named(project, flow), *_check_reach(flow), *_check_reserved(project, flow)]


def _find_steps(project: Project, flow: Flow, stage: Stage) -> tuple[list[Step], list[Problem]]:
    files, row = project.find_columns(flow.scope.folder), flow.document["row"]
    steps: list[Step] = []
    missing: list[Problem] = []
    for entry in list_entries(flow.document, stage, flow.scope.options):
        if entry == CONTROLS:
            controls = [
                Step(control.path.stem, control, None if control.problems else control.data["column"], row, True)
                for control in flow.controls
            ]
            steps += _put_in_order(controls)
        elif entry in files:
            column = project.read(files[entry], "column")
            steps.append(Step(files[entry].stem, column, None if column.problems else column.data, row))
        else:
            folder = project.name_file(flow.scope.folder)
            message = f"there is no {folder}/{entry}.yaml; {suggest(entry, files)}"
            declared = list(flow.document[stage])
            place: KeyPath = (stage, declared.index(entry)) if entry in declared else ("instead",)
            missing.append(flow.source.report(place, message))
    return steps, missing


def _put_in_order(controls: Sequence[Step]) -> list[Step]:
    """Put controls in an order in which they can be drawn, as Data Designer does; what reads itself comes last."""
    names, ordered, waiting = {step.name for step in controls}, list[Step](), list(controls)
    while waiting:
        drawn = {step.name for step in ordered}
        ready = [step for step in waiting if not (names & {n for read in step.reads.values() for n in read}) - drawn]
        ordered += ready or waiting
        waiting = [step for step in waiting if ready and step not in ready]
    return ordered


def _say_where(flow: Flow, stage: Stage) -> dict[str, str]:
    """Say of every column why a stage may not have it yet."""
    said: dict[str, str] = {}
    for other, steps in flow.stages.items():
        is_over = STAGES.index(other) < STAGES.index(stage)
        words = f"is made only in {other}" if is_over else "is made only afterwards"
        said |= {name: words for step in steps for name in step.outputs}
    return said


def _walk(
    flow: Flow, stage: Stage, before: Mapping[str, str], elsewhere: Mapping[str, str]
) -> tuple[dict[str, str], list[Problem]]:
    """Make a stage's columns in order; give all columns that are there afterwards, each with the file it is from."""
    made = dict(before)
    problems: list[Problem] = []
    for step in flow.stages[stage]:
        if step.name in made:
            path: KeyPath = ("column", "name") if step.is_control else ("name",)
            message = f"two columns of one name: {made[step.name]} makes {step.name} too; rename one"
            problems.append(step.source.report(path, message))
        if step.column is not None:
            there = made | dict.fromkeys(_guess_sides(flow, step), "a column that cannot be read")
            problems += _check_reads(step, there)
            problems += _check_templates(step.source, step.column, there, elsewhere, flow.controls)
        made |= dict.fromkeys(step.outputs, step.source.file)
    return made, problems


def _guess_sides(flow: Flow, step: Step) -> list[str]:
    """Name what a step reads beside columns whose own files cannot be read: those may make it."""
    broken = {other.name for steps in flow.stages.values() for other in steps if other.column is None}
    if not broken:
        return []
    named = {name for _, text in _find_templates(step.column or {}) for name in find_columns(text)}
    named |= {name for names in step.reads.values() for name in names}
    return [name for name in named if "__" in name and name.partition("__")[0] in broken]


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


def _check_stage(stage: Stage, steps: Sequence[Step]) -> Iterator[Problem]:
    """Check what kind of columns a stage has."""
    for step in steps:
        column = step.column or {"column_type": ""}
        column_type = column["column_type"]
        if stage == "plan" and "model_alias" in column:
            yield step.source.report(("column_type",), "the plan asks no model: move the column to generate")
        if stage != "plan" and column_type == "sampler":
            message = "a job with given rows draws nothing: move the column to plan"
            yield step.source.report(("column_type",), message)
        if stage != "plan" and column.get("whole"):
            message = "would hold every row until the slowest answer is in: move the column to plan, or drop whole"
            yield step.source.report(("whole",), message)


def _check_named(project: Project, flow: Flow) -> Iterator[Problem]:
    """Check the columns that `dataset.yaml` names for the loop: that each stage makes them, and of what type."""
    document, source = flow.document, flow.source
    stages = [stage for stage in STAGES[1:] if stage in document]
    named = [(("row",), document["row"]), *((("checks", i), name) for i, name in enumerate(document.get("checks", ())))]
    named += [(("judge",), document["judge"])] if "judge" in document else []
    for path, name in named:
        for stage in stages:
            if name not in {step.name for step in flow.stages[stage]}:
                yield source.report((stage,), f"the loop reads the column {name} ({path[0]}): add it")
    made = {step.name for stage in STAGES[:2] for step in flow.stages[stage]}
    for i, name in enumerate(document.get("keep", ())):
        if name not in made:
            yield source.report(("keep", i), f"no column {name} is made in plan or generate; {suggest(name, made)}")
    for step in flow.stages["generate"]:
        yield from _check_named_type(document, step)
    planned = [*(step.name for step in flow.stages["plan"]), *project.list_controls(flow.scope.folder)]
    yield from check_families(source, read_options(flow.scope.folder), planned)
    yield from _check_criteria(flow)
    yield from _check_modules(flow)
    yield from _check_exports(project, flow)


def _check_named_type(document: Mapping[str, Any], step: Step) -> Iterator[Problem]:
    if step.column is None:
        return
    wanted: tuple[str, ...] = ()
    if step.name == document.get("judge"):
        wanted = ("llm-judge",)
    elif step.name in document.get("checks", ()):
        wanted = ("row-checks",)
    elif step.name == document["row"]:
        wanted = ("llm-structured", *TEXT_TYPES)
    if wanted and step.column["column_type"] not in wanted:
        message = f"must be {' or '.join(wanted)}; found {step.column['column_type']}"
        yield step.source.report(("column_type",), message)


def _check_criteria(flow: Flow) -> Iterator[Problem]:
    judge = next((step for step in flow.stages["generate"] if step.name == flow.document.get("judge")), None)
    if judge is None or judge.column is None:
        return
    scored = [score["name"] for score in judge.column.get("scores", ())]
    for name in flow.document.get("acceptance", {}):
        if name not in scored:
            yield flow.source.report(("acceptance", name), f"the judge does not score it; {suggest(name, scored)}")


def _check_modules(flow: Flow) -> Iterator[Problem]:
    """Check that the modules which `dataset.yaml` names are there; nothing of them is run."""
    root = flow.scope.folder.parent.parent
    for key in ("code", "questions"):
        module = flow.document.get(key)
        if module is None:
            continue
        own = root.joinpath(*module.split(".")).with_suffix(".py")
        if not own.is_file() and not (module.startswith("verification.") and _is_there(module)):
            yield flow.source.report((key,), f"there is no module {module} ({own.relative_to(root)})")
    yield from _check_functions(flow, root)


def _check_functions(flow: Flow, root: Path) -> Iterator[Problem]:
    """Check that the dataset's module has the functions that columns call; it is read, not run."""
    known: set[str] | None = None
    if "code" in flow.document:
        known = _list_functions(root.joinpath(*flow.document["code"].split(".")).with_suffix(".py"))
    yield from _check_ask(flow, known)
    for step in (step for steps in flow.stages.values() for step in steps):
        function = (step.column or {}).get("function")
        if function is None:
            continue
        if "code" not in flow.document:
            message = f"calls {function}, but dataset.yaml names no code: add code: columns...."
            yield step.source.report(("function",), message)
        elif known is not None and function not in known:
            message = f"{flow.document['code']} has no function {function}; {suggest(function, sorted(known))}"
            yield step.source.report(("function",), message)


def _check_ask(flow: Flow, known: set[str] | None) -> Iterator[Problem]:
    """Check that the functions of `ask` are there, and that the column which answers is the row or kept with it."""
    ask = flow.document.get("ask", {})
    for key in (key for key in ("plan", "fallback") if key in ask):
        if "code" not in flow.document:
            yield flow.source.report(
                ("ask", key), f"is a function, but dataset.yaml names no code for {ask[key]}: add it"
            )
        elif known is not None and ask[key] not in known:
            message = f"{flow.document['code']} has no function {ask[key]}; {suggest(ask[key], sorted(known))}"
            yield flow.source.report(("ask", key), message)
    answers = [flow.document["row"], *flow.document.get("keep", ())]
    if ask.get("answer", answers[0]) not in answers:
        message = f"must be the row or one of keep; {suggest(ask['answer'], answers)}"
        yield flow.source.report(("ask", "answer"), message)


def _list_functions(path: Path) -> set[str] | None:
    """Name what a module defines or imports at its top; None where it cannot be read."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return None
    defined = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    imported = {alias.asname or alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}
    return defined | imported


def _check_exports(project: Project, flow: Flow) -> Iterator[Problem]:
    """Check that every format is declared, or a module of its own; and that a declared one is sound."""
    folder = flow.scope.folder / "exports"
    for i, name in enumerate(flow.document.get("exports", ())):
        file = folder / f"{name}.yaml"
        if not file.is_file() and not (PROJECT_ROOT / "exports" / f"{name}.py").is_file():
            known = sorted(path.stem for path in folder.glob("*.yaml"))
            message = f"there is no {project.name_file(file)}; {suggest(name, known)}"
            yield flow.source.report(("exports", i), message)
        elif file.is_file():
            export = project.read(file, "export")
            yield from export.problems
            if not export.problems and export.data["name"] != name:
                yield export.report(("name",), f"must be named as its file: {name}; found {export.data['name']}")


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _check_reach(flow: Flow) -> Iterator[Problem]:
    """The controls' sentences reach the models through one expression column; without it they would be lost."""
    if not any(step.column is None or CONTROLS in step.column.get("expr", "") for step in flow.stages["plan"]):
        message = f"no expression column holds {CONTROLS}: the controls would not reach the models"
        yield flow.source.report(("plan",), message)


def _check_reserved(project: Project, flow: Flow) -> Iterator[Problem]:
    """A control is a column of the accepted rows too, beside theirs.

    Only the field that it checks may be its name, or a column of the gold that it matches and accepted rows copy.
    """
    copied = set(flow.source.data.get("gold_columns", ()))
    finished = flow.scope.folder / FINISHED_FILE
    added = project.load(finished).data if finished.is_file() else {}
    taken = {*flow.refine_seed, *ADDED_TO_ACCEPTED, *flow.scope.fields}
    taken |= {FAMILY} if flow.document.get("families") else set()
    accepted = added.get("accepted") if isinstance(added, Mapping) else None
    taken |= set(accepted) if isinstance(accepted, Mapping) else set()
    taken |= {score["name"] for step in flow.stages["generate"] for score in (step.column or {}).get("scores", ())}
    for control in flow.controls:
        if not control.problems and (name := control.data["column"]["name"]) in taken:
            same = (control.data.get("check") or {}).get("field") == name
            same = same or (name in copied and (control.data.get("match") or {}).get("field") == name)
            fix = f"say check: {{field: {name}}}, or rename it" if name in flow.scope.fields else "rename the control"
            if not same:
                message = f"two columns of one name: accepted rows have {name} already; {fix}"
                yield control.report(("column", "name"), message)
