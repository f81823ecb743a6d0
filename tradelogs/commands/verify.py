"""`tradelogs verify`."""

from pathlib import Path
from typing import Any

import click

from tradelogs.exits import BAD_INPUT, DONE, explain_errors
from tradelogs.options import file_option

SECTION = "Look at what was made"


@click.command()
@click.argument("run_folder", type=file_option, required=False)
@click.option("--synthetic", type=file_option, help="Rows that any tool made, CSV or Parquet.")
@click.option("--gold", type=file_option, help="Gold for them: an imported folder, or a table.")
@click.option("--out", type=file_option, help="Folder of their report; beside the rows without it.")
@click.option("--json", "is_json", is_flag=True, help="Prints all metrics as JSON, nothing else.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes every draw.")
@click.option(
    "--transfer", is_flag=True, help="Asks too whether it helps to learn the gold. Needs the extra `transfer`."
)
@click.option("--transfer-strategy", type=click.Choice(["freeze", "fine_tune"]), help="What a child does. [freeze]")
@click.option("--transfer-network", type=click.Choice(["1x32", "3x128"]), help="Layers and units. [1x32]")
@explain_errors
def command(
    run_folder: Path | None,
    *,
    synthetic: Path | None,
    gold: Path | None,
    out: Path | None,
    is_json: bool,
    seed: int,
    transfer: bool,
    **setting: str | None,
) -> int:
    """Tell whether a run's rows are noise, copies or neither; writes report.html and metrics.json into its folder.

    With --synthetic and --gold two tables of trades are held against each other, whoever made them.

    \b
    Examples:
      tradelogs verify runs/offline-20260102T030405Z
      tradelogs verify --synthetic rows.csv --gold gold/
      tradelogs verify runs/offline-20260102T030405Z --transfer
    """
    from tradelogs.verdict_display import show_table_verdict, show_verdict

    chosen = {name.removeprefix("transfer_"): value for name, value in setting.items() if value is not None}
    if chosen and not transfer:
        raise click.UsageError(f"--transfer-{next(iter(chosen))} says how --transfer is measured: give that, too")
    if run_folder is not None:
        if synthetic or gold or out:
            raise click.UsageError("name a run folder, or --synthetic and --gold; not both")
        try:
            also = {"transfer": _prepare_transfer(chosen)} if transfer else {}
        except ModuleNotFoundError as exc:
            click.echo(f"error: {exc.name} is not installed: pip install 'synthetic-trade-logs[transfer]'", err=True)
            return BAD_INPUT
        show_verdict(run_folder, seed, is_json=is_json, also=also)
        return DONE
    if transfer:
        raise click.UsageError("--transfer is asked of a run, whose trades have bars: name its folder")
    if synthetic is None or gold is None:
        raise click.UsageError("name a run folder, or --synthetic ROWS and --gold GOLD")
    show_table_verdict(synthetic, gold, out or synthetic.parent / f"{synthetic.stem}_verified", seed, is_json=is_json)
    return DONE


def _prepare_transfer(chosen: dict[str, Any]) -> Any:
    from verification.transfer.measure import Setting, answer_transfer

    return lambda run, seed: answer_transfer(run, Setting(**chosen), seed)
