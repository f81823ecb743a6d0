"""`tradelogs preview`."""

from typing import Any

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.offline import open_endpoint
from tradelogs.options import profile_options

SECTION = "Make rows"


@click.command()
@profile_options
@explain_errors
def command(profile: str, num: int | None, verbose: bool, **overrides: Any) -> int:
    """Show a few candidates of PROFILE with their grounding seeds, scores and critique; writes nothing.

    \b
    Example:
      tradelogs preview offline --num 5
    """
    from designer_configs.compile.profile import load_profile
    from refine_loop.budget import FIRST_ROUND
    from refine_loop.errors import RunInputError
    from refine_loop.preview import Audience, preview_candidates
    from tradelogs.preview_display import PreviewProgress

    loaded = load_profile(profile, overrides)
    if (num or 0) > FIRST_ROUND:
        raise RunInputError(f"--num {num}: {FIRST_ROUND} candidates at most, for a preview is one round; use generate")
    with open_endpoint(loaded) as endpoint:
        progress = PreviewProgress(loaded, endpoint)
        try:
            audience = Audience(progress.observe, progress.show_answer, progress.show_candidate)
            preview_candidates(loaded, num or 5, endpoint, audience, verbose=verbose)
        except KeyboardInterrupt:
            progress.say_stopped()
            raise
    return DONE
