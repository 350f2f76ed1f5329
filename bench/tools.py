"""The upstream beside nginx: echoes heads, reads uploads to the end, echoes WebSocket frames, streams events.

    python -m bench.tools PORT

The last segment of the path says what is wanted: `check`, `upload`, `ws`, `events`; `count` is the number of
uploads read whole since the start.
"""

import asyncio
import base64
import hashlib
import json
import sys
from typing import cast

import uvloop

_BUFFER_BYTES = 1 << 18
_HEAD_BYTES = 1 << 16
_WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
EVENTS = 5
EVENT_EVERY_S = 0.2


_UNREAD = memoryview(bytearray(_BUFFER_BYTES))
"""Where bodies go, everybody's: nobody looks at them, and one buffer stays in the processor's cache."""


class _Counter:
    uploads = 0


class Tools(asyncio.BufferedProtocol):
    """One connection. Heads are small here and trusted: only systems under test connect."""

    def __init__(self) -> None:
        self._view = memoryview(bytearray(_HEAD_BYTES))
        self._head = b""
        self._left = 0
        self._upgraded = False
        self._streaming: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._streaming is not None:
            self._streaming.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:
        return _UNREAD if self._left else self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self._left:
            self._body(nbytes)
        elif self._upgraded:
            self._frames(bytes(self._view[:nbytes]))
        else:
            self._head += bytes(self._view[:nbytes])
            self._heads()

    def _heads(self) -> None:
        while not self._left and not self._upgraded and b"\r\n\r\n" in self._head:
            head, _, self._head = self._head.partition(b"\r\n\r\n")
            self._request(head)

    def _request(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        fields = [
            (name.decode("latin-1"), value.strip().decode("latin-1"))
            for name, _, value in (line.partition(b":") for line in lines[1:])
        ]
        known = {name.lower(): value for name, value in fields}
        target = lines[0].split(b" ")[1]
        wanted = target.partition(b"?")[0].rpartition(b"/")[2]
        if wanted == b"ws":
            self._upgrade(known)
        elif wanted == b"events":
            self._streaming = asyncio.ensure_future(self._events())
        elif wanted == b"upload":
            self._upload(known)
        elif wanted == b"count":
            self._answer(str(_Counter.uploads).encode())
        else:
            self._answer(json.dumps({"target": target.decode("latin-1"), "fields": fields}).encode())

    def _answer(self, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    # --- uploads

    def _upload(self, known: dict[str, str]) -> None:
        if "content-length" not in known:
            self._transport.write(b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self._transport.close()
            return
        if known.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._left = int(known["content-length"])
        begun, self._head = len(self._head), b""
        self._body(begun)

    def _body(self, nbytes: int) -> None:
        self._left -= nbytes
        if self._left < 0:
            raise RuntimeError("a body longer than announced")
        if not self._left:
            _Counter.uploads += 1
            self._answer(b"read")

    # --- WebSocket

    def _upgrade(self, known: dict[str, str]) -> None:
        accept = base64.b64encode(hashlib.sha1(known["sec-websocket-key"].encode() + _WS_GUID).digest())
        self._upgraded = True
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
        )

    def _frames(self, data: bytes) -> None:
        """Echo each small masked frame unmasked; the benchmark's frames carry fewer than 126 bytes."""
        self._head += data
        while len(self._head) >= 6 and len(self._head) >= (end := 6 + (self._head[1] & 127)):
            mask, masked = self._head[2:6], self._head[6:end]
            plain = bytes(byte ^ mask[index & 3] for index, byte in enumerate(masked))
            self._transport.write(bytes([self._head[0], len(plain)]) + plain)
            self._head = self._head[end:]

    # --- a stream

    async def _events(self) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(EVENTS):
            event = b"data: %d\n\n" % number
            self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))
            await asyncio.sleep(EVENT_EVERY_S)
        self._transport.write(b"0\r\n\r\n")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Tools, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
