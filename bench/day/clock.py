"""One clock for everybody, which moves only when nobody has anything left to do."""

import asyncio
import heapq

STILL_S = 0.25
"""Of real time without a change: whoever still works then waits for somebody else's time to pass."""


class HandMovedClock:
    def __init__(self, start: float) -> None:
        self.now = start
        self._alive = 0
        self._changed = asyncio.Event()
        self._number = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._number += 1
        heapq.heappush(self._sleepers, (self.now + max(0.0, seconds), self._number, woken))
        self._changed.set()
        await woken

    @property
    def crowded(self) -> bool:
        return self._alive > 0

    def comes(self) -> None:
        """One more for whom time must wait."""
        self._alive += 1

    def leaves(self) -> None:
        self._alive -= 1
        self._changed.set()

    def works(self) -> None:
        """Something goes on."""
        self._changed.set()

    async def run(self, until: float) -> None:
        """Move on from one moment to the next, until then or until nobody is left."""
        while self._alive:
            await self._quiet()
            if not self._alive or not self._sleepers:
                return
            at = self._sleepers[0][0]
            if at > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, at)
            while self._sleepers and self._sleepers[0][0] <= self.now:
                woken = heapq.heappop(self._sleepers)[2]
                if not woken.done():
                    woken.set_result(None)

    async def _quiet(self) -> None:
        """Until each of those alive sleeps; or nothing has changed for a while of real time."""
        while len(self._sleepers) < self._alive:
            self._changed.clear()
            try:
                async with asyncio.timeout(STILL_S):
                    await self._changed.wait()
            except TimeoutError:
                if self._sleepers:
                    return
