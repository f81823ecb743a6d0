"""`tradelogs diff`."""

import json
from pathlib import Path

import click

from tradelogs.exits import DONE, WORSE, explain_errors
from tradelogs.options import file_option

SECTION = "Judge and compare"


@click.command()
@click.argument("run_a", type=file_option)
@click.argument("run_b", type=file_option)
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown, for a pull request.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--fail-on", type=click.Choice(["worse"]), help="Exit with 4 where RUN_B is worse, for CI.")
@explain_errors
def command(run_a: Path, run_b: Path, *, as_markdown: bool, as_json: bool, fail_on: str | None) -> int:
    """Compare two runs: what was changed, what came of it, and whether RUN_B is better, worse, or cannot be told.

    \b
    Examples:
      tradelogs diff runs/offline-20260102T030405Z runs/offline-20260103T030405Z
      tradelogs diff runs/main runs/branch --md --fail-on worse
    """
    from refine_loop.errors import RunInputError
    from tradelogs.diff_display import print_comparison, write_markdown
    from verification.compare.compare import compare_runs

    if as_json and as_markdown:
        raise RunInputError("name one of --md and --json")
    compared = compare_runs(run_a, run_b)
    if as_json:
        click.echo(json.dumps(compared.to_json()))
    elif as_markdown:
        click.echo(write_markdown(compared))
    else:
        print_comparison(compared)
    return WORSE if fail_on == compared.overall else DONE
