"""What a person sees of many runs: a line each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from refine_loop.record.runs import RunLine, RunState
from tradelogs.display import escape
from tradelogs.verdict_display import BAD, STYLES

STATES: dict[RunState, str] = {"running": "cyan", "complete": "green", "ended early": "yellow", "damaged": BAD}
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
WIDEST = 500
COLUMNS = ("run", "profile", "state", "accepted", "candidates", "verdict", "tokens", "cost", "age")


def print_runs(lines: Sequence[RunLine], folder: Path) -> None:
    """Print a line per run, and how to go on with those that can go on."""
    console = Console(highlight=False)
    if not lines:
        console.print(escape(f"no runs in {folder}; make one: tradelogs generate"), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in COLUMNS:
        table.add_column(
            name, no_wrap=name == "run", justify="right" if name in ("candidates", "tokens", "cost", "age") else "left"
        )
    for line in lines:
        table.add_row(*_write_cells(line))
    print_table(table, console)
    for line in lines:
        if line.state == "stopped":
            console.print(escape(f"go on with it: tradelogs resume {line.folder}"), soft_wrap=True)


def print_table(table: Table, console: Console) -> None:
    """Print a table, whole where its width is nobody's: a file or a pipe has none."""
    if not console.is_terminal:
        wanted = console.measure(table, options=console.options.update(width=WIDEST)).maximum
        console.width = max(console.width, wanted)
    console.print(table)


def _write_cells(line: RunLine) -> list[str]:
    state = f"{line.state}: {line.why}" if line.why else line.state
    verdict = line.verdict or "-"
    accepted = "-" if line.accepted is None else f"{line.accepted:,}"
    return [
        escape(line.folder.name),
        escape(line.profile or "-"),
        f"[{STATES.get(line.state, 'yellow')}]{escape(state)}[/]",
        accepted if line.asked is None else f"{accepted} of {line.asked:,}",
        "-" if line.candidates is None else f"{line.candidates:,}",
        f"[{STYLES.get(verdict, BAD)}]{escape(verdict)}[/]" if line.verdict else verdict,
        "-" if line.tokens is None else f"{line.tokens:,}",
        "-" if line.cost is None else escape(f"{line.cost:,.4f} {line.currency or ''}".rstrip()),
        "-" if line.started is None else write_age(datetime.now(UTC) - line.started),
    ]


def write_age(age: timedelta) -> str:
    """Write how long ago something was, in its largest unit."""
    seconds = max(0, int(age.total_seconds()))
    name, size = next(((name, size) for name, size in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds // size} {name}"
