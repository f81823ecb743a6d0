"""What a person sees of a preview: each answer, and each candidate under its grounding seeds, as they come."""

import json
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from columns.declared import Declared, is_flat
from designer_configs.compile.profile import Profile
from jobs.reading.answer import Answer
from jobs.request import Request
from tradelogs.display import describe_provider
from tradelogs.terminal import CleanConsole

NAMES = {"accepted": "accepted", "open": "to be refined", "failed": "failed", "rejected": "rejected"}
SHOWN_ID = 8  # characters of a row's id
MOST_LINES = 12  # of an answer as it comes
NOTHING_CAME = "stopped before an answer had come"
MOST_FIELDS = 12  # that a table has room for; more are shown one to a line


class PreviewProgress:
    """Says what a preview asks of whom, and shows each answer as it comes, and each candidate that is finished."""

    def __init__(self, profile: Profile, endpoint: str | None) -> None:
        self._console = CleanConsole()
        self._dataset = profile.dataset
        self._answers = self._candidates = 0
        place = endpoint or profile.provider.endpoint or profile.provider.name
        models = ", ".join(f"{role} {model.model}" for role, model in profile.models.items())
        self._print(f"asking {models} at {place}")

    def observe(self, event: dict[str, Any]) -> None:
        """Say what an event means for a candidate; of a question before the first job nothing is said."""
        kind, row = event["event"], event.get("row_id")
        if kind in ("provider_warned", "provider_down", "provider_back", "fallback_used"):
            self._print(describe_provider(event))
        if row is None or kind not in ("request", "answer_read"):
            return
        if kind == "answer_read":
            what = f"refused: {event['refused']}" if event["refused"] else f"mended: {', '.join(event['mended'])}"
        elif event["error"] is not None:
            what = f"no answer: {event['error']}"
        else:
            tokens = event["completion_tokens"]
            what = f"answered in {event['seconds']:.1f} s" + ("" if tokens is None else f", {tokens:,} tokens")
        self._print(f"{row[:SHOWN_ID]}: {event['column'].replace('_', ' ')} {what.replace('_', ' ')}")

    def show_answer(self, request: Request, answer: Answer) -> None:
        """Show what a model wrote for a candidate, the first and last lines of it, and how it ended."""
        self._answers += 1
        lines = (answer.content or "".join(answer.arguments) or answer.reasoning or "(no text)").splitlines()
        if len(lines) > MOST_LINES:
            left_out = f"... {len(lines) - MOST_LINES} lines ..."
            lines = [*lines[: MOST_LINES // 2], left_out, *lines[-MOST_LINES // 2 :]]
        shown_id = (request.row_id or "")[:SHOWN_ID]
        title = Text(f"{shown_id}: {request.column} (finish_reason {answer.finish_reason})")
        self._console.print(Panel(Text("\n".join(lines)), title=title, title_align="left"))

    def show_candidate(self, candidate: dict[str, Any]) -> None:
        """Show a candidate in a panel: controls, grounding seeds beside the row, scores and critique."""
        self._candidates += 1
        controls, verdict = str(candidate.get("controls", "")), describe_verdict(candidate, self._dataset)
        row = lay_out_candidate(candidate, self._dataset)
        title = Text(f"candidate {self._candidates}: {NAMES[candidate['status']]}")
        shown_id = Text(candidate["row_id"][:SHOWN_ID])
        panel = Panel(Group(Text(controls), Text(), row, Text(), Text(verdict)), title=title, title_align="left")
        panel.subtitle, panel.subtitle_align = shown_id, "right"
        self._console.print(panel)

    def say_stopped(self) -> None:
        """Say that a preview was stopped, and where what there is stands."""
        came = f"stopped; shown above: {self._answers} answers, {self._candidates} finished candidates"
        self._print(came if self._answers else NOTHING_CAME)

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


def lay_out_candidate(candidate: dict[str, Any], dataset: Declared) -> Table | Text:
    """Show a candidate's row: under its grounding seeds where they have its fields, else by itself."""
    written = candidate["generated_row"]
    if dataset.schema is None:
        return Text(written or "-")
    row = json.loads(written) if written else {}
    if len(dataset.fields) > MOST_FIELDS or not is_flat(dataset.schema):
        return Text(json.dumps(row, indent=2, ensure_ascii=False))
    seeds = _read_seeds(candidate, dataset)
    properties = dataset.schema["properties"]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for name in dataset.fields:
        is_number = properties[name].get("type") in ("number", "integer") or "pattern" in properties[name]
        heading = str(properties[name].get("title", name))
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=True)
    for name, shown in [*seeds, ("new", row)]:
        cells = (str(shown.get(field, "-")) for field in dataset.fields)
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
