"""Whether this process should be sent requests: it is not ending, and the store takes a session."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.core.errors import DependencyFailed
from gateway.ports import Clock

FRESH_S = 1.0
"""A good answer is good for so long: anybody may ask, and each true answer is a write."""


class Readiness:
    def __init__(self, probe: Callable[[], Awaitable[None]], clock: Clock) -> None:
        """`probe` writes to the store as a login does; `DependencyFailed` when that cannot be."""
        self.draining = False
        """Set once, when the process has been told to end."""
        self._probe = probe
        self._clock = clock
        self._good_at = float("-inf")
        self._asking = asyncio.Lock()

    async def trouble(self) -> str:
        """A code, or nothing at all."""
        if self.draining:
            return "draining"
        async with self._asking:
            if 0 <= self._clock() - self._good_at < FRESH_S:
                return ""
            try:
                await self._probe()
            except DependencyFailed as error:
                return error.code
            self._good_at = self._clock()
            return ""
