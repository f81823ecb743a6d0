"""Asks a profile's models, for the command and for Python: the same way, and into the same audit log."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tradelogs.environment import prepare_environment
from tradelogs.offline import open_endpoint

if TYPE_CHECKING:
    from refine_loop.replies import Reply

AUDIT_FOLDER = Path("runs/asked")


def name_audit_log(profile: str) -> Path:
    """Name the audit log of a profile, below the current folder."""
    return AUDIT_FOLDER / f"{profile}.jsonl"


def ask_profile(
    profile: str | Path,
    questions: Sequence[str],
    *,
    bars: str | Path | None = None,
    log: str | Path | None = None,
    verbose: bool = False,
) -> list["Reply"]:
    """Ask questions, all in one job, and append every reply to the audit log before it is given.

    Raises:
        RunInputError, ConfigError, GoldError, DatasetError: something given cannot be used; nothing was sent.
    """
    prepare_environment()
    from designer_configs.compile.profile import load_profile  # noqa: PLC0415 - a typing error answers at once
    from refine_loop.ask import ask_questions  # noqa: PLC0415
    from refine_loop.errors import RunInputError  # noqa: PLC0415
    from refine_loop.replies import append_audit  # noqa: PLC0415

    loaded = load_profile(profile, {"gold_bars": None if bars is None else Path(bars)})
    place = Path(log) if log is not None else name_audit_log(loaded.name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("a"):
            pass  # what cannot be written down is not asked
    except OSError as exc:
        raise RunInputError(f"{place}: the audit log cannot be written ({exc.strerror}): name another") from exc
    with open_endpoint(loaded) as endpoint:
        replies = ask_questions(loaded, questions, endpoint, verbose=verbose)
    append_audit(replies, loaded, place)
    with suppress(OSError):
        place.chmod(0o600)  # questions may be private
    return replies
