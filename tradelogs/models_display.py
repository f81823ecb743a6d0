"""Runs trials of models one after the other, and lays out what each came to."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from files.shown_text import write_command
from jobs.errors import BackendError
from refine_loop.errors import RunError, RunInputError
from refine_loop.run import check_unused, start_run
from refine_loop.trials import Trial
from tradelogs.diff_display import STYLES, write_interval
from tradelogs.display import RunDisplay
from tradelogs.offline import open_endpoint
from tradelogs.runs_display import print_table
from tradelogs.terminal import CleanConsole
from verification.compare.models import ModelRow

HEADINGS = ("models", "read", "passed", "accepted", "tokens", "cost", "seconds", "beside the first")


def run_trials(trials: Sequence[Trial], out: Path | None, *, verbose: bool) -> tuple[dict[str, Path], list[str]]:
    """Run trials in folders of their own below `out`; gives the folders by label, and the labels of what failed.

    A model that fails takes nothing from the others.

    Raises:
        RunInputError: `out` cannot be made, or something is in it already.
    """
    place = out or Path.cwd() / "runs" / f"models-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    check_unused(place)
    done, failed = dict[str, Path](), list[str]()
    for trial in trials:
        click.echo(f"== {trial.label}")
        folder = place / trial.label
        try:
            with open_endpoint(trial.profile) as endpoint, RunDisplay(trial.profile.dataset, live=not verbose) as shown:
                start_run(trial.profile, folder, endpoint, shown.show_event, verbose=verbose)
            done[trial.label] = folder
        except RunInputError:
            raise
        except (BackendError, RunError) as exc:
            click.echo(f"error: {trial.label}: {exc}", err=True)
            failed.append(trial.label)
    return done, failed


def print_models(rows: Sequence[ModelRow], place: Path) -> None:
    """Print a line per choice of models; tokens, cost and seconds are per accepted row."""
    console = CleanConsole()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in HEADINGS:
        table.add_column(heading)
    for row in rows:
        judged = row.judgement or "-"
        cells = [
            row.label,
            write_interval(row.read, "share"),
            "-" if row.passed is None else write_interval(row.passed, "share"),
            write_interval(row.accepted, "share"),
            "-" if row.tokens is None else write_interval(row.tokens, "tokens"),
            "-" if row.cost is None else f"{row.cost:.6f} {row.currency or ''}".rstrip(),
            "-" if row.seconds is None else f"{row.seconds:.2f}",
        ]
        table.add_row(*cells, Text(judged, STYLES.get(judged, "")))
    console.print(f"\n{rows[0].planned:,} planned rows, the same for each; tokens, cost and seconds per accepted row")
    print_table(table, console)
    console.print(f"look into one: {write_command('tradelogs', 'show', place / rows[0].label)}", soft_wrap=True)
