"""`tradelogs vpa`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option, market_option


@click.command()
@click.argument("bars_file", type=file_option)
@click.option("--out", required=True, type=file_option, help="File to write, .parquet or .jsonl.")
@click.option("--timeframes", help="That of the bars, then higher ones, such as 1m,15m,1d; else by the bars.")
@market_option
@explain_errors
def command(bars_file: Path, out: Path, timeframes: str | None, market: tuple[str, ...]) -> int:
    """Attach volume price analysis, with patterns and a signal, to every bar of BARS_FILE.

    \b
    Example:
      tradelogs vpa my_bars.parquet --out my_context.jsonl
    """
    from gold_data.markets import read_options
    from indicators.vpa.bars_file import attach_context_to_bars_file

    asked = None if timeframes is None else [name.strip() for name in timeframes.split(",")]
    click.echo(attach_context_to_bars_file(bars_file, out, asked, read_options(market)))
    return DONE
