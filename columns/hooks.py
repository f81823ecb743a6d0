"""Calls the functions of a dataset: what one raises is the row's failure, and several in a row end the job."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from columns.errors import HookError

SAME_FAILURES = 3  # in a row of one function and one kind, after which it is the function's fault and no row's

Stop = Callable[[HookError], None]


class _Watch:
    """Counts failures in a row over all threads, and tells whoever watches when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[str, type[BaseException]] | None = None
        self._count = 0
        self.stop: Stop | None = None

    def succeed(self, name: str) -> None:
        with self._lock:
            if self._last is not None and self._last[0] == name:
                self._last, self._count = None, 0

    def fail(self, name: str, error: Exception) -> HookError:
        kind = (name, type(error))
        with self._lock:
            self._count = self._count + 1 if kind == self._last else 1
            self._last = kind
            is_too_much = self._count >= SAME_FAILURES
        said = HookError(f"the dataset's function {name} raised {type(error).__name__}: {error}")
        if is_too_much and self.stop is not None:
            self.stop(HookError(f"{said}. {SAME_FAILURES} rows in a row: mend the function"))
        return said


_watch = _Watch()


@contextlib.contextmanager
def watch_hooks(stop: Stop) -> Iterator[None]:
    """Call `stop` when a function of a dataset fails time after time while the context is open."""
    before, _watch.stop = _watch.stop, stop
    try:
        yield
    finally:
        _watch.stop = before


def call_hook(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of a dataset.

    Raises:
        HookError: it raised something, which is named in it.
    """
    try:
        result = function(*arguments)
    except Exception as exc:  # whatever a person's own function raises
        raise _watch.fail(name, exc) from exc
    _watch.succeed(name)
    return result
