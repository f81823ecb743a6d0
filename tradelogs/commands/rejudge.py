"""`tradelogs rejudge`."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.offline import open_endpoint
from tradelogs.options import file_option, profile_option, report_option, set_option

SECTION = "Judge and compare"


@click.command()
@click.argument("run_folder", type=file_option)
@click.option(
    "--profile",
    "named",
    type=profile_option,
    help="Profile with another judge or acceptance; else the run's own, with --set.",
)
@set_option
@click.option("--out", type=file_option, help="Folder of the new run; by default RUN_FOLDER-rejudged.")
@report_option
@explain_errors
def command(run_folder: Path, *, named: str | None, sets: tuple[str, ...], out: Path | None, report: bool) -> int:
    """Judge the rows of a finished run again, by another judge, rubric or acceptance; its drafts are not made again.

    A run of its own comes of it, and the agreement of old and new verdicts (Cohen's kappa). Where nothing but
    acceptance differs, the scores stand and nothing is sent.

    \b
    Examples:
      tradelogs rejudge runs/offline-20260102T030405Z --set acceptance.realism=5
      tradelogs rejudge runs/offline-20260102T030405Z --profile other_judge.yaml --out runs/other_judge
    """
    from designer_configs.compile.profile import load_profile
    from refine_loop.rejudge import rejudge_run
    from refine_loop.run import load_run_profile
    from tradelogs.display import RunDisplay
    from tradelogs.rejudge_display import print_agreement
    from tradelogs.verdict_display import report_outcome

    before = load_run_profile(run_folder)
    given = {"sets": sets}
    profile = load_profile(named, given) if named is not None else load_run_profile(run_folder, given)
    folder = out or run_folder.with_name(f"{run_folder.resolve().name}-rejudged")
    with open_endpoint(profile) as endpoint, RunDisplay(profile.dataset, live=True) as display:
        rejudged = rejudge_run(run_folder, before, profile, folder, endpoint=endpoint, observe=display.show_event)
    display.print_outcome(rejudged.outcome)
    print_agreement(rejudged.agreement)
    if report:
        report_outcome(rejudged.outcome)
    return DONE
