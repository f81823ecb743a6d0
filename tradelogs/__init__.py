"""The command line: thin, and the only place where errors become messages and exit codes.

`from tradelogs import ask` asks a profile's models from Python.
"""

from pathlib import Path
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from refine_loop.replies import Reply


@overload
def ask(
    profile: str | Path, question: str, *, bars: str | Path | None = None, log: str | Path | None = None
) -> "Reply": ...


@overload
def ask(
    profile: str | Path,
    question: list[str] | tuple[str, ...],
    *,
    bars: str | Path | None = None,
    log: str | Path | None = None,
) -> "list[Reply]": ...


def ask(
    profile: str | Path,
    question: str | list[str] | tuple[str, ...],
    *,
    bars: str | Path | None = None,
    log: str | Path | None = None,
) -> "Reply | list[Reply]":
    """Ask a question of a profile's models, or several in one job; gives its reply, or theirs in their order.

    Args:
        profile: Name in designer_configs/, or the path of a YAML file.
        question: One question, or several.
        bars: File of bars that questions are about, in the place of the profile's.
        log: Audit log; by default runs/asked/PROFILE.jsonl below the current folder.

    Raises:
        RunInputError, ConfigError, GoldError, DatasetError: something given cannot be used; nothing was sent.
    """
    from tradelogs.asking import ask_profile  # noqa: PLC0415 - the command line imports this package for its errors

    if isinstance(question, str):
        return ask_profile(profile, [question], bars=bars, log=log)[0]
    return ask_profile(profile, question, bars=bars, log=log)
