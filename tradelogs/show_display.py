"""What a person sees of a run, of some of its candidates, and of one candidate from its draft to its end."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from columns.declared import Declared, is_flat
from designer_configs.compile.profile import Profile
from files.shown_text import show_path, write_command
from refine_loop.record.candidate import Story, Version
from refine_loop.record.runs import RunLine
from tradelogs.bars_chart import draw_bars
from tradelogs.preview_display import MOST_FIELDS
from tradelogs.runs_display import WIDEST, print_table, write_age
from tradelogs.terminal import CleanConsole

LONGEST = 90  # characters of a reason in a list
FRAME = 4  # characters of a panel beside what is in it
LEAST = 30  # characters of it that tell something
NAME = 16  # characters of a field's name beside its values; a longer one goes on in the next line
LONGEST_PROMPT = 6_000  # characters of a prompt


def print_run(line: RunLine, critics: Mapping[str, int]) -> None:
    """Print what a run is, what its candidates were criticised for, and how to look further."""
    facts = {
        "run": show_path(line.folder),
        "profile": line.profile,
        "dataset": line.dataset,
        "state": f"{line.state}: {line.why}" if line.why else line.state,
        "asked": line.asked,
        "candidates": line.candidates,
        "accepted": line.accepted,
        "rejected": line.rejected,
        "failed": line.failed,
        "verdict": line.verdict or "none yet",
        "requests": line.requests,
        "tokens": line.tokens,
        "cost": None if line.cost is None else f"{line.cost:,.4f} {line.currency or ''}",
        "seconds": line.seconds,
        "age": None if line.started is None else write_age(datetime.now(UTC) - line.started),
    }
    console = CleanConsole()
    console.print(_tabulate({name: value for name, value in facts.items() if value is not None}))
    if critics:
        console.print("\ncriticised, at any time, by:")
        console.print(_tabulate(critics))
        first = next(iter(critics))
        look = write_command("tradelogs", "show", line.folder, "--reason", first)
        console.print(f"\nlook at them: {look}", soft_wrap=True)


def print_candidates(found: pl.DataFrame, most: int, profile: Profile, folder: Path) -> None:
    """Print a line per candidate, and how to see one."""
    console, criteria = CleanConsole(), profile.dataset.criteria
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("row_id", "status", "passes", *criteria, "why"):
        width = {"row_id": 16, "status": 8, "why": LEAST}.get(name, len(name))
        table.add_column(name, no_wrap=True, min_width=width, justify="right" if name in criteria else "left")
    for row in found.head(most).to_dicts():
        scores = ["-" if row[name] is None else str(row[name]) for name in criteria]
        why = row["reason"] or next(iter(row["critiques"] or []), "")
        first = why.split("\n")[0].removeprefix("- ")
        cells = [row["row_id"], row["status"], str(row["refine_passes"]), *scores, first[:LONGEST]]
        table.add_row(*(Text(str(cell), overflow="ellipsis") for cell in cells))
    print_table(table, console)
    if found.height:
        more = f"{found.height - most} more (--num). " if found.height > most else ""
        look = write_command("tradelogs", "show", folder, found["row_id"][0])
        console.print(f"\n{more}Look at one: {look}", soft_wrap=True)


def print_story(story: Story, dataset: Declared) -> None:
    """Print a candidate: what was asked of it, its versions beside the seeds, and how it came about."""
    console = CleanConsole()
    row = story.ledger
    facts = {
        "row_id": row["row_id"],
        "status": row["status"],
        "why": row["reason"],
        "lost in": row["failed_column"],
        "round": row["round"],
        **story.drawn,
        "edits undone": row["undone_edits"] or None,
        "tokens": None
        if None in (row["prompt_tokens"], row["completion_tokens"])
        else f"{row['prompt_tokens']:,} in, {row['completion_tokens']:,} out",
    }
    console.print(_tabulate({name: value for name, value in facts.items() if value is not None}))
    room = console.width - FRAME
    versions = _show_versions(story, dataset, console, room)
    console.print(_panel("versions, under the gold rows that the prompt showed", versions))
    for version in story.versions:
        if version.critique:
            console.print(_panel(f"critique of {_name(version)}", Text(version.critique)))
    if row["edits"]:
        patches = "\n".join(f"pass {n}: {patch}" for n, patch in enumerate(row["edits"], 1))
        console.print(_panel("edits, as JSON patches", Text(patches)))
    if story.bars is not None:
        console.print(_panel("bars", Text(draw_bars(story.bars, story.marks, room))))
    if story.requests:
        console.print(_panel("requests", _show_requests(story.requests)))
    for entry in story.traced:
        console.print(_panel(f"{entry['job']}: {entry['role']} {entry['model']}", _show_traced(entry)))
    if not story.traced:
        console.print("prompts and answers are kept where the profile says `trace: full`")


def _show_versions(story: Story, dataset: Declared, console: CleanConsole, room: int) -> RenderableType:
    if dataset.schema is None or len(dataset.fields) > MOST_FIELDS or not is_flat(dataset.schema):
        return _list_versions(story)
    table = _tabulate_versions(story, dataset)
    folded = max(0, max(map(len, dataset.fields)) - NAME)
    wanted = console.measure(table, options=console.options.update(width=WIDEST)).minimum - folded
    return table if wanted <= room else _list_versions(story)


def _list_versions(story: Story) -> RenderableType:
    parts: list[RenderableType] = []
    for version in story.versions:
        parts += [Text(f"{_name(version)}: {_say_scores(version)}", style="bold"), Text(version.row or "-")]
    for name, seed in story.seeds.items():
        parts += [Text(name, style="dim"), Text(json.dumps(seed, default=str, ensure_ascii=False))]
    return Group(*parts)


def _tabulate_versions(story: Story, dataset: Declared) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("", overflow="fold")
    for name in story.seeds:
        table.add_column(name, justify="right", no_wrap=True)
    for version in story.versions:
        table.add_column(_name(version), justify="right", no_wrap=True, style="bold")
    shown = [json.loads(version.row) if version.row else {} for version in story.versions]
    for field in dataset.fields:
        cells = [str(row.get(field, "-")) for row in (*story.seeds.values(), *shown)]
        table.add_row(field, *cells)
    for criterion in dataset.criteria:
        scores = [version.scores[criterion] for version in story.versions]
        if any(score is not None for score in scores):
            table.add_row(
                criterion, *("" for _ in story.seeds), *("-" if score is None else str(score) for score in scores)
            )
    return table


def _show_requests(requests: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("job", "column", "model", "seconds", "tokens in", "out", "outcome"):
        table.add_column(name, justify="right" if name in ("seconds", "tokens in", "out") else "left")
    for event in requests:
        if event["event"] != "request":
            table.add_row(event.get("job", ""), event["event"], _say_rest(event))
            continue
        tokens = ["-" if event[name] is None else str(event[name]) for name in ("prompt_tokens", "completion_tokens")]
        outcome = event["error"] or event["outcome"]
        cells = [event["job"], event["column"], event["model"], f"{event['seconds']:.2f}", *tokens, outcome]
        table.add_row(*map(str, cells))
    return table


def _say_rest(event: Mapping[str, Any]) -> Text:
    known = ("at", "active_seconds", "event", "job", "row_id")
    return Text(", ".join(f"{key} {value}" for key, value in event.items() if key not in known))


def _show_traced(entry: Mapping[str, Any]) -> Text:
    parts = [f"{m['role']}: {_flatten(m.get('content'))[:LONGEST_PROMPT]}" for m in entry["messages"]]
    said = entry.get("answer", {}).get("content") if "answer" in entry else json.dumps(entry.get("error"))
    thought = (entry.get("answer") or {}).get("reasoning")
    return Text("\n\n".join([*parts, *([f"(thinks) {thought}"] if thought else []), f"answer: {said}"]))


def _flatten(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", part)) if isinstance(part, Mapping) else str(part) for part in content)
    return str(content)


def _name(version: Version) -> str:
    return f"pass {version.refine_pass}" if version.refine_pass else "draft"


def _say_scores(version: Version) -> str:
    said = ", ".join(f"{name} {score}" for name, score in version.scores.items() if score is not None)
    return said or "not judged"


def _tabulate(facts: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    for name, value in facts.items():
        said = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        table.add_row(name, said)
    return table


def _panel(title: str, content: RenderableType) -> Panel:
    return Panel(content, title=Text(title), title_align="left")
