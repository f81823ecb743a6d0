"""What a person sees in the terminal: the run as it goes, and what it made."""

from collections import Counter
from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from columns.declared import Declared
from files.shown_text import show_path, write_command
from refine_loop.record.outputs import Outcome
from tradelogs.exits import DONE, ENDED_EARLY
from tradelogs.terminal import CleanConsole

ASKING = "asking the models"
SHOWN_REJECTIONS = 10
STOPPED_BY = {
    "max_candidates": "the cap run.max_candidates was reached",
    "max_minutes": "the cap run.max_minutes was reached",
    "max_tokens": "the cap run.max_tokens was reached",
    "max_cost": "the cap run.max_cost was reached",
    "nothing accepted": "three rounds in a row brought no accepted row",
    "interrupted": "it was stopped",
}


class RunDisplay:
    """Shows a run's events: a bar per job in a terminal, a line per job elsewhere."""

    def __init__(self, dataset: Declared, *, live: bool) -> None:
        self._dataset = dataset
        self._console = CleanConsole()
        self._live = live and self._console.is_terminal
        note = TextColumn("{task.fields[note]}", markup=False)
        columns = [TextColumn("{task.description:<21}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), note]
        self._progress = Progress(*columns, console=self._console)
        self._task = self._progress.add_task(ASKING, total=None, note="", visible=self._live)
        self._requests: Counter[str] = Counter()
        self._rows_seen: set[str] = set()

    def __enter__(self) -> Self:
        if self._live:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._progress.stop()

    def show_event(self, event: dict[str, Any]) -> None:
        """Show one event of the run; called from any thread."""
        match event["event"]:
            case "gold_read":
                for line in describe_gold(event):
                    self._console.print(line, soft_wrap=True)
            case "job_started":
                if self._progress.tasks[-1].description == ASKING:
                    self._progress.remove_task(self._task)
                self._rows_seen.clear()
                self._requests.clear()
                self._task = self._progress.add_task(
                    describe_job(event["job"]), total=event["rows"], note="", visible=self._live
                )
            case "request":
                self._count_request(event)
            case "service_job" if self._live:
                note = f"{event['column']}: {event['returned']} of {event['rows']} rows from the service"
                self._progress.update(self._task, note=note)
            case "job_finished":
                self._finish_job(event)
            case "metrics_off":
                self._console.print(f"no metrics: port {event['port']} is taken (observe.port)")
            case "part_lost":
                part = f"part {event['part']} of {event['job']}, {event['rows']} rows"
                self._console.print(f"a worker died; begun again: {part}. {event['said']}", soft_wrap=True)
            case "library_untried":
                self._console.print(event["said"], soft_wrap=True)
            case "structured_output":
                self._console.print(describe_form(event), soft_wrap=True)
            case "provider_warned" | "provider_down" | "provider_back" | "fallback_used":
                self._console.print(describe_provider(event), soft_wrap=True)

    def _count_request(self, event: dict[str, Any]) -> None:
        self._requests[event["column"]] += 1
        if event["column"] in (self._dataset.row, self._dataset.refined_row) and event["row_id"]:
            self._rows_seen.add(event["row_id"])
        if self._live:
            judged = "" if self._dataset.judge is None else f", {self._requests[self._dataset.judge]} judged"
            note = f"{self._requests.total()} requests{judged}"
            self._progress.update(self._task, completed=len(self._rows_seen), note=note)

    def _finish_job(self, event: dict[str, Any]) -> None:
        note = f"{self._requests.total()} requests" if self._requests else ""
        self._progress.update(self._task, completed=event["rows"], note=note)
        self._progress.stop_task(self._task)
        if not self._live:
            lost = event["rows"] - event["returned"]
            tail = f", {lost} lost" if lost else ""
            self._console.print(f"{describe_job(event['job'])}: {event['rows']} rows{tail}, {event['seconds']:.1f} s")

    def print_outcome(self, outcome: Outcome) -> int:
        """Print what a run made and give its exit code."""
        complete = outcome.stopped_by == "accepted"
        self._console.print()
        for line in (*list_counts(outcome), *explain_outcome(outcome)):
            self._console.print(line, soft_wrap=True)
        return DONE if complete else ENDED_EARLY


def describe_gold(event: dict[str, Any]) -> list[str]:
    """Say what the gold is, and which of its rows were left out."""
    lines = []
    if event["train"] or event["holdout"]:
        lines += [
            f"gold: {event['train']:,} {event['nouns']} to draw from, {event['holdout']:,} held out for verification"
        ]
    if event["left_out"]:
        lines.append(f"{event['left_out']} gold rows break a rule and are left out, see {event['rejected_file']}:")
        lines += [f"  {rejected}" for rejected in event["rejected"][:SHOWN_REJECTIONS]]
        if len(event["rejected"]) > SHOWN_REJECTIONS:
            lines.append(f"  and {len(event['rejected']) - SHOWN_REJECTIONS} more")
    return lines + [f"note: {note}" for note in event["notes"]]


def describe_form(event: dict[str, Any]) -> str:
    """Say in which form a role's answers are asked for, and what does not work."""
    failed = "; ".join(f"{mode}: {said}" for mode, said in event["tried"].items())
    return f"{event['role']}: answers asked for as {event['mode']}" + (f" ({failed})" if failed else "")


def describe_provider(event: dict[str, Any]) -> str:
    """Say that a model is waited for, or answers again, or is stood in for, or what is wrong with its provider."""
    match event["event"]:
        case "provider_warned":
            return f"{event['model']}: {event['said']}"
        case "provider_down":
            return f"{event['model']} does not answer, it is waited for; it said: {event['said']}"
        case "provider_back":
            return f"{event['model']} answers again"
        case _:
            return f"{event['model']} stands in for the {event['role']}"


def describe_job(job: str) -> str:
    """Say a job's name to a person: `002_refine_1` is round 2, refine pass 1."""
    number, _, stage = job.partition("_")
    return f"round {int(number)} {stage.replace('_', ' pass ')}"


def list_counts(outcome: Outcome) -> list[str]:
    """List a run's counts, a line each, and its folder: a path that is broken in two cannot be copied."""
    usage = outcome.usage
    tokens = (usage["prompt_tokens"], usage["completion_tokens"])
    said = "not said by the provider" if None in tokens else f"{tokens[0]:,} in, {tokens[1]:,} out"
    if None not in tokens and usage["counted"] != usage["answers"]:
        said += f" (of {usage['counted']:,} of {usage['answers']:,} answers)"
    rows = {
        "asked": f"{outcome.asked:,}",
        "candidates": f"{outcome.candidates:,}",
        "accepted": f"{outcome.accepted:,}",
        "rejected": f"{outcome.rejected:,}",
        "failed": f"{outcome.failed:,}",
        "refine passes": f"{outcome.refine_passes} used, {outcome.undone_edits:,} edits undone",
        "requests": "not said by the service" if usage["requests"] is None else f"{usage['requests']:,}",
        "tokens": said,
        "cost": None if usage["cost"] is None else f"{usage['cost']:,.4f} {usage['currency']}",
        "seconds": f"{usage['seconds']:,.1f}",
        "files": show_path(outcome.folder),
    }
    return [f"{name:<15}{value}" for name, value in rows.items() if value is not None]


def explain_outcome(outcome: Outcome) -> list[str]:
    """Say what a person should know beyond the counts."""
    lines = []
    if outcome.reasons:
        lines.append("not accepted: " + ", ".join(f"{count} x {kind}" for kind, count in outcome.reasons[:5]))
    lines += outcome.notes
    if outcome.stopped_by != "accepted":
        why = STOPPED_BY[outcome.stopped_by]
        if outcome.stopped_by == "nothing accepted" and not outcome.accepted:
            why = f"none of {outcome.candidates:,} candidates was accepted"
        lines.append(f"The run ended early: {why}. Everything it has is written.")
    if outcome.stopped_by == "interrupted":
        lines.append(f"Go on with it: {write_command('tradelogs', 'resume', outcome.folder)}")
    return lines
