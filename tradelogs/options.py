"""Options that several commands take."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


class _FullPath(click.Path):
    """A path as the command line gives it, made whole: libraries take a relative `a:b` for an address."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Give the path in full; one that cannot be any is refused before anything is done."""
        if not os.fspath(value):
            self.fail("the path is empty: name a file or a folder", param, ctx)
        path = Path(value).absolute()
        try:
            path.exists()
        except OSError as exc:  # a name that is too long, a folder that may not be looked into
            self.fail(f"{path} cannot be used ({exc.strerror}): name another", param, ctx)
        return path


class _ProfileName(_FullPath):
    """A shipped profile's name, or the path of a file."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> str:  # type: ignore[override]
        """Give a name as it is, and a path in full."""
        name = os.fspath(value)
        return str(super().convert(name, param, ctx)) if name.endswith(".yaml") else name


profile_option = _ProfileName()
file_option = _FullPath(path_type=Path)
set_option = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the profile, such as models.judge.model=x; checked as the file is.",
)

market_option = click.option(
    "--market", "market", multiple=True, help="Where it is traded: XNYS extended, 24/7, or ES=CMES; repeatable."
)


def complete_profile(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Name the profiles that a shell may complete a word to."""
    from designer_configs.compile.profile import list_profiles  # noqa: PLC0415 - not at every start

    return [name for name in list_profiles() if name.startswith(begun)]


def profile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both generate and preview take."""
    options = [
        click.argument("profile", type=profile_option, default="offline", shell_complete=complete_profile),
        click.option("--num", type=click.IntRange(min=1), help="Accepted rows wanted; max_candidates grows with it."),
        click.option("--seed", type=click.IntRange(min=0), help="Repeats a run: same seed, same plan."),
        click.option("--gold", type=file_option, help="Folder that `tradelogs gold import` wrote."),
        click.option("--gold-rows", "--gold-trades", "gold_rows", type=file_option, help="Your rows, CSV or Parquet."),
        click.option("--gold-bars", type=file_option, help="Minute bars of your rows' tickers."),
        set_option,
        click.option(
            "--only",
            "onlys",
            multiple=True,
            metavar="controls.NAME=VALUE",
            help="Let a control draw this value alone, or [these, values].",
        ),
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
