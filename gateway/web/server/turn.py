"""Requests that came in one turn of the event loop leave together, when everything that came has been read.

All are signed, then all are sent (docs/decisions/0015): the processor's caches hold one thing at a time, and the
upstream, woken by the first, finds the others behind it instead of falling asleep between each two.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol


class Departing(Protocol):
    def prepare(self) -> None:
        """All that can be done before anything is sent."""
        ...

    def depart(self) -> None: ...

    def strand(self) -> None:
        """It failed, unforeseen: whoever waits for it must know."""
        ...


class Turn:
    """Made once an event loop."""

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        """`soon`: the loop's `call_soon`."""
        self._soon = soon
        self._called = False
        self._waiting: deque[Departing] = deque()
        self._ready: deque[Departing] = deque()

    def add(self, each: Departing) -> None:
        self._waiting.append(each)
        self._call()

    def _call(self) -> None:
        if not self._called:
            self._called = True
            self._soon(self._leave)

    def _leave(self) -> None:
        """One that fails keeps nobody else from leaving."""
        self._called = False
        waiting, ready = self._waiting, self._ready
        try:
            while waiting:
                each = waiting.popleft()
                each.prepare()
                ready.append(each)
            while ready:
                each = ready.popleft()
                each.depart()
        except BaseException:
            # The loop only tells of it.
            each.strand()
            raise
        finally:
            if waiting or ready:
                self._call()
