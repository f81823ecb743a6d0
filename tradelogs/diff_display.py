"""What a person sees of two runs beside one another, in a terminal or as Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from files.shown_text import show_path
from tradelogs.runs_display import print_table
from tradelogs.terminal import CleanConsole
from verification.answers import Interval, say_percent
from verification.compare.compare import Comparison
from verification.compare.measures import Measure

STYLES = {"better": "green", "worse": "bold red"}


@dataclass(frozen=True)
class Section:
    """A table: its title, its headings, and its rows, of which the last cell may be a judgement."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def list_sections(compared: Comparison) -> Iterator[Section]:
    """Lay a comparison out in tables, those without a row left out."""
    changes = [(c.kind, c.name, c.before or "-", c.after or "-") for c in compared.changes]
    counts = [(name, _write(a), _write(b)) for name, a, b in compared.counts]
    answers = [(a.question, *map(" ".join, (a.before, a.after)), a.judgement) for a in compared.answers]
    sections = [
        Section("changed", ("what", "name", "A", "B"), changes),
        Section("counts", ("", "A", "B"), counts),
        Section("compared", ("", "A", "B", "B less A", "B is"), [_write_measure(m) for m in compared.measures]),
        Section("verdict", ("question", "A", "B", "B is"), answers),
    ]
    yield from (section for section in sections if section.rows)


def _write(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def _write_measure(measure: Measure) -> tuple[str, ...]:
    values = (measure.before, measure.after, measure.difference)
    texts = [write_interval(value, measure.unit) for value in values]
    judged = "dearer" if not measure.decides and measure.judgement == "worse" else measure.judgement
    return (measure.name, *texts, "cheaper" if not measure.decides and judged == "better" else judged)


def write_interval(value: Interval, unit: str) -> str:
    """Write an estimate with its interval: a share in percent, a score, or tokens."""
    if unit == "share":
        return say_percent(value)
    if unit == "tokens":
        return f"{value.value:,.0f} [{value.low:,.0f}, {value.high:,.0f}]"
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def print_comparison(compared: Comparison) -> None:
    """Print a comparison."""
    console = CleanConsole()
    console.print(f"A: {show_path(compared.before)}\nB: {show_path(compared.after)}", soft_wrap=True)
    if not compared.changes:
        console.print("\nnothing was changed")
    for section in list_sections(compared):
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in section.headings:
            table.add_column(heading, overflow="fold")
        for row in section.rows:
            *cells, last = row
            table.add_row(*cells, Text(last, STYLES.get(last, "")))
        console.print(f"\n{section.title}", style="bold")
        print_table(table, console)
    for note in compared.notes:
        console.print(f"note: {note}", soft_wrap=True)
    overall = (compared.overall, STYLES.get(compared.overall, "yellow"))
    console.print(Text.assemble("\nB is: ", overall, f". {compared.reason}"), soft_wrap=True)


def write_markdown(compared: Comparison) -> str:
    """Write a comparison as Markdown."""
    parts = [
        f"**B is: {compared.overall}.** {_cell(compared.reason)}",
        f"A: `{_cell(show_path(compared.before))}`, B: `{_cell(show_path(compared.after))}`",
    ]
    for section in list_sections(compared):
        lines = [section.headings, ["---"] * len(section.headings), *section.rows]
        table = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
        parts.append(f"#### {section.title}\n\n{table}")
    parts += [f"- {_cell(note)}" for note in compared.notes]
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
