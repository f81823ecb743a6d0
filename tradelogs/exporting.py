"""Exports a run and says what was written."""

from pathlib import Path

import click

from designer_configs.compile.profile import Profile
from exports.export import write_export
from exports.finished_run import FinishedRun, read_finished_run
from files.shown_text import show_path

WRITTEN_BY_THE_RUN = ("parquet", "csv", "jsonl")


def print_export(run: FinishedRun, name: str, out: Path | None = None) -> None:
    """Export a run in one format and say how many rows went where."""
    exported = write_export(run, name, out)
    notes = "".join(f"; {note}" for note in exported.notes)
    click.echo(f"{name}: {exported.rows:,} rows, {show_path(exported.path)}{notes}")


def export_as_asked(folder: Path, profile: Profile) -> None:
    """Export a run in the formats of its profile that the run itself does not write."""
    if names := [name for name in profile.export if name not in WRITTEN_BY_THE_RUN]:
        run = read_finished_run(folder)
        for name in names:
            print_export(run, name)
