"""The library's own log, kept beside the run: every key is masked, control characters are escapes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path

from files.own_file import open_own
from files.shown_text import clean_text


class _LogFile(logging.FileHandler):
    """A log that, on a full disk, loses lines without a word: the run says what is wrong, and stops."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=open_own)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Pass over a line that could not be written."""


class _CleanLines(logging.Formatter):
    """Lines, tracebacks included, that a terminal shows and does not obey, without a secret."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, and clean what it says."""
        return clean_text(super().format(record))


@contextmanager
def log_library_to(path: Path, *, verbose: bool) -> Iterator[None]:
    """Send the library's log to a file, and to the terminal too where it is wanted."""
    handlers: list[logging.Handler] = [_LogFile(path, encoding="utf-8")]
    if verbose:
        handlers.append(logging.StreamHandler())
    logger = logging.getLogger("data_designer")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in handlers:
        handler.setFormatter(_CleanLines("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            with suppress(OSError):  # of the last lines, on a full disk
                handler.close()
        logger.setLevel(level)
        logger.propagate = propagate
