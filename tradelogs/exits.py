"""How a command ends: its exit code, and what a person is told when it failed."""

import errno
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

DONE, FAILED, BAD_INPUT, ENDED_EARLY, WORSE = 0, 1, 2, 3, 4
DRIFTED = WORSE  # of `drift`
# What was named can be no file, or no folder, whatever the disk does.
NO_PATH = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP)
LOOP = "Symlink loop from"  # how pathlib begins to say that links lead to themselves
P = ParamSpec("P")


def explain_errors(command: Callable[P, int]) -> Callable[P, None]:
    """Turn a person's mistake into a message and exit 2, a failed run into a message and exit 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from columns.errors import DatasetError  # noqa: PLC0415
        from designer_configs.errors import ConfigError  # noqa: PLC0415
        from exports.errors import ExportError  # noqa: PLC0415
        from gold_data.errors import GoldError  # noqa: PLC0415
        from indicators.errors import IndicatorError  # noqa: PLC0415
        from jobs.errors import BackendError  # noqa: PLC0415
        from offline_model.errors import OfflineModelError  # noqa: PLC0415
        from refine_loop.errors import RunError, RunInputError  # noqa: PLC0415
        from verification.errors import VerificationError  # noqa: PLC0415

        try:
            code = command(*args, **kwargs)
        except (
            ConfigError,
            DatasetError,
            ExportError,
            GoldError,
            IndicatorError,
            OfflineModelError,
            RunInputError,
            VerificationError,
        ) as exc:
            click.echo(f"error: {exc}", err=True)
            code = BAD_INPUT
        except (BackendError, RunError) as exc:
            click.echo(f"error: {exc}", err=True)
            code = FAILED
        except OSError as exc:
            click.echo(f"error: {describe_os_error(exc)}", err=True)
            code = BAD_INPUT if exc.errno in NO_PATH else FAILED
        except RuntimeError as exc:
            if not str(exc).startswith(LOOP):
                raise
            click.echo(f"error: {exc}: name a file or folder", err=True)
            code = BAD_INPUT
        except KeyboardInterrupt:
            click.echo("stopped; nothing was written", err=True)
            code = FAILED
        sys.exit(code)

    return run


def describe_os_error(error: OSError) -> str:
    """Say where something failed, as far as that is known, and why."""
    from refine_loop.errors import NO_ROOM  # noqa: PLC0415

    where, why = error.filename, error.strerror or str(error) or type(error).__name__
    advice = ". Make room on the disk" if error.errno in NO_ROOM else ""
    return f"{why}{advice}" if where is None else f"{where}: {why}{advice}"
