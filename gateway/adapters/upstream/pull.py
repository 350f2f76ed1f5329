"""An answer for one who awaits it: the callbacks of `Answer` turned into a body to iterate, with back-pressure kept."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from gateway.core.errors import DependencyFailed
from gateway.core.http1.response import ResponseHead
from gateway.upstream_ports import Sending

QUEUED_BYTES = 262_144
"""Above this the upstream is not read; under half of it, it is again."""


class Pull:
    """`head` first, then `pieces`; both raise the `DependencyFailed` that came instead."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._queued = 0
        self._head: ResponseHead | None = None
        self._errors: list[BaseException] = []
        """Taken out to be raised: an error holds the frames it came through, one of them would hold it here, and all of
        the request would wait for the collector, its bodies too."""
        self._ended = self._paused = False
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._sending: Sending | None = None
        self._pump: asyncio.Task[None] | None = None

    def begin(self, sending: Sending, body: AsyncIterator[bytes] | None) -> None:
        self._sending = sending
        if body is not None:
            self._pump = asyncio.create_task(self._send(sending, body))

    async def head(self) -> ResponseHead:
        while self._head is None:
            if self._errors:
                raise self._errors.pop(0)
            await self._wait()
        return self._head

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            while True:
                if self._pieces:
                    yield self._next()
                elif self._errors:
                    raise self._errors.pop(0)
                elif self._ended:
                    return
                else:
                    await self._wait()
        finally:
            self.close()

    def close(self) -> None:
        """The awaiting one is done, with or without the rest."""
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
            self._pump = None
        if self._sending is not None:
            self._sending.abort()
        self._errors.clear()

    # Answer

    def started(self, head: ResponseHead) -> None:
        self._head = head
        self._news.set()

    def received(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._queued += len(piece)
        self._news.set()
        if self._queued > QUEUED_BYTES and not self._paused and self._sending is not None:
            self._paused = True
            self._sending.pause_answer()

    def ended(self) -> None:
        self._ended = True
        self._news.set()
        self._writable.set()

    def failed(self, error: DependencyFailed) -> None:
        self._errors.append(error)
        self._ended = True
        self._news.set()
        self._writable.set()

    def pause_body(self) -> None:
        self._writable.clear()

    def resume_body(self) -> None:
        self._writable.set()

    # Inside

    async def _send(self, sending: Sending, body: AsyncIterator[bytes]) -> None:
        try:
            async for piece in body:
                await self._writable.wait()
                if self._ended:
                    return
                sending.send(piece)
            sending.finish()
        except Exception as error:  # noqa: BLE001 - whatever the body's source raised is its reader's to know
            self._errors.append(error)
            self._ended = True
            self._news.set()
            sending.abort()

    def _next(self) -> bytes:
        piece = self._pieces.popleft()
        self._queued -= len(piece)
        if self._paused and self._queued <= QUEUED_BYTES // 2 and self._sending is not None:
            self._paused = False
            self._sending.resume_answer()
        return piece

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()
