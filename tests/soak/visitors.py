"""Hundreds of connections of several people at once; each answer is checked to the byte."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from time import monotonic

from tests.soak.ledger import Ledger, Person
from tests.soak.upstream import PIECE, line, repeated

PATIENCE_S = 30.0

GoOn = Callable[[], bool]


@dataclass(frozen=True)
class Wish:
    """One request, and what its answer must be."""

    number: str
    path: bytes
    size: int
    body: bytes = b""
    chunked_body: bool = False
    chunked_answer: bool = False

    def head(self, authority: bytes, person: Person) -> bytes:
        query = b"?id=%b&size=%d&chunked=%d" % (self.number.encode(), self.size, self.chunked_answer)
        method = b"POST" if self.body else b"GET"
        fields = b"Host: " + authority + b"\r\nSec-Fetch-Mode: cors\r\n" + person.cookie
        if self.chunked_body:
            fields += b"Transfer-Encoding: chunked\r\n"
        elif self.body:
            fields += b"Content-Length: %d\r\n" % len(self.body)
        return method + b" " + self.path + query + b" HTTP/1.1\r\n" + fields + b"\r\n"

    def sent_body(self) -> bytes:
        if not self.chunked_body:
            return self.body
        pieces = [self.body[at : at + 5_000] for at in range(0, len(self.body), 5_000)]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    def expected(self, person: Person) -> bytes:
        name = person.name if self.path == b"/soak/" else "nobody"
        digest = f" {hashlib.sha256(self.body).hexdigest()}" if self.body else ""
        return repeated(line(name, self.number + digest), self.size)


def a_wish(random: Random, number: str, person: Person) -> Wish:
    """Mostly small things, as visitors ask them."""
    path = b"/soak/" if person.cookie and random.random() < 0.9 else b"/open/"
    kind = random.random()
    chunked = random.random() < 0.3
    if kind < 0.70:
        return Wish(number, path, random.randint(1, 400), chunked_answer=chunked)
    if kind < 0.80:
        return Wish(number, path, random.randint(50_000, 300_000), chunked_answer=chunked)
    body = random.randbytes(random.choice([10, 3_000, 60_000]) if kind < 0.98 else 1_300_000)
    return Wish(number, path, random.randint(80, 400), body, chunked_body=random.random() < 0.5)


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=PIECE * 2)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader, pace_s: float = 0.0) -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection is kept; `pace_s` is waited before each piece."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status, keep = int(head[9:12]), b"\r\nconnection: close" not in head
    if b"\r\ntransfer-encoding: chunked" in head:
        return status, await _chunks(reader, pace_s), keep
    left = int(head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
    pieces = []
    while left:
        await asyncio.sleep(pace_s)
        piece = await reader.readexactly(min(left, PIECE))
        pieces.append(piece)
        left -= len(piece)
    return status, b"".join(pieces), keep


async def _chunks(reader: asyncio.StreamReader, pace_s: float) -> bytes:
    pieces = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await asyncio.sleep(pace_s)
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(pieces)


@dataclass
class Visitors:
    port: int
    authority: bytes
    ledger: Ledger
    go_on: GoOn

    async def visit(self, person: Person, seed: int) -> None:
        """One connection after another, many requests on each."""
        random = Random(seed)
        number = 0
        while self.go_on():
            began = monotonic()
            try:
                async with connection(self.port) as (reader, writer):
                    keep = True
                    while keep and self.go_on():
                        number += 1
                        began = monotonic()
                        wish = a_wish(random, f"{seed}-{number}", person)
                        keep = await self.ask(reader, writer, wish, person)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.ledger.cut(person, began, f"{type(error).__name__} for {person.name} {seed}-{number}")
                await asyncio.sleep(0.05)

    async def ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        wish: Wish,
        person: Person,
        *,
        pace_s: float = 0.0,
    ) -> bool:
        """Ask, check, and say whether the connection can be used again."""
        began, expected = monotonic(), wish.expected(person)
        writer.write(wish.head(self.authority, person) + wish.sent_body())
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, body, keep = await read_answer(reader, pace_s)
        except TimeoutError:
            self.ledger.say(f"no answer for {person.name} {wish.number}")
            return False
        if status != 200:
            self.ledger.refused(status, person, began, f"{person.name} {wish.number}")
            await asyncio.sleep(0.02)
        elif body != expected:
            self.ledger.say(f"{person.name} asked {wish.number} and got {body[:120]!r}, not {expected[:120]!r}")
        else:
            self.ledger.right("right")
        return keep
