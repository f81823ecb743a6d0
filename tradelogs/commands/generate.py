"""`tradelogs generate`."""

from pathlib import Path
from typing import Any

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.holding import say_changed
from tradelogs.offline import open_endpoint
from tradelogs.options import file_option, profile_options, report_option

SECTION = "Make rows"


@click.command()
@profile_options
@click.option("--out", type=file_option, help="Folder of the run; by default runs/PROFILE-TIME.")
@click.option("--metrics-port", type=int, help="Port on 127.0.0.1 for Prometheus, such as 9464; none by default.")
@click.option(
    "--estimate", is_flag=True, help="Say what the run would take, low and high; nothing leaves this machine."
)
@click.option("--print-resolved-config", is_flag=True, help="Print the effective profile and start nothing.")
@report_option
@explain_errors
def command(
    profile: str,
    out: Path | None,
    *,
    estimate: bool,
    print_resolved_config: bool,
    verbose: bool,
    report: bool,
    **overrides: Any,
) -> int:
    """Generate synthetic rows with PROFILE (a name in designer_configs/, or a YAML file).

    \b
    Example:
      tradelogs generate offline --num 300 --gold-trades my.csv --gold-bars my.parquet
    """
    from designer_configs.compile.profile import load_profile
    from refine_loop.run import name_run_folder, start_run
    from tradelogs.display import RunDisplay
    from tradelogs.exporting import export_as_asked
    from tradelogs.verdict_display import report_outcome

    loaded = load_profile(profile, overrides)
    say_changed(loaded)
    if print_resolved_config:
        click.echo(loaded.to_yaml(), nl=False)
        return DONE
    if estimate:
        from refine_loop.estimate import describe_estimate, estimate_run

        with open_endpoint(loaded) as endpoint:
            click.echo("\n".join(describe_estimate(estimate_run(loaded, endpoint))))
        return DONE
    folder = out or name_run_folder(loaded, Path.cwd() / "runs")
    with open_endpoint(loaded) as endpoint, RunDisplay(loaded.dataset, live=not verbose) as display:
        outcome = start_run(loaded, folder, endpoint, display.show_event, verbose=verbose)
    code = display.print_outcome(outcome)
    if report:
        report_outcome(outcome)
    export_as_asked(outcome.folder, loaded)
    return code
