"""`tradelogs indicators`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors


@click.command()
@click.argument("bars_file", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write, .parquet or .csv.")
@explain_errors
def command(bars_file: Path, out: Path) -> int:
    """Attach every indicator to every bar of BARS_FILE (ticker, timestamp, open, high, low, close, volume).

    \b
    Example:
      tradelogs indicators my_bars.parquet --out my_bars_with_indicators.parquet
    """
    from indicators.bars_file import attach_to_bars_file

    click.echo(attach_to_bars_file(bars_file, out))
    return DONE
