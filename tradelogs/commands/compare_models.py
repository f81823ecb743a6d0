"""`tradelogs compare-models`."""

import json
from pathlib import Path
from typing import Any

import click

from tradelogs.exits import DONE, FAILED, explain_errors
from tradelogs.options import file_option, profile_options

SECTION = "Judge and compare"


@click.command()
@profile_options
@click.option("--roles", multiple=True, required=True, metavar="ROLE=A,B,C", help="Models to try in a role.")
@click.option("--price", "prices", multiple=True, metavar="MODEL=IN,OUT", help="Prices of a million tokens.")
@click.option("--out", type=file_option, help="Folder of the runs; by default runs/models-TIME.")
@explain_errors
def command(
    profile: str,
    *,
    num: int | None,
    roles: tuple[str, ...],
    prices: tuple[str, ...],
    out: Path | None,
    verbose: bool,
    **overrides: Any,
) -> int:
    """Try models on the same planned rows of PROFILE, and lay out what each came to.

    Read, passed and accepted rows, tokens, money and seconds per accepted row, with intervals. Every model's run is
    kept with its prompts and answers (`tradelogs show`). Several --roles: every combination.

    \b
    Examples:
      tradelogs compare-models nim_dev --roles generator=nvidia/a,nvidia/b --num 20
      tradelogs compare-models my.yaml --roles judge=a,b --price a=0.1,0.4 --price b=1,4 --num 50
    """
    from refine_loop.errors import RunInputError
    from refine_loop.trials import MOST_ROWS, plan_trials
    from tradelogs.models_display import print_models, run_trials
    from verification.compare.models import compare_models

    num = num or 20
    if num > MOST_ROWS:
        raise RunInputError(f"--num {num}: {MOST_ROWS} rows at most, so that all models have the same ones")
    trials = plan_trials(profile, roles, prices, num, overrides)
    done, failed = run_trials(trials, out, verbose=verbose)
    if not done:
        return FAILED
    rows = compare_models(done)
    place = next(iter(done.values())).parent
    (place / "models.json").write_text(json.dumps([row.to_json() for row in rows], indent=1) + "\n", encoding="utf-8")
    print_models(rows, place)
    return FAILED if failed else DONE
