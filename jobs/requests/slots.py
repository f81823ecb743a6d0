"""How many requests a model may have at once, and which of those that wait goes next."""

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import AsyncIterator


class Slots:
    """As many requests to one model as it may have at once. Used on the library's loop thread alone.

    Of those that wait the one of the earliest column goes next: drafts before judgements. A job then ends with requests
    that nothing waits for, so that its last ones are sent together: in the order that rows become ready, the last
    drafts would run nearly alone, and their judgements after them. How far drafts run ahead is bounded by the rows that
    are at work at once (`backend.size_group`).
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    @contextlib.asynccontextmanager
    async def hold(self, place: int) -> AsyncIterator[None]:
        """Wait for a slot, and hold it while the context is open; `place` is that of the column in its stage."""
        await self._take(place)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, place: int) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (place, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot came in the same moment
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():  # not given up
                turn.set_result(None)
                return
        self._free += 1
