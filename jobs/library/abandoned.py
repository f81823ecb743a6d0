"""Requests that were given up, and which a server that takes one at a time may still be at work on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Iterator
from typing import Any


class Abandoned:
    """Lets a request that took too long go on, for a model that is asked one at a time, until the next one is sent.

    A server that does not see that nobody waits any more would have the next request wait behind it, and that one would
    take too long in its turn.
    """

    def __init__(self, alone: Collection[str]) -> None:
        self._alone = frozenset(alone)
        self._left: dict[str, asyncio.Task[Any]] = {}

    async def await_end(self, model: str, seconds: float) -> None:
        """Wait until the model has done with what was given up, but no longer than another such request may take."""
        task = self._left.pop(model, None)
        if task is not None:
            await asyncio.wait({task}, timeout=seconds)
            task.cancel()

    async def run(self, model: str, asked: Awaitable[Any], seconds: float) -> Any:
        """Await what was asked.

        Raises:
            TimeoutError: It takes longer; one of a model that is asked one at a time goes on.
        """
        if model not in self._alone:
            async with asyncio.timeout(seconds):
                return await asked
        task = asyncio.ensure_future(asked)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.add_done_callback(_forget)
            self._left[model] = task
            raise TimeoutError
        return task.result()

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Cancel what is left when the context closes, from whatever thread."""
        try:
            yield
        finally:
            for task in self._left.values():
                with contextlib.suppress(RuntimeError):  # its loop has ended, and the task with it
                    task.get_loop().call_soon_threadsafe(task.cancel)


def _forget(task: asyncio.Task[Any]) -> None:
    """Take note of what came of a task that nobody awaits."""
    if not task.cancelled():
        task.exception()
