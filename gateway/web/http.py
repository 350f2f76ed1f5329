"""One request, read once: an immutable snapshot taken before any body byte, and what can be told from it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope

from gateway.core.errors import GatewayError, RequestRejected
from gateway.core.http1.fields import Malformed, write_fields
from gateway.core.http1.request import RequestHead, read_request
from gateway.core.model import RequestFacts
from gateway.core.paths import Target, read_target
from gateway.core.routing import normal_host
from gateway.settings import Limits
from gateway.web import language

Headers = tuple[tuple[bytes, bytes], ...]

EXTENSION = "gateway"
"""`scope["extensions"]["gateway"]`: our own server's exchange, with the `head` that it read."""

_ONCE = frozenset({"/_gateway/callback", "/_gateway/arrive"})
"""Their query is a credential that works once."""

FORM_BYTES = 8_192
FORM_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A head with its one canonical reading: what policy, signature and wire all look at."""

    head: RequestHead = field(repr=False)
    """As received; a trailer that arrives later cannot reach it."""
    target: Target
    host: str
    """Lower case, without a port."""
    port: int | None
    peer: str

    @property
    def method(self) -> str:
        return self.head.method

    @property
    def headers(self) -> Headers:
        return self.head.fields

    @property
    def upgrade(self) -> bool:
        """A WebSocket handshake."""
        return bool(self.head.upgrade)

    @property
    def facts(self) -> RequestFacts:
        return RequestFacts(self.method, self.host, self.target.path)

    def values(self, name: bytes) -> tuple[bytes, ...]:
        return tuple(value for key, value in self.headers if key.lower() == name)

    def value(self, name: bytes) -> bytes:
        """The only value, or nothing when it is absent or repeated."""
        found = self.values(name)
        return found[0] if len(found) == 1 else b""

    @property
    def query(self) -> Mapping[str, str]:
        """Parameters of our own pages; a repeated one is refused."""
        return read_form(self.target.query or b"")

    @property
    def language(self) -> str:
        """`fr` or `en`: what our own pages are written in for whoever asks."""
        own = language.chosen(self.target.query) if self.target.path.startswith("/_gateway/") else None
        return own or language.kept(self.values(b"cookie")) or language.preferred(self.value(b"accept-language"))

    @property
    def here(self) -> str:
        """The address to come back to, when a GET asked for it and nothing in it is secret; else nothing."""
        if self.method not in {"GET", "HEAD"} or self.target.path in _ONCE:
            return ""
        return self.target.wire.decode("ascii")

    @property
    def is_navigation(self) -> bool:
        """Whether a person looks at the answer: a redirect or a page makes sense; else 401 and JSON."""
        if self.upgrade or self.method not in {"GET", "HEAD", "POST"} or self.is_ahead_of_time:
            return False
        mode = self.value(b"sec-fetch-mode")
        if mode:
            # A browser says it itself, and no script can (Fetch metadata). A frame cannot show our pages either.
            return mode == b"navigate" and self.value(b"sec-fetch-dest") in {b"", b"document"}
        return self._looks_like_navigation()

    @property
    def is_ahead_of_time(self) -> bool:
        """Prefetched or prerendered: nobody has asked to see it yet, so it never begins a login."""
        said = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
        values = b",".join(value for name in said for value in self.values(name)).lower()
        return b"prefetch" in values or b"preview" in values

    def _looks_like_navigation(self) -> bool:
        """An old browser, or a person with curl. A script's requests look much alike: what betrays it counts."""
        if b"xmlhttprequest" in b",".join(self.values(b"x-requested-with")).lower():
            return False
        accept = b",".join(self.values(b"accept")).lower()
        if self.method == "POST":
            return b"text/html" in accept
        # Old browsers send Origin with a cross-origin script's GET and never when they navigate.
        if self.values(b"origin") or self.values(b"service-worker"):
            return False
        return b"text/html" in accept or accept in {b"", b"*/*"}


def snapshot_of(head: RequestHead, peer: str) -> Snapshot:
    """`RequestRejected` when there is no one reading."""
    host, port = normal_host(head.host)
    return Snapshot(head, read_target(head.target), host, port, peer)


def take_snapshot(scope: Scope, limits: Limits) -> Snapshot:
    """Read the head of a request, or refuse it before anything else is looked at."""
    own = scope.get("extensions", {}).get(EXTENSION)
    head = own.head if own is not None else _head_of(scope, limits)
    peer = scope["client"][0] if scope.get("client") else ""
    return snapshot_of(head, peer)


def _head_of(scope: Scope, limits: Limits) -> RequestHead:
    """Under somebody else's server: write what it understood as a head again, and read that as strictly as our own."""
    raw = bytes(scope["raw_path"]) + (b"?" + bytes(scope["query_string"]) if scope["query_string"] else b"")
    fields = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    if len(raw) > limits.target_bytes:
        raise RequestRejected("target_too_long", 414)
    if len(fields) > limits.header_fields:
        raise RequestRejected("headers_too_many", 431)
    line = f"{scope['method']} ".encode("latin-1") + raw + f" HTTP/{scope['http_version']}\r\n".encode("latin-1")
    head = line + write_fields(fields)
    if len(head) > limits.head_bytes:
        raise RequestRejected("headers_too_large", 431)
    try:
        return read_request(head.removesuffix(b"\r\n"))
    except Malformed as error:
        raise RequestRejected(error.code, error.status) from None


class ClientLeft(GatewayError):
    """Nobody waits for an answer any more. Whoever ended the connection has said why, if there was anything to say."""

    status = 499

    def __init__(self) -> None:
        super().__init__("client_gone")


async def body_chunks(receive: Receive, max_bytes: int | None) -> AsyncIterator[bytes]:
    """The request body as it comes; more than `max_bytes` is 413."""
    seen = 0
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        seen += len(chunk)
        if max_bytes is not None and seen > max_bytes:
            raise RequestRejected("body_too_large", 413)
        if chunk:
            yield chunk


async def posted_form(snapshot: Snapshot, receive: Receive) -> Mapping[str, str]:
    """The fields of one of our own forms: urlencoded, small, none repeated."""
    if snapshot.value(b"content-type").split(b";")[0].strip().lower() != b"application/x-www-form-urlencoded":
        raise RequestRejected("form_content_type", 415)
    body = b"".join([chunk async for chunk in body_chunks(receive, FORM_BYTES)])
    return read_form(body)


def read_form(raw: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS, separator="&"
        )
    except ValueError:
        raise RequestRejected("form_malformed") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise RequestRejected("form_field_repeated")
    return fields
