"""The one door of all that is shown: standard output and error, which may go away without ending a run."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from files.shown_text import clean_text

NAMES = ("stdout", "stderr")


class Outlet:
    """A text stream that is silent from the first line on that it cannot take: a closed pipe, a full disk.

    What is left in its buffers goes nowhere, so that nothing is raised at the end of the process either.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write a text, or nothing from now on."""
        if self.error is None:
            try:
                return self._stream.write(text)
            except OSError as exc:
                self._close(exc)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, or nothing from now on."""
        if self.error is None:
            try:
                self._stream.flush()
            except OSError as exc:
                self._close(exc)

    def _close(self, error: OSError) -> None:
        self.error = error
        with contextlib.suppress(OSError, ValueError):  # a stream of a test has no file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Door:
    """An outlet that every text is cleaned for; a console that cleans by itself, and has colours, writes past it."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet

    def write(self, text: str) -> int:
        """Write a text, its control characters as escapes and without secrets."""
        self.outlet.write(clean_text(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.outlet, name)


@contextlib.contextmanager
def open_outlets() -> Iterator[None]:
    """Let standard output and error go away while the context is open; the one that is left says that the other did."""
    for name in NAMES:
        if getattr(sys, name) is None:  # closed before the process began (`>&-`): no file of a run shall get its number
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - as long as the process
    before = {name: getattr(sys, name) for name in NAMES}
    outlets = {name: Outlet(stream) for name, stream in before.items()}
    for stream in before.values():
        if isinstance(stream, io.TextIOWrapper):  # a terminal that is not Unicode's is shown what it lacks as escapes
            stream.reconfigure(errors="backslashreplace")
    for name, outlet in outlets.items():
        setattr(sys, name, Door(outlet))
    try:
        yield
    finally:
        for outlet in outlets.values():
            outlet.flush()
        error = outlets["stdout"].error
        if error is not None and not isinstance(error, BrokenPipeError):  # who closes a pipe has seen enough
            outlets["stderr"].write(f"not all was shown: standard output does not take it ({error.strerror})\n")
            outlets["stderr"].flush()
        for name, stream in before.items():
            setattr(sys, name, stream)
