"""A few candidates to look at: planned, generated, checked and judged, and nothing kept."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from designer_configs.backend import LibraryBackend, log_library_to
from designer_configs.compile import compile_profile
from designer_configs.library_shim import spare_repeated_work
from designer_configs.profile import Profile
from gold_data.store import write_gold
from refine_loop.events import EventLog
from refine_loop.nodes import Nodes
from refine_loop.rounds import Rounds
from refine_loop.run import read_checked_gold
from refine_loop.state import START_STATE


def preview_candidates(profile: Profile, count: int, endpoint: str | None, *, verbose: bool) -> list[dict[str, Any]]:
    """Make first drafts and have them judged; each comes with its plan's columns.

    Raises:
        RunInputError, ConfigError, GoldError: something given cannot be used.
        BackendError: the models cannot be reached, or a job failed as a whole.
    """
    gold = read_checked_gold(profile)
    with tempfile.TemporaryDirectory(prefix="tradelogs-preview-") as temporary:
        folder = Path(temporary)
        stored = write_gold(gold, folder / "gold", profile.gold.holdout, profile.gold.embargo)
        compiled = compile_profile(profile, stored)
        with (
            log_library_to(folder / "data_designer.log", verbose=verbose),
            EventLog(folder / "events.jsonl", lambda _: None) as log,
            spare_repeated_work(),
        ):
            backend = LibraryBackend(profile, endpoint, folder / "artifacts")
            backend.check_models(compiled.whole)
            shortened = replace(profile, run=replace(profile.run, accepted=count, max_candidates=count))
            nodes = Nodes(shortened, compiled, backend, folder, log)
            nodes.generate(nodes.plan(START_STATE))
        rounds = Rounds(folder / "rounds")
        plan = rounds.read_plan(1)
        return [row | candidate for row, candidate in zip(plan, rounds.read_pass(1, 0), strict=True)]
