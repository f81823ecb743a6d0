"""A run goes on to more rows, or under other caps: the same law, the same folder, one ledger."""

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
from refine_loop.errors import RunInputError
from refine_loop.record.provenance import (
    DOCUMENT,
    PROFILE_FILE,
    PROVENANCE,
    REJUDGED,
    WENT_ON,
    find_changed,
    name_code,
    read_document,
    read_provenance,
    write_profile,
    write_provenance,
)
from refine_loop.rounds import Rounds

LIMITS = ("run.", "observe.")  # what a run may go on under; any other key would mix two laws in one ledger
FIXED = ("run.seed", "run.refine_passes")


def extend_run(profile: Profile, folder: Path, *, may_mix: bool = False) -> str | None:
    """Keep what a run goes on with: its profile is written anew, and every change is appended to its provenance.

    Changed are keys of the profile, by the command line or in the file, files that say what a row is, and code.
    Accepted rows that were thrown away because enough were accepted count again, in the order of the plan: they were
    paid for. What is kept is written so that a run which is cut here may be extended again.

    Args:
        profile: What the run shall go on with.
        folder: The run's.
        may_mix: Whether rows of another law may come into its ledger.

    Returns:
        What has changed, in one line; None where nothing has.

    Raises:
        RunInputError: a change would mix two laws, or less is asked for than before.
    """
    if (folder / REJUDGED).is_file():
        raise RunInputError(
            f"{folder} holds another run's rows, judged again: go on with that run, then judge it again"
        )
    provenance = read_provenance(folder)
    before = yaml.safe_load(read_document(provenance) or (folder / PROFILE_FILE).read_text(encoding="utf-8"))
    changed = dict(_compare(before, profile.document, ""))
    laws, code = find_changed(provenance, profile)
    if not (changed or laws or code):
        return None
    mixing = [key for key in changed if not key.startswith(LIMITS) or key in FIXED] + list(laws)
    if mixing and not may_mix:
        raise RunInputError(
            f"{folder} was begun with another {', '.join(mixing)}: rows of two laws in one ledger could not be told "
            "apart. Put it back as it was, or start another run; what may change on the way are the caps and counts of "
            "`run`. To mix them all the same: --mix-laws"
        )
    asked = before["run"]["accepted"]
    if profile.run.accepted < asked:
        raise RunInputError(
            f"{folder} asks for {asked:,} rows already: name more than that, not {profile.run.accepted:,}"
        )
    take_back_surplus(Rounds(folder / "rounds", profile.dataset), folder / "rounds", profile.run.accepted)
    write_profile(profile, folder)  # first: a run that is cut here finds the change again
    write_provenance(_note_changes(provenance, changed, laws | code, profile), folder)
    said = [*(f"{key}: {old} -> {new}" for key, (old, new) in changed.items()), *laws, *map(name_code, code)]
    return f"goes on with a change, which {PROVENANCE} keeps: {'; '.join(said)}"


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


def _note_changes(
    provenance: Mapping[str, Any],
    changed: Mapping[str, tuple[Any, Any]],
    files: Mapping[str, str],
    profile: Profile,
) -> dict[str, Any]:
    note = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command_line": mask_secrets(shlex.join(["tradelogs", *sys.argv[1:]])),
        "changed": {key: {"from": old, "to": new} for key, (old, new) in changed.items()},
        **({"sha256": dict(files)} if files else {}),
        **({DOCUMENT: profile.to_yaml()} if changed else {}),
    }
    return {**provenance, WENT_ON: [*provenance[WENT_ON], note]}
