"""A run goes on to more rows, or under other caps: the same law, the same folder, one ledger."""

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from columns.checks.losses import NOT_NEEDED
from designer_configs.compile.profile import Profile
from files.secret_text import mask_secrets
from files.whole_file import write_text
from refine_loop.errors import RunInputError
from refine_loop.record.provenance import PROFILE_FILE
from refine_loop.rounds import Rounds

WENT_ON = "went_on"  # key of provenance.json: what a run went on with, in order
LIMITS = ("run.", "observe.")  # what a run may go on under; any other key would mix two laws in one ledger
REJUDGED = "rejudged.json"  # of a run whose rows are another's, judged again
FIXED = ("run.seed", "run.refine_passes")


def extend_run(profile: Profile, folder: Path) -> None:
    """Keep what a run goes on with: its profile is written anew, and the change is appended to its provenance.

    Accepted rows that were thrown away because enough were accepted count again, in the order of the plan: they were
    paid for. What is kept is written so that a run which is cut here may be extended again.

    Raises:
        RunInputError: a change would mix two laws, or less is asked for than before.
    """
    if (folder / REJUDGED).is_file():
        raise RunInputError(
            f"{folder} holds another run's rows, judged again: go on with that run, then judge it again"
        )
    before = yaml.safe_load((folder / PROFILE_FILE).read_text(encoding="utf-8"))
    changed = dict(_compare(before, profile.document, ""))
    if not changed:
        return
    if mixing := [key for key in changed if not key.startswith(LIMITS) or key in FIXED]:
        raise RunInputError(
            f"{folder} was begun with another {', '.join(mixing)}: rows of two laws in one ledger could not be told "
            "apart. Start another run; what may change on the way are the caps and counts of `run`"
        )
    asked = before["run"]["accepted"]
    if profile.run.accepted < asked:
        raise RunInputError(
            f"{folder} asks for {asked:,} rows already: name more than that, not {profile.run.accepted:,}"
        )
    take_back_surplus(Rounds(folder / "rounds", profile.dataset), folder / "rounds", profile.run.accepted)
    _note_extension(folder / "provenance.json", changed)
    write_text(profile.to_yaml(), folder / PROFILE_FILE)


def take_back_surplus(rounds: Rounds, folder: Path, wanted: int) -> int:
    """Accept settled rows that were rejected for nothing but that enough were accepted; gives the accepted rows."""
    accepted = 0
    for path in sorted(folder.glob("*/settled.parquet")):
        settled = pl.read_parquet(path, glob=False)
        surplus = (pl.col("status") == "rejected") & (pl.col("reason") == NOT_NEEDED)
        kept = settled.with_columns(((pl.col("status") == "accepted") | surplus).alias("_good"))
        fits = pl.col("_good") & (pl.col("_good").cum_sum() + accepted <= wanted)
        taken = surplus & fits
        changed = kept.with_columns(
            pl.when(taken).then(pl.lit("accepted")).otherwise("status").alias("status"),
            pl.when(taken).then(None).otherwise("reason").alias("reason"),
        ).drop("_good")
        if not changed.equals(settled):
            rounds.write_settled(int(path.parent.name), changed.to_dicts())
        accepted += changed.filter(pl.col("status") == "accepted").height
    return accepted


def _compare(before: Any, after: Any, path: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Give the leaves in which two documents differ, by their dotted paths."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _compare(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif before != after:
        yield path, (before, after)


def _note_extension(path: Path, changed: Mapping[str, tuple[Any, Any]]) -> None:
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))
        notes = provenance.setdefault(WENT_ON, [])
    except (OSError, ValueError, AttributeError) as exc:
        raise RunInputError(
            f"{path} cannot be read ({exc}): it is damaged, and says what the run was made from"
        ) from exc
    notes.append(
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "command_line": mask_secrets(shlex.join(["tradelogs", *sys.argv[1:]])),
            "changed": {key: {"from": old, "to": new} for key, (old, new) in changed.items()},
        }
    )
    write_text(json.dumps(provenance, indent=2) + "\n", path)
