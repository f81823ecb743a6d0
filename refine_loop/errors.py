"""What a person is told when a run cannot start or go on."""

import errno
import shutil
import sqlite3
from pathlib import Path

STORAGE_ERRORS = (OSError, sqlite3.Error)
"""What is raised where a run's folder does not take what the run must keep."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LITTLE_ROOM = 16 * 2**20  # bytes; with less a library may have failed for want of it without saying so


class RunError(Exception):
    """The run failed; the message says what to do."""


class RunInputError(RunError):
    """Something given to the run cannot be used; nothing was started."""


def explain_stop(error: BaseException, folder: Path) -> str:
    """Say what a run was stopped by; where that was its folder, also what to do about it."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped before the results were written"
    if isinstance(error, sqlite3.Error):
        return f"{folder / 'checkpoints.sqlite'} cannot be written: {error}. Is there room on the disk?"
    if isinstance(error, OSError):
        advice = ". Make room on the disk" if error.errno in NO_ROOM or error.errno is None else ""
        return f"{error.filename or folder} cannot be written: {error.strerror or error}{advice}"
    advice = ". Is there room on the disk?" if shutil.disk_usage(folder).free < LITTLE_ROOM else ""
    return f"{error}{advice}"
