"""`tradelogs resume`."""

from pathlib import Path

import click

from tradelogs.exits import explain_errors
from tradelogs.offline import open_endpoint
from tradelogs.options import file_option, report_option, set_option

SECTION = "Make rows"


@click.command()
@click.argument("run_folder", type=file_option)
@click.option("--num", type=click.IntRange(min=1), help="Go on to so many accepted rows; max_candidates grows with it.")
@set_option
@click.option("--reviews", is_flag=True, help="Send back what people rejected with a reason; writes reviewed.parquet.")
@click.option("--verbose", is_flag=True, help="Show Data Designer's own log.")
@report_option
@explain_errors
def command(
    run_folder: Path, *, num: int | None, sets: tuple[str, ...], reviews: bool, verbose: bool, report: bool
) -> int:
    """Go on with a run that was stopped, or with one that has ended to more rows.

    --set may change the caps and counts of `run`, such as run.max_minutes; anything else is another run.

    \b
    Examples:
      tradelogs resume runs/offline-20260102T030405Z
      tradelogs resume runs/offline-20260102T030405Z --num 5000
      tradelogs resume runs/offline-20260102T030405Z --set run.max_minutes=120
      tradelogs resume runs/offline-20260102T030405Z --reviews
    """
    from refine_loop.run import load_run_profile, resume_run
    from tradelogs.display import RunDisplay
    from tradelogs.exporting import export_as_asked
    from tradelogs.verdict_display import report_outcome

    if reviews:
        from tradelogs.sending_back import send_back

        if num is not None or sets:
            raise click.UsageError("--reviews goes with neither --num nor --set: go on to more rows by themselves")
        return send_back(run_folder)
    profile = load_run_profile(run_folder, {"num": num, "sets": sets})
    with open_endpoint(profile) as endpoint, RunDisplay(profile.dataset, live=not verbose) as display:
        outcome = resume_run(profile, run_folder, endpoint, display.show_event, verbose=verbose)
    code = display.print_outcome(outcome)
    if report:
        report_outcome(outcome)
    export_as_asked(outcome.folder, profile)
    return code
