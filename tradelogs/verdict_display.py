"""What a person sees of a verification: the question that is being asked, then a line per answer."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from tradelogs.exits import describe_os_error
from tradelogs.terminal import clean_text

STYLES = {"good": "green", "cannot tell": "yellow"}
BAD = "bold red"


class VerdictDisplay:
    """Shows which question is being asked where the terminal can, and the answers afterwards."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._status = Status("verifying", console=self._console) if self._console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def show_question(self, question: str) -> None:
        """Show the question that is asked now."""
        if self._status:
            self._status.update(f"verifying: {question}")

    def print_verdicts(self, metrics: Mapping[str, Any], folder: Path) -> None:
        """Print a line per question, the overall verdict with what decided it, and where the report is."""
        self._console.print()
        self._console.print(tabulate_answers(metrics["answers"]))
        overall = metrics["overall"]
        style = STYLES.get(overall["verdict"], BAD)
        self._console.print(f"\noverall: [{style}]{escape(overall['text'])}[/]. {escape(overall['reason'])}")
        self._console.print(f"report: {escape(str(folder / 'report.html'))}", soft_wrap=True)


def tabulate_answers(answers: list[Mapping[str, Any]]) -> Table:
    """Lay out the answers: question, verdict, and the most telling number."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True, min_width=max(len(answer["question"]) for answer in answers))
    table.add_column(no_wrap=True, min_width=max(len(answer["verdict"]) for answer in answers))
    table.add_column(no_wrap=True, overflow="ellipsis")
    for answer in answers:
        label, text = answer["numbers"][0]
        style = STYLES.get(answer["verdict"], BAD)
        table.add_row(answer["question"], f"[{style}]{answer['verdict']}[/]", escape(f"{text} {label}"))
    return table


def report_outcome(outcome: Any) -> None:
    """Verify what a run made, unless it was stopped by a person, who wants it to end; a run it failed on is kept.

    A report that is stopped takes nothing from the run, which has ended as it has.
    """
    from verification.errors import VerificationError  # noqa: PLC0415

    if outcome.stopped_by == "interrupted":
        return
    try:
        show_verdict(outcome.folder)
    except VerificationError as exc:
        click.echo(clean_text(f"no report: {exc}"), err=True)
    except OSError as exc:  # the run's own results are on the disk
        made_by = f"tradelogs verify {outcome.folder}"
        said = f"no report: {describe_os_error(exc)}. The run is complete, its report is made by: {made_by}"
        click.echo(clean_text(said), err=True)
    except KeyboardInterrupt:
        made_by = f"tradelogs verify {outcome.folder}"
        click.echo(f"stopped; the report was skipped. The run is complete, its report is made by: {made_by}", err=True)


def show_verdict(run_folder: Path, seed: int = 0) -> None:
    """Verify a run and print a line per question."""
    from verification.verify import verify_run  # noqa: PLC0415

    with VerdictDisplay() as display:
        metrics = verify_run(run_folder, display.show_question, seed=seed)
    display.print_verdicts(metrics, run_folder)
