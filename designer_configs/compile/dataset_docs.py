"""The page of a dataset, from its declarations: what a row is, how it is made, and every column of its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from columns.declared import CONTROLS, STAGES, Declared
from columns.dictionary import Table, describe_tables

NOTE = "<!-- Written by `python -m designer_configs.compile.make_docs` from columns/{name}/: change it there. -->"


def write_dataset_page(declared: Declared, controls: Sequence[Mapping[str, Any]], options: str) -> str:
    """Write the page's text; `controls` are all that the dataset may use, `options` a table of its own profile keys."""
    usable = [control for control in controls if _fits(control, declared)]
    parts = [
        NOTE.format(name=declared.name),
        f"# {declared.name}: {declared.document['description']}",
        f"{declared.document['grain'].capitalize()}; a row is called {_name_one(declared)}.",
        f"## How {_name_one(declared)} is made\n\n{_list_columns(declared)}",
        _list_acceptance(declared),
        _list_gold(declared),
        f"## Controls that fit\n\n{_list_controls(usable)}" if usable else "",
        f"## Keys of its own in a profile\n\n{options}" if options else "",
        *(f"## Table `{name}`\n\n{_list_table(table)}" for name, table in describe_tables(declared, ()).items()),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _name_one(declared: Declared) -> str:
    return f"{'an' if declared.noun[0] in 'aeiou' else 'a'} {declared.noun}"


def _fits(control: Mapping[str, Any], declared: Declared) -> bool:
    rules = [control.get(key) or {} for key in ("match", "check", "from_gold")]
    return {rule["field"] for rule in rules if "field" in rule} <= {*declared.fields, *declared.gold_columns}


def _list_columns(declared: Declared) -> str:
    lines = ["| stage | column | type | asks | meaning |", "|---|---|---|---|---|"]
    for stage in STAGES:
        for entry in declared.document.get(stage, ()):
            if entry == CONTROLS:
                lines.append(f"| {stage} | the profile's controls | sampler | | what makes rows differ |")
                continue
            column = declared.columns[entry]
            cells = [stage, f"`{column['name']}`", column["column_type"], column.get("model_alias", "")]
            lines.append(f"| {' | '.join(cells)} | {_escape(column.get('description', ''))} |")
    return "\n".join(lines)


def _list_acceptance(declared: Declared) -> str:
    if not declared.criteria:
        return ""
    least = ", ".join(f"`{name}` {score}" for name, score in declared.acceptance.items())
    return f"{_name_one(declared).capitalize()} is accepted that breaks no rule and scores at least: {least}."


def _list_gold(declared: Declared) -> str:
    if not declared.gold:
        return "It needs no gold."
    return f"Gold: {', '.join(f'`{key}` ({need})' for key, need in declared.gold.items())}."


def _list_controls(controls: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| control | what is drawn |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{c['column']['name']}` | {_escape(c['description'])} |" for c in controls)])


def _list_table(table: Table) -> str:
    lines = ["| column | unit | meaning |", "|---|---|---|"]
    for name, entry in table.items():
        lines.append(f"| `{name}` | {_escape(entry.get('unit', ''))} | {_escape(entry['description'])} |")
    return "\n".join(lines)


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
