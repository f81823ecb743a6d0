"""What a person sees of a preview: each candidate under its grounding seeds, with scores and critique."""

import json
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from columns.declared import Declared, is_flat
from tradelogs.display import escape
from tradelogs.terminal import clean_text

NAMES = {"accepted": "accepted", "open": "to be refined", "failed": "failed", "rejected": "rejected"}
MOST_FIELDS = 12  # that a table has room for; more are shown one to a line


def print_candidates(candidates: list[dict[str, Any]], dataset: Declared) -> None:
    """Print candidates, one panel each: controls, grounding seeds beside the row, scores and critique."""
    console = Console(highlight=False)
    for number, candidate in enumerate(candidates, 1):
        controls = Text(clean_text(str(candidate.get("controls", ""))))
        verdict = Text(clean_text(describe_verdict(candidate, dataset)))
        content = Group(controls, Text(), show_candidate(candidate, dataset), Text(), verdict)
        console.print(Panel(content, title=f"candidate {number}: {NAMES[candidate['status']]}", title_align="left"))


def show_candidate(candidate: dict[str, Any], dataset: Declared) -> Table | Text:
    """Show a candidate's row: under its grounding seeds where they have its fields, else by itself."""
    written = candidate["generated_row"]
    if dataset.schema is None:
        return Text(clean_text(written or "-"))
    row = json.loads(written) if written else {}
    if len(dataset.fields) > MOST_FIELDS or not is_flat(dataset.schema):
        return Text(clean_text(json.dumps(row, indent=2, ensure_ascii=False)))
    seeds = _read_seeds(candidate, dataset)
    properties = dataset.schema["properties"]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for name in dataset.fields:
        is_number = properties[name].get("type") in ("number", "integer") or "pattern" in properties[name]
        heading = str(properties[name].get("title", name))
        table.add_column(escape(heading), justify="right" if is_number else "left", no_wrap=True)
    for name, shown in [*seeds, ("new", row)]:
        cells = (escape(str(shown.get(field, "-"))) for field in dataset.fields)
        table.add_row(name, *cells, style="bold" * (shown is row))
    return table


def _read_seeds(candidate: dict[str, Any], dataset: Declared) -> list[tuple[str, dict[str, Any]]]:
    if dataset.grounding is None:
        return []
    seeds = json.loads(candidate[dataset.grounding].removeprefix("```json").removesuffix("```"))
    return list(zip(candidate["grounding_seeds"], seeds, strict=True))


def describe_verdict(candidate: dict[str, Any], dataset: Declared) -> str:
    """Say a candidate's scores, and its critique or the error it was lost to."""
    lines = []
    if dataset.criteria:
        scores = ", ".join(f"{name} {candidate[name]}" for name in dataset.criteria if candidate[name] is not None)
        lines.append(f"scores: {scores or 'not judged'}")
    if candidate["judge_critique"]:
        lines.append(f"critique:\n{candidate['judge_critique']}")
    if candidate["reason"] and candidate["failed_column"]:
        lines.append(f"lost in column {candidate['failed_column']}: {candidate['reason']}")
    return "\n".join(lines)
