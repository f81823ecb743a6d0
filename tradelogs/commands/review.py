"""`tradelogs review`."""

from pathlib import Path
from urllib.parse import quote

import click

from tradelogs.exits import BAD_INPUT, DONE, explain_errors
from tradelogs.holding import hold_folder
from tradelogs.options import file_option

SECTION = "Judge and compare"


@click.command()
@click.argument("run_folder", type=file_option)
@click.option("--port", type=click.IntRange(0, 65535), default=8601, show_default=True, help="Port on 127.0.0.1.")
@click.option("--results", is_flag=True, help="Say what was found; writes review.json and reviewed.parquet.")
@explain_errors
def command(run_folder: Path, port: int, results: bool) -> int:
    """Judge rows of a run blind, in a browser: made, real and spoiled ones in one deck. Needs the extra `serve`.

    \b
    Examples:
      tradelogs review runs/offline-20260102T030405Z
      tradelogs review runs/offline-20260102T030405Z --results
    """
    if not (run_folder / "ledger.parquet").is_file():
        click.echo(f"error: {run_folder} is no run that has ended: ledger.parquet is missing", err=True)
        return BAD_INPUT
    hold_folder(run_folder)
    return tell_reviews(run_folder) if results else _serve(run_folder.resolve(), port)


def tell_reviews(folder: Path) -> int:
    """Print what people said of a run's rows, and write it down."""
    from designer_configs.compile.profile import load_profile
    from verification.review import write_results

    profile = load_profile(str(folder / "profile.yaml"), {})
    found = write_results(folder, profile.dataset, profile.acceptance)
    tell, judge = found["tell"], found["judge"]
    click.echo(f"can a trader tell?  {tell['verdict']}: {tell['right']} of {tell['rows']} right, p {tell['p']:.3g}")
    if tell["note"]:
        click.echo(f"                    {tell['note']}")
    kappa = judge["kappa"]
    shown = "unknown" if kappa["low"] is None else f"{kappa['value']:.2f} [{kappa['low']:.2f}, {kappa['high']:.2f}]"
    click.echo(f"people and judge    kappa {shown} on {judge['rows']} rows")
    click.echo(f"reviewed.parquet    {found['reviewed_rows']} rows, {found['rejected_by_people']} rejected by people")
    return DONE


def _serve(folder: Path, port: int) -> int:
    try:
        from service.app import build_app
        from tradelogs.listening import listen
    except ModuleNotFoundError as exc:
        click.echo(f"error: {exc.name} is not installed: pip install 'synthetic-trade-logs[serve]'", err=True)
        return BAD_INPUT
    app = build_app(folder.parent, folder.parent, workers=0)
    return listen(app, "127.0.0.1", port, f"#review/{quote(folder.name)}")
