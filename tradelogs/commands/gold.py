"""`tradelogs gold`: import a trader's logs, describe what was imported."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from tradelogs.exits import DONE, explain_errors


@click.group("gold")
def command() -> None:
    """Gold from your own trade logs: import, describe."""


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write, a new one.")
@click.option("--format", default="auto", show_default=True, help="Format of the files; auto goes by their header.")
@click.option("--zone", help="Time zone of times without an offset; by default the format's own.")
@click.option("--mapping", type=click.Path(path_type=Path), help="Columns of a CSV file of no known format (YAML).")
@click.option("--bars", type=click.Path(path_type=Path), help="Bars of the traded tickers, one-minute or finer.")
@click.option("--bars-zone", help="Time zone of the bars' times without an offset; by default the exchange's.")
@click.option("--bars-date", type=click.DateTime(["%Y-%m-%d"]), help="Day of bars that have times of day only.")
@click.option("--holdout", default=0.2, show_default=True, help="Share of the sessions that no model ever sees.")
@click.option("--blocks", default=1, show_default=True, type=click.IntRange(1), help="Held-out stretches; 1: the end.")
@click.option("--embargo", default=1, show_default=True, type=click.IntRange(0), help="Sessions next to them, unused.")
@explain_errors
def import_logs(
    bars: Path | None, bars_zone: str | None, bars_date: datetime | None, files: tuple[Path, ...], **options: Any
) -> int:
    """Import trade logs FILES, as your platform exported them, into a folder of clean gold.

    \b
    Examples:
      tradelogs gold import statement.csv --bars bars.parquet --out gold/
      tradelogs gold import mine.csv --mapping mine.yaml --zone America/Chicago --out gold/
    """
    from gold_data.errors import GoldError
    from gold_data.sessions import EXCHANGE_ZONE
    from gold_data.trades.import_gold import BarsSource, import_gold

    if bars is None and (bars_zone or bars_date):
        raise GoldError("--bars-zone and --bars-date say how to read --bars, which is missing: give it too")
    day = bars_date.date() if bars_date else None
    source = BarsSource(bars, bars_zone or EXCHANGE_ZONE, day) if bars else None
    account = import_gold(files, bars=source, **options)
    for line in account.sum_up():
        click.echo(line)
    click.echo(f"{options['out']}: written; tradelogs gold describe {options['out']} shows what is in it")
    return DONE


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@explain_errors
def describe(folder: Path) -> int:
    """Print the data card of the gold in FOLDER.

    \b
    Example:
      tradelogs gold describe gold/
    """
    from gold_data.trades.card import read_card

    click.echo(read_card(folder), nl=False)
    return DONE
