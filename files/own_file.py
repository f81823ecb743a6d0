"""Opens files in whose places others may have put something: no link or pipe is written to, or waited for."""

import errno
import os
import stat
from pathlib import Path

NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR)
"""Of the error where something else is in the place of a file, which is said."""


def open_own(path: str | Path, flags: int) -> int:
    """Open a file to write to, or make it; whoever can write into its folder does not choose what is written to.

    Raises:
        OSError: it is a link, a pipe or a folder, which is said, or the system does not open it.
    """
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)  # a pipe's reader is not waited for
    except OSError as exc:
        if exc.errno == errno.ELOOP and Path(path).is_symlink():
            raise OSError(
                exc.errno,
                "it is a link, and nothing is written through links: put the file itself in its place",
                str(path),
            ) from exc
        if exc.errno == errno.ENXIO:
            raise _refuse_pipe(path) from exc
        if exc.errno == errno.EISDIR:
            raise OSError(exc.errno, "it is a folder, and no file: move it away", str(path)) from exc
        raise
    if stat.S_ISFIFO(os.fstat(file).st_mode):
        os.close(file)
        raise _refuse_pipe(path)
    return file


def open_at_once(path: str | Path, flags: int = os.O_RDONLY) -> int:
    """Open a file to read; in its place may be a pipe, for whose writer nobody waits."""
    return os.open(path, flags | os.O_NONBLOCK)


def _refuse_pipe(path: str | Path) -> OSError:
    return OSError(errno.ENXIO, "it is a pipe, and no file: take it away", str(path))
