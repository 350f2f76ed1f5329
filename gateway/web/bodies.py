"""A request body before it is forwarded: held up to a size, so that the signature covers it, or `unbound`."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import ClassVar

from gateway.core.errors import DependencyFailed, RequestRejected
from gateway.core.rules import Route
from gateway.core.signing import BodyMode

SPOOL_BYTES = 1_048_576
"""Held in memory: as much as a route holds unless it is told to hold more. What is longer waits in an unnamed file."""

MEMORY_BYTES = 67_108_864
"""Of all bodies that a process holds at once: what comes beyond waits in files, however many clients send it."""

PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Body:
    """What the signature says of a body, and how it is framed upstream."""

    mode: BodyMode
    digest: bytes | None
    """Raw SHA-256."""
    length: int
    """Bytes, or `CHUNKED` when nobody said how many."""


EMPTY = Body(BodyMode.EMPTY, None, 0)


class HeldBody:
    """Pieces of one body, kept until it is whole or too long to be."""

    in_memory: ClassVar[int] = 0
    """Bytes that all of them hold there."""

    def __init__(self, route: Route, declared: int) -> None:
        """`declared`: bytes as the client announced, or `CHUNKED`. `RequestRejected` 413 beyond the route's limit."""
        self._at_most = route.digest_max_bytes or 0
        self._limit = route.max_body_bytes
        self._declared = declared
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._in_memory = 0
        self._spool: SpooledTemporaryFile[bytes] | None = None
        self.unbound = route.digest_max_bytes is None or declared > self._at_most
        """True once the body will go out unsigned: declared or grown beyond what is held."""
        self._check(declared)

    def add(self, piece: bytes) -> None:
        """Hold one more piece; check `unbound` afterwards. `DependencyFailed` when there is no room for it on disk."""
        self._size += len(piece)
        self._check(self._size)
        if self._size > self._at_most:
            self.unbound = True
        self._sha256.update(piece)
        if self._spool is None and self._size <= SPOOL_BYTES and HeldBody.in_memory + len(piece) <= MEMORY_BYTES:
            self._pieces.append(piece)
            self._in_memory += len(piece)
            HeldBody.in_memory += len(piece)
            return
        try:
            self._to_disk(piece)
        except OSError:
            raise DependencyFailed("temporary-files", "body_not_held", 503) from None

    def _to_disk(self, piece: bytes) -> None:
        if self._spool is None:
            self._spool = SpooledTemporaryFile(max_size=0)  # noqa: SIM115 - `close` ends it
            self._spool.writelines(self._pieces)
            self._let_go()
        self._spool.write(piece)

    def count(self, piece: bytes) -> None:
        """A piece that is passed on at once: only the route's limit looks at it."""
        self._size += len(piece)
        self._check(self._size)

    def _check(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise RequestRejected("body_too_large", 413)

    def so_far(self) -> Body:
        """What is known now: all of it when the body has ended, or that it goes unbound."""
        if self.unbound:
            return Body(BodyMode.UNBOUND, None, self._declared)
        if not self._size:
            return EMPTY
        return Body(BodyMode.DIGEST, self._sha256.digest(), self._size)

    def pieces(self) -> Iterator[bytes]:
        """Everything held, once; whoever stops in the middle gives the rest back."""
        try:
            if self._spool is None:
                yield from self._pieces
                return
            self._spool.seek(0)
            while piece := self._spool.read(PIECE_BYTES):
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Nothing more is asked of it. What nobody needs any more is closed by itself."""
        self._let_go()
        if self._spool is not None:
            self._spool.close()

    def _let_go(self) -> None:
        HeldBody.in_memory -= self._in_memory
        self._in_memory, self._pieces = 0, []

    def __del__(self) -> None:
        self._let_go()


async def hold(chunks: AsyncIterator[bytes], route: Route, declared: int) -> tuple[Body, AsyncIterator[bytes] | None]:
    """Read up to what the route's signature covers; the body, and what to forward."""
    if declared == 0:
        return EMPTY, None
    held = HeldBody(route, declared)
    if not held.unbound:
        async for chunk in chunks:
            held.add(chunk)
            if held.unbound:
                break
    body = held.so_far()
    return body, None if body is EMPTY else _joined(held, chunks)


async def _joined(held: HeldBody, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for piece in held.pieces():
        yield piece
    async for chunk in rest:
        held.count(chunk)
        yield chunk
