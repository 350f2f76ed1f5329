"""One request run through the ASGI application (ASGI 3.0, HTTP message format 2.4)."""

import asyncio
from collections import deque
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Scope

from gateway.core.http1.fields import CHUNKED
from gateway.core.http1.request import RequestHead
from gateway.web.http import EXTENSION
from gateway.web.server.connection import ClientConnection
from gateway.web.server.responder import Responder
from gateway.web.services import Log

BODY_HIGH_BYTES = 65_536
"""Of a body that the application has not asked for yet; then the client waits."""

_INTERNAL_ERROR = b'{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal_error"}'


class ClientGone(OSError):
    """What `send` raises once nobody listens any more."""


class AsgiExchange:
    """A `Responder` that is one task: the application, with its `receive` and `send`."""

    def __init__(
        self,
        app: ASGIApp,
        head: RequestHead,
        connection: ClientConnection,
        tasks: "set[asyncio.Task[None]]",
        log: Log,
        earlier: Iterator[bytes],
    ) -> None:
        """`earlier`: of the body, what another responder has held."""
        self._app = app
        self.head = head
        self.connection = connection
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None
        self._log = log
        self._earlier = earlier
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._body_over = head.length == 0
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = False
        self._delivered = False
        self._started = False
        self._ended = False

    # -- Responder

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._tasks.add(self._task)
        self._task.add_done_callback(self._tasks.discard)

    def body(self, piece: bytes) -> None:
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes > BODY_HIGH_BYTES:
            self.connection.pause_body()
        self._changed.set()

    def body_ended(self) -> None:
        self._body_over = True
        self._changed.set()

    def pause(self) -> None:
        self._writable.clear()

    def resume(self) -> None:
        self._writable.set()

    def draining(self) -> None:
        """The application has the time of the drain to finish."""

    def gone(self) -> None:
        self._gone = True
        self._changed.set()
        self._writable.set()
        if self._started and self._task is not None:
            # Nothing is left to do but to send: an upstream that is silent for long would else be kept for nobody.
            self._task.cancel()

    def hand_over(self, responder: Responder) -> None:
        """Let another responder answer this request (WebSocket): the application sends nothing more."""
        if self._gone:
            raise ClientGone
        self._ended = True
        self.connection.hand_over(responder)

    # -- ASGI

    async def _run(self) -> None:
        try:
            await self._app(self._scope(), self._receive, self._send)
        except ClientGone:
            return
        except Exception:  # noqa: BLE001 - the last line of defence: an answer, a coded line, never a trace outside
            self._failed()
            self._log("failed", code="internal_error", status=500, exc_info=True)
            return
        finally:
            self._task = None  # or, once cancelled, both would wait for the collector
        if not self._ended and not self._gone:
            self.connection.cut()

    def _failed(self) -> None:
        if self._gone or self._ended:
            return
        if self._started:
            self.connection.cut()
            return
        fields = [(b"Content-Type", b"application/problem+json"), (b"Cache-Control", b"no-store")]
        fields += [(b"Content-Length", b"%d" % len(_INTERNAL_ERROR)), (b"Connection", b"close")]
        self.connection.start_answer(500, self.connection.own(fields), len(_INTERNAL_ERROR))
        self.connection.write(b"" if self.head.method == "HEAD" else _INTERNAL_ERROR)
        self.connection.end_answer()

    def _scope(self) -> Scope:
        head = self.head
        path, _, query = head.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1" if head.http11 else "1.0",
            "method": head.method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in head.fields],
            "client": (self.connection.peer, 0) if self.connection.peer else None,
            "server": None,
            "extensions": {EXTENSION: self},
        }

    async def _receive(self) -> Message:
        earlier = next(self._earlier, None)
        if earlier is not None and not self._gone:
            return {"type": "http.request", "body": earlier, "more_body": True}
        self.connection.want_body()
        while not self._waiting and not self._body_over and not self._gone:
            self._changed.clear()
            await self._changed.wait()
        while self._delivered and not self._gone and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if self._gone or self._ended:
            return {"type": "http.disconnect"}
        piece = self._waiting.popleft() if self._waiting else b""
        self._waiting_bytes -= len(piece)
        if self._waiting_bytes <= BODY_HIGH_BYTES // 2:
            self.connection.resume_body()
        self._delivered = self._body_over and not self._waiting
        return {"type": "http.request", "body": piece, "more_body": not self._delivered}

    async def _send(self, message: Message) -> None:
        await self._writable.wait()
        if self._gone:
            raise ClientGone
        if message["type"] == "http.response.start":
            self._start(message)
            return
        piece = message.get("body", b"")
        if piece and self.head.method != "HEAD":
            self.connection.write(piece)
        if not message.get("more_body", False):
            self._ended = True
            self._changed.set()
            self.connection.end_answer()

    def _start(self, message: Message) -> None:
        self._started = True
        fields = [(bytes(name), bytes(value)) for name, value in message["headers"]]
        if not any(name.lower() == b"date" for name, _ in fields):
            fields = self.connection.own(fields)
        declared = [value for name, value in fields if name.lower() == b"content-length"]
        self.connection.start_answer(message["status"], fields, int(declared[0]) if declared else CHUNKED)
