"""`tradelogs indicators`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option, market_option


@click.command()
@click.argument("bars_file", type=file_option)
@click.option("--out", required=True, type=file_option, help="File to write, .parquet or .csv.")
@market_option
@explain_errors
def command(bars_file: Path, out: Path, market: tuple[str, ...]) -> int:
    """Attach every indicator to every bar of BARS_FILE (ticker, timestamp, open, high, low, close, volume).

    \b
    Example:
      tradelogs indicators my_bars.parquet --out my_bars_with_indicators.parquet
    """
    from gold_data.markets import read_options
    from indicators.bars_file import attach_to_bars_file

    click.echo(attach_to_bars_file(bars_file, out, read_options(market)))
    return DONE
