"""A browser as small as it can be: kept connections, cookies by origin, forms without their pages."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

from bench.day.clock import HandMovedClock

_FIELD = re.compile(r'name="(\w+)" value="([^"]*)"')


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return urljoin(self.url, self.headers.get("location", ""))

    def fields(self) -> dict[str, str]:
        """Of the first form that has any: name and value as they are written."""
        return dict(_FIELD.findall(self.text))


class Wire:
    """Connections that everybody shares."""

    def __init__(self, clock: HandMovedClock) -> None:
        self._clock = clock
        self._idle: dict[tuple[str, int], list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}
        self.requests = 0

    async def send(self, url: str, head: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        parts = urlsplit(url)
        where = ("127.0.0.1", parts.port or 80)
        request, idle = head.encode("ascii") + body, self._idle.setdefault(where, [])
        while True:
            kept = idle.pop() if idle else None
            reader, writer = connection = kept or await asyncio.open_connection(*where, limit=1 << 20)
            writer.write(request)
            try:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                # A kept connection that the server has let go of in the meantime.
                writer.close()
                if kept is None:
                    raise
        lines = raw.split("\r\n")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:-2])]
        content = await _body(reader, dict(headers))
        self.requests += 1
        self._clock.works()
        if ("connection", "close") in headers:
            writer.close()
        else:
            idle.append(connection)
        return int(lines[0].split()[1]), headers, content

    def close(self) -> None:
        for idle in self._idle.values():
            for _, writer in idle:
                writer.close()


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body


@dataclass
class Browser:
    wire: Wire
    proxied: str
    """Host and port of what lies behind the proxy, which adds our address."""
    address: str
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    async def get(self, url: str) -> Answer:
        return await self._send("GET", url, b"")

    async def post(self, url: str, form: Mapping[str, str]) -> Answer:
        return await self._send("POST", url, urlencode(form).encode("ascii"))

    async def _send(self, method: str, url: str, body: bytes) -> Answer:
        parts = urlsplit(url)
        jar = self.cookies.setdefault(parts.netloc, {})
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n"
        )
        if parts.netloc == self.proxied:
            head += f"X-Forwarded-For: {self.address}\r\n"
        if jar:
            head += "Cookie: " + "; ".join(f"{name}={value}" for name, value in jar.items()) + "\r\n"
        if method == "POST":
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        status, headers, content = await self.wire.send(url, head + "\r\n", body)
        for name, value in headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                jar[key] = rest.partition(";")[0]
        return Answer(url, status, dict(headers), content.decode("utf-8", "replace"))
