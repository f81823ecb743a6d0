"""`tradelogs`: generate, resume, preview, verify, validate, gold, judge, indicators, offline-model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tradelogs.environment import prepare_environment
from tradelogs.exits import DONE, explain_errors
from tradelogs.gold_commands import gold
from tradelogs.interrupts import interruptible
from tradelogs.judge_commands import judge
from tradelogs.offline import open_endpoint


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="synthetic-trade-logs")
@click.pass_context
def main(context: click.Context) -> None:
    """Synthetic trades from a trader's own, judged, refined and with real indicators."""
    context.with_resource(interruptible())  # before a temporary folder is made, which a stop must not leave behind
    prepare_environment()


main.add_command(gold)
main.add_command(judge)


def profile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both generate and preview take."""
    options = [
        click.argument("profile", default="offline"),
        click.option("--num", type=click.IntRange(min=1), help="Accepted trades wanted; max_candidates grows with it."),
        click.option("--seed", type=click.IntRange(min=0), help="Repeats a run: same seed, same plan."),
        click.option("--gold", type=click.Path(path_type=Path), help="Folder that `tradelogs gold import` wrote."),
        click.option("--gold-trades", type=click.Path(path_type=Path), help="Your trades, CSV or Parquet."),
        click.option("--gold-bars", type=click.Path(path_type=Path), help="Minute bars of your trades' tickers."),
        click.option("--verbose", is_flag=True, help="Show Data Designer's own log."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


report_option = click.option(
    "--report/--no-report",
    default=True,
    envvar="TRADELOGS_REPORT",
    help="Verify what was made; on unless TRADELOGS_REPORT=0 is set.",
)


@main.command()
@profile_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run; by default runs/PROFILE-TIME.")
@click.option("--metrics-port", type=int, help="Port on 127.0.0.1 for Prometheus, such as 9464; none by default.")
@click.option("--estimate", is_flag=True, help="Say what the run would take, low and high, and send nothing.")
@click.option("--print-resolved-config", is_flag=True, help="Print the effective profile and start nothing.")
@report_option
@explain_errors
def generate(
    profile: str,
    out: Path | None,
    *,
    estimate: bool,
    print_resolved_config: bool,
    verbose: bool,
    report: bool,
    **overrides: Any,
) -> int:
    """Generate synthetic trades with PROFILE (a name in designer_configs/, or a YAML file).

    \b
    Example:
      tradelogs generate offline --num 300 --gold-trades my.csv --gold-bars my.parquet
    """
    from designer_configs.compile.profile import load_profile
    from refine_loop.run import name_run_folder, start_run
    from tradelogs.display import RunDisplay

    loaded = load_profile(profile, overrides)
    if print_resolved_config:
        click.echo(loaded.to_yaml(), nl=False)
        return DONE
    if estimate:
        from refine_loop.estimate import describe_estimate, estimate_run

        click.echo("\n".join(describe_estimate(estimate_run(loaded))))
        return DONE
    folder = out or name_run_folder(loaded, Path("runs"))
    with open_endpoint(loaded) as endpoint, RunDisplay(live=not verbose) as display:
        outcome = start_run(loaded, folder, endpoint, display.show_event, verbose=verbose)
    code = display.print_outcome(outcome)
    if report:
        report_outcome(outcome)
    return code


@main.command()
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option("--verbose", is_flag=True, help="Show Data Designer's own log.")
@report_option
@explain_errors
def resume(run_folder: Path, verbose: bool, report: bool) -> int:
    """Go on with a run that was stopped.

    \b
    Example:
      tradelogs resume runs/offline-20260102T030405Z
    """
    from refine_loop.run import load_run_profile, resume_run
    from tradelogs.display import RunDisplay

    profile = load_run_profile(run_folder)
    with open_endpoint(profile) as endpoint, RunDisplay(live=not verbose) as display:
        outcome = resume_run(profile, run_folder, endpoint, display.show_event, verbose=verbose)
    code = display.print_outcome(outcome)
    if report:
        report_outcome(outcome)
    return code


@main.command()
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes every draw.")
@explain_errors
def verify(run_folder: Path, seed: int) -> int:
    """Tell whether a run's trades are noise, copies or neither; writes report.html and metrics.json into its folder.

    \b
    Example:
      tradelogs verify runs/offline-20260102T030405Z
    """
    show_verdict(run_folder, seed)
    return DONE


@main.command()
@profile_options
@explain_errors
def preview(profile: str, num: int | None, verbose: bool, **overrides: Any) -> int:
    """Show a few candidates of PROFILE with their grounding seeds, scores and critique; writes nothing.

    \b
    Example:
      tradelogs preview offline --num 5
    """
    from designer_configs.compile.profile import load_profile
    from refine_loop.preview import preview_candidates
    from tradelogs.display import print_candidates

    loaded = load_profile(profile, overrides)
    with open_endpoint(loaded) as endpoint:
        candidates = preview_candidates(loaded, num or 5, endpoint, verbose=verbose)
    print_candidates(candidates)
    return DONE


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@explain_errors
def validate(files: tuple[Path, ...]) -> int:
    """Check every profile, control and column file, or just the profiles FILES.

    \b
    Example:
      tradelogs validate
      tradelogs validate my_profile.yaml
    """
    from designer_configs.compile.check import check_all, check_profile
    from designer_configs.compile.profile import PROJECT_ROOT
    from designer_configs.errors import ConfigError

    problems = [p for file in files for p in check_profile(file)] if files else check_all(PROJECT_ROOT)
    if problems:
        raise ConfigError(problems)
    click.echo("all profiles, controls and columns are valid" if not files else f"{len(files)} profiles are valid")
    return DONE


@main.command()
@click.argument("bars_file", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write, .parquet or .csv.")
@explain_errors
def indicators(bars_file: Path, out: Path) -> int:
    """Attach every indicator to every bar of BARS_FILE (ticker, timestamp, open, high, low, close, volume).

    \b
    Example:
      tradelogs indicators my_bars.parquet --out my_bars_with_indicators.parquet
    """
    from indicators.bars_file import attach_to_bars_file

    click.echo(attach_to_bars_file(bars_file, out))
    return DONE


@main.command("offline-model")
@click.option("--port", default=8377, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other answers.")
@click.option("--latency", default=0.0, show_default=True, help="Seconds added to every answer.")
@click.option("--fault-rate", default=0.28, show_default=True, help="Share of rows that are wrong somehow.")
@click.option("--malformed-rate", default=0.03, show_default=True, help="Share of answers that do not parse.")
@explain_errors
def offline_model(port: int, **options: Any) -> int:
    """Serve the offline model until stopped. It rehearses the pipeline; it is no language model.

    \b
    Example:
      tradelogs offline-model --latency 0.3
    """
    from offline_model.options import Options
    from offline_model.serving import serve

    serve(Options(**options), port=port)
    return DONE


def report_outcome(outcome: Any) -> None:
    """Verify what a run made, unless it was stopped by a person, who wants it to end; a run it failed on is kept.

    A report that is stopped takes nothing from the run, which has ended as it has.
    """
    from verification.errors import VerificationError

    if outcome.stopped_by == "interrupted":
        return
    try:
        show_verdict(outcome.folder)
    except VerificationError as exc:
        click.echo(f"no report: {exc}", err=True)
    except KeyboardInterrupt:
        made_by = f"tradelogs verify {outcome.folder}"
        click.echo(f"stopped; the report was skipped. The run is complete, its report is made by: {made_by}", err=True)


def show_verdict(run_folder: Path, seed: int = 0) -> None:
    """Verify a run and print a line per question."""
    from tradelogs.verdict_display import VerdictDisplay
    from verification.verify import verify_run

    with VerdictDisplay() as display:
        metrics = verify_run(run_folder, display.show_question, seed=seed)
    display.print_verdicts(metrics, run_folder)
