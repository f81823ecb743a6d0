"""How many requests a model may have at once, and which of those that wait goes next."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

JUDGE = "judge"


class Slots:
    """As many requests to one model as it may have at once. Used on the library's loop thread alone.

    Drafts go before judgements. A job then ends with requests that nothing waits for, so that its last ones are sent
    together: in the order that rows become ready, the last drafts would run nearly alone, and their judgements after
    them. How far drafts run ahead is bounded by the rows that are at work at once (`backend.size_group`). What a model
    is sent in the place of another waits with the drafts, in the order it comes.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._drafts: deque[asyncio.Future[None]] = deque()
        self._judgements: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def hold(self, alias: str) -> AsyncIterator[None]:
        """Wait for a slot, and hold it while the context is open; `alias` is that which the model is asked by."""
        await self._take(self._judgements if alias == JUDGE else self._drafts)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, waiting: deque[asyncio.Future[None]]) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot came in the same moment
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._drafts or self._judgements:
            turn = (self._drafts or self._judgements).popleft()
            if not turn.done():  # not given up
                turn.set_result(None)
                return
        self._free += 1
