"""`tradelogs show`."""

import json
from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option

SECTION = "Look at what was made"
DISGUISED = "Rows and gold are as they are; prompts, answers and critiques stand as the models saw them: disguised."


@click.command()
@click.argument("run_folder", type=file_option)
@click.argument("row_id", required=False)
@click.option("--worst", metavar="CRITERION", help="List the candidates with the lowest scores, such as realism.")
@click.option("--reason", metavar="RULE", help="List the candidates that a rule or criterion criticised.")
@click.option("--num", type=click.IntRange(min=1), default=10, show_default=True, help="Candidates to list at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@explain_errors
def command(
    run_folder: Path, row_id: str | None, *, worst: str | None, reason: str | None, num: int, as_json: bool
) -> int:
    """Show a run, or one candidate of it from its draft to its end (ROW_ID, or the beginning of one).

    A candidate comes with its controls, the gold rows beside it, every version with scores and critique, the edits,
    what was sent for it, its prompts and answers where the profile says `trace: full`, and its bars as a chart.

    \b
    Examples:
      tradelogs show runs/offline-20260102T030405Z
      tradelogs show runs/offline-20260102T030405Z --worst realism
      tradelogs show runs/offline-20260102T030405Z --reason excursion_bounds
      tradelogs show runs/offline-20260102T030405Z 3fbc817f
    """
    from refine_loop.errors import RunInputError
    from refine_loop.record.candidate import read_story
    from refine_loop.record.ledger_views import count_critics, list_criticised, list_worst
    from refine_loop.record.runs import read_line
    from refine_loop.run import load_run_profile
    from tradelogs import show_display

    if (row_id is not None) + (worst is not None) + (reason is not None) > 1:
        raise RunInputError("name one of ROW_ID, --worst and --reason")
    if row_id is not None:
        story = read_story(run_folder, row_id)
        if as_json:
            click.echo(json.dumps(story.to_json(), default=str))
        else:
            profile = load_run_profile(run_folder)
            show_display.print_story(story, profile.dataset)
            if profile.gold.disguise:
                click.echo(DISGUISED)
        return DONE
    profile = load_run_profile(run_folder)
    if worst is not None or reason is not None:
        found = list_worst(run_folder, profile, worst) if worst is not None else list_criticised(run_folder, reason)
        if as_json:
            click.echo(json.dumps(found.head(num).to_dicts(), default=str))
        else:
            show_display.print_candidates(found, num, profile, run_folder)
        return DONE
    line, critics = read_line(run_folder), count_critics(run_folder)
    if as_json:
        click.echo(json.dumps(line.to_json() | {"criticised": critics}))
    else:
        show_display.print_run(line, critics)
    return DONE
