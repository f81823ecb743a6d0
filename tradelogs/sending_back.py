"""Sends rows that people rejected back to the refiner, and says what became of them."""

from pathlib import Path

import click

from refine_loop.record.candidate import read_ledger
from refine_loop.reviewed import refine_reviewed
from refine_loop.run import load_run_profile
from tradelogs.display import RunDisplay
from tradelogs.exits import DONE
from tradelogs.offline import open_endpoint
from verification.review import list_critiques, read_reviews, write_results


def send_back(folder: Path) -> int:
    """Send a run's accepted rows that people rejected with a reason to its refiner; write `reviewed.parquet`."""
    profile, ledger = load_run_profile(folder), read_ledger(folder)
    accepted = {*ledger.filter(status="accepted")["row_id"]}
    said = {row_id: reasons for row_id, reasons in list_critiques(read_reviews(folder)).items() if row_id in accepted}
    critiques = {row_id: reasons for row_id, reasons in said.items() if reasons}
    with open_endpoint(profile) as endpoint, RunDisplay(profile.dataset, live=True) as display:
        sent = refine_reviewed(profile, folder, critiques, endpoint, display.show_event)
    found = write_results(folder, profile.dataset, profile.acceptance)
    counts = {
        "mended": sent.mended,
        "rejected again": sent.rejected,
        "failed": sent.failed,
        "not sent, for no pass was left": sent.spent,
        "sent before": sent.before,
        "not sent, for a cap of `run` was reached (resume --set raises it)": sent.unfinished,
        "not sent, for nobody gave a reason": len(said) - len(critiques),
    }
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"
    click.echo(f"rejected by people  {len(said)}: {told}")
    click.echo(f"reviewed.parquet    {found['reviewed_rows']} rows")
    return DONE
