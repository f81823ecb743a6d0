"""`tradelogs verify`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors

SECTION = "Look at what was made"


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path), required=False)
@click.option("--synthetic", type=click.Path(path_type=Path), help="Rows that any tool made, CSV or Parquet.")
@click.option("--gold", type=click.Path(path_type=Path), help="Gold for them: an imported folder, or a table.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of their report; beside the rows without it.")
@click.option("--json", "is_json", is_flag=True, help="Prints all metrics as JSON, nothing else.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes every draw.")
@explain_errors
def command(  # noqa: PLR0917, as the command line gives them
    run_folder: Path | None, synthetic: Path | None, gold: Path | None, out: Path | None, is_json: bool, seed: int
) -> int:
    """Tell whether a run's rows are noise, copies or neither; writes report.html and metrics.json into its folder.

    With --synthetic and --gold two tables of trades are held against each other, whoever made them.

    \b
    Examples:
      tradelogs verify runs/offline-20260102T030405Z
      tradelogs verify --synthetic rows.csv --gold gold/
    """
    from tradelogs.verdict_display import show_table_verdict, show_verdict

    if run_folder is not None:
        if synthetic or gold or out:
            raise click.UsageError("name a run folder, or --synthetic and --gold; not both")
        show_verdict(run_folder, seed, is_json=is_json)
        return DONE
    if synthetic is None or gold is None:
        raise click.UsageError("name a run folder, or --synthetic ROWS and --gold GOLD")
    show_table_verdict(synthetic, gold, out or synthetic.parent / f"{synthetic.stem}_verified", seed, is_json=is_json)
    return DONE
