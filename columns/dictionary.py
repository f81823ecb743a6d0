"""Describes the tables that a run leaves behind: every column's meaning and unit, from the declarations."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from columns.declared import FAMILY, FINISHED_FILE, Column, Declared
from gold_data.clocks import say_elsewhere
from gold_data.markets import Markets

Entry = dict[str, str]
Table = dict[str, Entry]

ROW_ID = "Hash of seed, round and place: the row's name in all tables."
ENDS: Mapping[str, str] = {
    "round": "Round that the candidate was planned in.",
    "status": "How it ended: accepted, rejected or failed.",
    "reason": "Why it was not accepted; null where it was.",
    "failed_column": "Column whose model gave no usable answer.",
    "refine_passes": "Times it was mended.",
    "critiques": "One critique per judged version that was not accepted.",
    "edits": "What each refine pass changed: RFC 6902 patches.",
    "mended": "Names of the mendings that its answers took to be read (docs/reading-answers.md).",
    "undone_edits": "Fields that a refiner changed though no critique named them; undone.",
}
POLICY: Mapping[str, str] = {
    "policy_decision": "What the dataset's policy decided on the last version: allow, deny, review; null without one.",
    "policy_rule": "The rule that decided; null where the version is allowed.",
    "policy_history": "The decision on every version, in turn, with its rule.",
}
USAGE: Mapping[str, str] = {
    "requests": "Requests sent for it; null where a service does not say.",
    "prompt_tokens": "Tokens of its prompts; null where a provider did not say.",
    "completion_tokens": "Tokens of its answers; null likewise.",
}
FAMILIES = "row_id of the first row of its family: rows that mean the same."
SEEDS = "Ids of the gold rows that its prompt showed."


def describe_run(declared: Declared, controls: Sequence[Mapping[str, Any]], markets: Markets) -> dict[str, Table]:
    """Describe the tables of a run: clocks and currencies are those of its markets."""
    tables = describe_tables(declared, controls)
    if markets.is_usual:
        return tables
    return {
        table: {column: {key: say_elsewhere(text) for key, text in entry.items()} for column, entry in columns.items()}
        for table, columns in tables.items()
    }


def describe_tables(declared: Declared, controls: Sequence[Mapping[str, Any]]) -> dict[str, Table]:
    """Describe the accepted rows, the ledger, the plan and the dataset's own tables; `controls` are the profile's."""
    drawn = {control["column"]["name"]: _say(control["description"]) for control in controls}
    finished = read_finished(declared.folder)
    fields = _describe_fields(declared)
    scores = _describe_scores(declared)
    kept = {name: _describe(column) for name in declared.keep if (column := declared.find_column(name)) is not None}
    own = {"refine_passes": _say(ENDS["refine_passes"]), "gold_example_ids": _say(SEEDS)}
    row_id = {"row_id": _say(ROW_ID)} | ({} if declared.families is None else {FAMILY: _say(FAMILIES)})
    accepted = {**row_id, **fields, **drawn, **kept, **scores, **own, **finished.pop("accepted", {})}
    ledger = _describe_ledger(declared, kept, scores)
    planned = {column["name"]: _describe(column) for column in declared.list_stage("plan")}
    return {
        "accepted": accepted,
        "ledger": {**row_id, **ledger},
        "plan": {**row_id, **planned, **drawn},
        **({} if declared.policy is None else {"review": {**row_id, **ledger}}),
        **finished,
    }


def _describe_ledger(declared: Declared, kept: Table, scores: Table) -> Table:
    constraint = declared.constraint
    asked = {} if constraint is None else {constraint.name: _say(f"What a control asked of {constraint.field}.")}
    models = {
        f"{role}_model" if place else "model": _say(f"Model that answered last as {role}.")
        for place, role in enumerate(declared.roles)
    }
    row = f"The {declared.noun} as it stood at the end: " + ("a text." if declared.schema is None else "JSON.")
    ends = {name: _say(text) for name, text in ENDS.items()}
    usage = {name: _say(text) for name, text in USAGE.items()}
    return {
        **ends,
        **scores,
        **({} if declared.policy is None else {name: _say(text) for name, text in POLICY.items()}),
        **asked,
        "gold_example_ids": _say(SEEDS),
        "generated_row": _say(row),
        **kept,
        **models,
        **usage,
    }


def _describe_fields(declared: Declared) -> Table:
    if declared.schema is None:
        column = declared.find_column(declared.row)
        return {declared.row: _describe(column) if column is not None else _say("")}
    return {name: _describe(part) for name, part in declared.schema.get("properties", {}).items()}


def _describe_scores(declared: Declared) -> Table:
    judge = declared.find_column(declared.judge)
    scores = [] if judge is None else judge["scores"]
    return {score["name"]: _say(score["description"], "score, 1 to 5") for score in scores}


def read_finished(folder: Path) -> dict[str, Table]:
    """Read what a dataset's `finish` adds, by table and column."""
    path = folder / FINISHED_FILE
    document: dict[str, Table] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return document


def _describe(declared: Column) -> Entry:
    return _say(str(declared.get("description", "")), str(declared.get("unit", "")))


def _say(description: str, unit: str = "") -> Entry:
    return {"description": description, "unit": unit}
