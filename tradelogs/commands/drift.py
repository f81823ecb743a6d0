"""`tradelogs drift`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, DRIFTED, explain_errors
from tradelogs.options import file_option

SECTION = "Judge and compare"


@click.command()
@click.argument("reference", type=file_option)
@click.argument("current", type=file_option)
@click.option("--out", type=file_option, help="Folder of drift.json and drift.html; else CURRENT's own.")
@click.option("--fail-on", type=click.Choice(["drift", "degraded", "critical"]), help="Exit with 4: drift is our rule.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes the classifier's folds.")
@explain_errors
def command(reference: Path, current: Path, out: Path | None, fail_on: str | None, seed: int) -> int:
    """Tell whether CURRENT rows have another law than REFERENCE rows: files, gold folders or runs.

    \b
    Examples:
      tradelogs drift gold_2023/ gold_2024/ --fail-on drift
      tradelogs drift gold/ runs/offline-20260102T030405Z
    """
    from files.shown_text import show_path
    from verification.drift import compare_tables, fails, read_table
    from verification.drift_page import write_drift

    names = {"reference": str(reference), "current": str(current)}
    found = names | compare_tables(read_table(reference), read_table(current), seed)
    page = write_drift(found, out or (current if current.is_dir() else current.parent))
    ours, old = found["ours"], found["reference_001"]
    fired = f": {', '.join(ours['fired'])}" if ours["fired"] else ""
    silent = f"; cannot tell {', '.join(ours['cannot_tell'])}" if ours["cannot_tell"] else ""
    moments = old["why"] or f"score {old['score']:.3f}, volatility ratio {old['volatility_ratio']:.3f}"
    click.echo(f"ours           {ours['verdict']}{fired}{silent}")
    click.echo(f"reference 001  {old['health']} ({moments})")
    if found["not_compared"]:
        click.echo(f"not compared   {', '.join(found['not_compared'])}: on one side only")
    click.echo(f"page: {show_path(page)}")
    return DRIFTED if fail_on is not None and fails(found, fail_on) else DONE
