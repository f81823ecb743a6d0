"""`tradelogs gold`: import a trader's logs, map the columns of an unknown one, describe what was imported."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option, market_option

if TYPE_CHECKING:
    from gold_data.trades.import_gold import BarsSource

SECTION = "Begin"


@click.group("gold")
def command() -> None:
    """Gold from your own trade logs: import, map, describe."""


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=file_option)
@click.option("--out", required=True, type=file_option, help="Folder to write, a new one.")
@click.option("--format", default="auto", show_default=True, help="Format of the files; auto goes by their header.")
@click.option("--zone", help="Time zone of times without an offset; by default the format's own.")
@click.option("--mapping", type=file_option, help="Columns of a CSV file of no known format (YAML).")
@click.option("--ticker", help="Ticker of a log that names none.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Day of a log that has times of day only.")
@click.option("--date-order", type=click.Choice(["month_first", "day_first"]), help="Where no date of a log tells.")
@click.option("--positions", type=file_option, help="What was held before (CSV: ticker, quantity).")
@click.option("--long-only", is_flag=True, help="No sale is a short one: what was not bought was held before.")
@market_option
@click.option("--bars", multiple=True, type=file_option, help="One-minute bars, or finer; repeatable.")
@click.option("--bars-ticker", multiple=True, help="Ticker of bars that name none: of all --bars, or one for each.")
@click.option("--bars-zone", help="Time zone of the bars' times without an offset; by default the market's.")
@click.option("--bars-date", type=click.DateTime(["%Y-%m-%d"]), help="Day of bars that have times of day only.")
@click.option("--holdout", default=0.2, show_default=True, help="Share of the sessions that no model ever sees.")
@click.option("--blocks", default=1, show_default=True, type=click.IntRange(1), help="Held-out stretches; 1: the end.")
@click.option("--embargo", default=1, show_default=True, type=click.IntRange(0), help="Sessions next to them, unused.")
@explain_errors
def import_logs(
    files: tuple[Path, ...],
    out: Path,
    *,
    holdout: float,
    blocks: int,
    embargo: int,
    day: datetime | None,
    market: tuple[str, ...],
    **options: Any,
) -> int:
    """Import trade logs FILES, as your platform exported them, into a folder of clean gold.

    \b
    Examples:
      tradelogs gold import statement.csv --bars bars.parquet --out gold/
      tradelogs gold import january.csv february.csv --bars NVDA.csv --bars AMD.csv --out gold/
      tradelogs gold import mine.csv --mapping mine.yaml --zone America/Chicago --bars bars.csv --out gold/
      tradelogs gold import futures.csv --market CMES --bars ES.csv --bars-ticker ES --out gold/
    """
    from files.shown_text import show_path, write_command
    from gold_data.importers import LogOptions
    from gold_data.markets import read_options
    from gold_data.trades.import_gold import import_gold

    sources = _list_bars(*(options.pop(name) for name in ("bars", "bars_ticker", "bars_zone", "bars_date")))
    logs = LogOptions(day=day.date() if day else None, markets=read_options(market), **options)
    account = import_gold(files, out, bars=sources, logs=logs, holdout=holdout, blocks=blocks, embargo=embargo)
    for line in account.sum_up():
        click.echo(line)
    look = write_command("tradelogs", "gold", "describe", out)
    click.echo(f"{show_path(out)}: written; {look} shows what is in it")
    return DONE


def _list_bars(
    paths: Sequence[Path], tickers: Sequence[str], zone: str | None, day: datetime | None
) -> list["BarsSource"]:
    from gold_data.errors import GoldError
    from gold_data.trades.import_gold import BarsSource

    if not paths and (tickers or zone or day):
        raise GoldError(
            "--bars-ticker, --bars-zone and --bars-date say how to read --bars, which is missing: give it too"
        )
    if len(tickers) > 1 and len(tickers) != len(paths):
        raise GoldError(
            f"{len(tickers)} x --bars-ticker and {len(paths)} x --bars: give one ticker for all, or one for each"
        )
    named = list(tickers) if len(tickers) > 1 else [tickers[0] if tickers else None] * len(paths)
    return [
        BarsSource(path, zone, day.date() if day else None, ticker) for path, ticker in zip(paths, named, strict=True)
    ]


@command.command("map")
@click.argument("file", type=file_option)
@click.option("--out", type=file_option, help="File to write, a new one; by default it is printed.")
@explain_errors
def map_columns(file: Path, out: Path | None) -> int:
    """Write a first mapping of the columns of FILE, a CSV file of no known format, to look over and mend.

    \b
    Example:
      tradelogs gold map mine.csv --out mine.yaml
    """
    from files.shown_text import show_path, write_command
    from gold_data.errors import GoldError
    from gold_data.importers.first_mapping import write_first_mapping

    text = write_first_mapping(file)
    if out is None:
        click.echo(text, nl=False)
        return DONE
    if out.exists():
        raise GoldError(f"{out} is there already; name a new file, for nothing is changed in place")
    out.write_text(text, encoding="utf-8")
    then = write_command("tradelogs", "gold", "import", file, "--mapping", out)
    click.echo(f"{show_path(out)}: written; look it over, then: {then} ...")
    return DONE


@command.command()
@click.argument("folder", type=file_option)
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
