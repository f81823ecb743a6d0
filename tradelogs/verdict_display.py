"""What a person sees of a verification: the question that is being asked, then a line per answer."""

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
from rich.status import Status
from rich.text import Text

from files.shown_text import show_path, write_command
from tradelogs.exits import describe_os_error
from tradelogs.terminal import CleanConsole

STYLES = {"good": "green", "helps": "green", "cannot tell": "yellow", "no gain": "yellow"}
BAD = "bold red"
UNTOLD = "cannot tell"
UNKNOWN = ("unknown", "\u2013", "-", "")  # how an answer writes a number that nobody knows
MOST_LINES = 4  # of what cannot be told; a longer list is of so few rows that hardly anything can be
LEAST_ROOM = 34  # characters beside question and verdict; with less the number stands below them


Row = tuple[str, str | None, str]


class VerdictDisplay:
    """Shows which question is being asked where the terminal can, and the answers afterwards."""

    def __init__(self) -> None:
        self._console = CleanConsole()
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
            self._status.update(Text(f"verifying: {question}"))

    def print_verdicts(self, metrics: Mapping[str, Any], folder: Path) -> None:
        """Print what a trader reads first, a line per question, the overall verdict, and where the report is."""
        summary = metrics.get("summary") or {}
        self._console.print()
        if summary.get("sentence"):
            self._print_lines(summary["sentence"])
            self._console.print()
        if summary.get("graded"):
            self._print_beside([(label, None, text) for label, text in summary["graded"]])
            self._console.print()
        if told := list(filter(None, map(_list_answer, metrics["answers"]))):
            self._print_beside(told)
            self._console.print()
        if untold := [answer for answer in metrics["answers"] if answer["verdict"] == UNTOLD]:
            self._print_lines(self._fold_untold(untold), {"not told": STYLES[UNTOLD]})
            self._console.print()
        overall = metrics["overall"]
        style = STYLES.get(overall["verdict"], BAD)
        self._print_lines(f"overall: {overall['text']}. {overall['reason']}", {overall["text"]: style})
        if summary.get("notice"):
            self._print_lines(summary["notice"])
        self._console.print(f"report: {show_path(folder / 'report.html')}", soft_wrap=True)

    def _fold_untold(self, untold: Sequence[Mapping[str, Any]]) -> str:
        """Say what cannot be told and what it would take, or only the names where that is more than a few lines."""
        said = f"not told: {say_untold(untold)}"
        if len(wrap_words(said, self._console.width)) <= MOST_LINES:
            return said
        return f"not told: {', '.join(answer['question'] for answer in untold)}; the report says what each takes."

    def _print_beside(self, rows: Sequence[Row]) -> None:
        """Print names, verdicts where there are any, and texts; below each other where there is no room beside."""
        names, verdicts = (max((len(row[place] or "") for row in rows), default=0) for place in (0, 1))
        indent = names + 2 + (verdicts + 2 if verdicts else 0)
        is_beside = self._console.width - indent >= LEAST_ROOM
        for name, verdict, text in rows:
            first = Text(f"{name:<{names}}")
            if verdict:
                first.append("  ").append(f"{verdict:<{verdicts}}", STYLES.get(verdict, BAD))
            lines = wrap_words(text, self._console.width - (indent if is_beside else 2))
            if is_beside:
                first.append(f"  {lines.pop(0)}")
            self._console.print(first, soft_wrap=True)
            for line in lines:
                self._console.print(f"{'':<{indent if is_beside else 2}}{line}", soft_wrap=True)

    def _print_lines(self, text: str, styles: Mapping[str, str] | None = None) -> None:
        """Print a text between words; the first time that a key of `styles` comes in a line it is in that style."""
        for line in wrap_words(text, self._console.width):
            shown = Text(line)
            for word, style in (styles or {}).items():
                if (start := line.find(word)) >= 0:
                    shown.stylize(style, start, start + len(word))
            self._console.print(shown, soft_wrap=True)


def _list_answer(answer: Mapping[str, Any]) -> Row | None:
    """List question, verdict and number of an answer; None of one that cannot be told."""
    return None if answer["verdict"] == UNTOLD else (answer["question"], answer["verdict"], say_number(answer))


def say_number(answer: Mapping[str, Any]) -> str:
    """Say an answer's most telling number; why, where it is unknown."""
    label, text = answer["numbers"][0]
    return str(answer["reason"]) if text in UNKNOWN else f"{text} {label}"


def say_untold(answers: Sequence[Mapping[str, Any]]) -> str:
    """Say which questions cannot be told, and what each would take; why not, where no number would do."""
    named = ((answer["question"], answer.get("needs"), answer["reason"]) for answer in answers)
    return (
        "; ".join(f"{name} takes {needs}" if needs else f"{name}: {why.rstrip('.')}" for name, needs, why in named)
        + "."
    )


def wrap_words(text: str, width: int) -> list[str]:
    """Break a text between words; a word longer than the line stands on one of its own, whole."""
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]


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
        click.echo(f"no report: {exc}", err=True)
    except OSError as exc:  # the run's own results are on the disk
        made_by = write_command("tradelogs", "verify", outcome.folder)
        said = f"no report: {describe_os_error(exc)}. The run is complete, its report is made by: {made_by}"
        click.echo(said, err=True)
    except KeyboardInterrupt:
        made_by = write_command("tradelogs", "verify", outcome.folder)
        click.echo(f"stopped; the report was skipped. The run is complete, its report is made by: {made_by}", err=True)


def show_verdict(
    run_folder: Path, seed: int = 0, *, is_json: bool = False, also: Mapping[str, Callable[..., Any]] | None = None
) -> None:
    """Verify a run, ask `also` what a person asked for, and print a line per question, or all metrics as JSON."""
    from verification.verify import verify_run  # noqa: PLC0415

    _show(lambda tell: verify_run(run_folder, tell, seed=seed, also=also or {}), run_folder, is_json=is_json)


def show_table_verdict(rows: Path, gold: Path, out: Path, seed: int, *, is_json: bool) -> None:
    """Verify a table of trades against gold, and print likewise."""
    from verification.trades.mere_tables import verify_tables  # noqa: PLC0415

    metrics = _show(lambda tell: verify_tables(rows, gold, out, tell, seed=seed), out, is_json=is_json)
    for note in metrics["run"]["notes"]:
        click.echo(f"note: {note}", err=True)


def _show(
    verify: Callable[[Callable[[str], None]], Mapping[str, Any]], folder: Path, *, is_json: bool
) -> Mapping[str, Any]:
    if is_json:
        metrics = verify(lambda _: None)
        click.echo(json.dumps(metrics, indent=1, allow_nan=False))
        return metrics
    with VerdictDisplay() as display:
        metrics = verify(display.show_question)
    display.print_verdicts(metrics, folder)
    return metrics
