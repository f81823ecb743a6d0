"""What a person sees of many runs: a line each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from files.shown_text import show_path, write_command
from refine_loop.record.runs import RunLine, RunState
from tradelogs.terminal import CleanConsole
from tradelogs.verdict_display import BAD, STYLES

STATES: dict[RunState, str] = {"running": "cyan", "complete": "green", "ended early": "yellow", "damaged": BAD}
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
WIDEST = 500
COLUMNS = ("run", "profile", "state", "accepted", "candidates", "verdict", "tokens", "cost", "age")


def print_runs(lines: Sequence[RunLine], folder: Path) -> None:
    """Print a line per run, and how to go on with those that can go on."""
    console = CleanConsole()
    if not lines:
        console.print(f"no runs in {show_path(folder)}; make one: tradelogs generate", soft_wrap=True)
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
            console.print(f"go on with it: {write_command('tradelogs', 'resume', line.folder)}", soft_wrap=True)


def print_table(table: Table, console: Console) -> None:
    """Print a table, whole where its width is nobody's: a file or a pipe has none.

    A terminal that is too narrow for its longest words gets a paragraph per row: columns that are cut say nothing.
    """
    wanted = console.measure(table, options=console.options.update(width=WIDEST))
    if console.is_terminal and wanted.minimum > console.width:
        _print_paragraphs(table, console)
        return
    if not console.is_terminal:
        console.width = max(console.width, wanted.maximum)
    console.print(table)


def _print_paragraphs(table: Table, console: Console) -> None:
    headings = [Text(str(column.header), style="dim") for column in table.columns]
    for row in zip(*(column.cells for column in table.columns), strict=True):
        cells = [cell if isinstance(cell, Text) else Text(str(cell)) for cell in row]
        said = [Text(" ").join((heading, cell)) for heading, cell in zip(headings, cells, strict=True) if cell.plain]
        console.print(Text(", ").join(said), overflow="fold")


def _write_cells(line: RunLine) -> list[RenderableType]:
    state = f"{line.state}: {line.why}" if line.why else line.state
    verdict = line.verdict or "-"
    accepted = "-" if line.accepted is None else f"{line.accepted:,}"
    return [
        line.folder.name,
        line.profile or "-",
        Text(state, STATES.get(line.state, "yellow")),
        accepted if line.asked is None else f"{accepted} of {line.asked:,}",
        "-" if line.candidates is None else f"{line.candidates:,}",
        Text(verdict, STYLES.get(verdict, BAD) if line.verdict else ""),
        "-" if line.tokens is None else f"{line.tokens:,}",
        "-" if line.cost is None else f"{line.cost:,.4f} {line.currency or ''}".rstrip(),
        "-" if line.started is None else write_age(datetime.now(UTC) - line.started),
    ]


def write_age(age: timedelta) -> str:
    """Write how long ago something was, in its largest unit."""
    seconds = max(0, int(age.total_seconds()))
    name, size = next(((name, size) for name, size in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds // size} {name}"
