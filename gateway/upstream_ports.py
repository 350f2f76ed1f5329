"""What we ask of whoever carries requests to the applications: Protocols and their plain types. No I/O here."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.errors import DependencyFailed
from gateway.core.http1.response import ResponseHead
from gateway.core.rules import Route

_ALIKE: Mapping[str, bytes] = {}


class UpstreamRequest:
    """Exactly what goes on the wire. Never changed once it is made."""

    __slots__ = ("head", "heads", "length", "method", "route", "upgrade")

    def __init__(
        self,
        route: Route,
        method: str,
        head: bytes,
        length: int,
        upgrade: bool = False,
        heads: Mapping[str, bytes] = _ALIKE,
    ) -> None:
        self.route = route
        self.method = method
        self.head = head
        """The whole head, its blank line included; carries names and values: never logged, never shown."""
        self.length = length
        """Bytes of body that follow, as the head declares them; 0 is none; `fields.CHUNKED`."""
        self.upgrade = upgrade
        """A WebSocket handshake: 101 is an answer, and then both ends speak raw bytes."""
        self.heads = heads
        """By authority, for upstreams that are not told the same as the first."""

    def __repr__(self) -> str:
        return f"UpstreamRequest(route={self.route.name!r}, method={self.method!r})"


class Answer(Protocol):
    """Who receives one upstream answer, called on the event loop: `started`, `received`…, then `ended`.

    `failed` may come instead at any point and is the last call: `DependencyFailed("upstream", …)`.
    """

    def started(self, head: ResponseHead) -> None:
        """The final head (100 and 103 were dropped). After 101, `received` is raw bytes until `ended`."""
        ...

    def received(self, piece: bytes) -> None:
        """Body, without its chunked coding."""
        ...

    def ended(self) -> None: ...

    def failed(self, error: DependencyFailed) -> None: ...

    def pause_body(self) -> None:
        """The upstream takes no more for now: stop reading the client."""
        ...

    def resume_body(self) -> None: ...


class Sending(Protocol):
    """Our end of a request under way. Calls after the end of the answer do nothing."""

    def send(self, piece: bytes) -> None:
        """Body bytes, uncoded: the adapter writes the chunks of a chunked request. After 101: raw bytes."""
        ...

    def finish(self) -> None:
        """The body is whole. A request of `length` 0 is finished from the start."""
        ...

    def pause_answer(self) -> None:
        """The client takes no more for now: stop reading the upstream."""
        ...

    def resume_answer(self) -> None: ...

    def abort(self) -> None:
        """The client is gone: close the connection, call the answer no more."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    head: ResponseHead = field(repr=False)
    body: AsyncIterator[bytes] = field(repr=False)
    close: Callable[[], None] = field(repr=False)


class UpstreamClient(Protocol):
    """Forwards requests. Redirects are passed on, never followed; a connection that did anything odd is never reused.

    An idempotent request without a body is tried again, once, when a kept connection turns out to be dead; any request
    is, on another upstream of the route, when nothing of it was written.
    """

    async def open(self, routes: Iterable[Route]) -> None:
        """Serve these routes from now on: at the start, and again at each reload."""
        ...

    def start(self, request: UpstreamRequest, answer: Answer) -> Sending:
        """Begin at once: without waiting when a kept connection is free. Never raises: trouble is `answer.failed`."""
        ...

    async def forward(self, request: UpstreamRequest, body: AsyncIterator[bytes] | None) -> UpstreamResponse:
        """The same for one who awaits: returns as soon as the answer's head is there; raises `DependencyFailed`."""
        ...
