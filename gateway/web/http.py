"""One request, read once: an immutable snapshot taken before any body byte, and what can be told from it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope

from gateway.core.errors import RequestRejected
from gateway.core.paths import Target, read_target
from gateway.core.routing import normal_host
from gateway.settings import Limits

Headers = tuple[tuple[bytes, bytes], ...]

FORM_BYTES = 8_192
FORM_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    method: str
    target: Target
    host: str
    """Lower case, without a port."""
    port: int | None
    headers: Headers = field(repr=False)
    """As received; a trailer that arrives later cannot reach them."""
    peer: str

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
    def is_navigation(self) -> bool:
        """Whether a person looks at the answer: a redirect or a page makes sense; else 401 and JSON."""
        mode = self.value(b"sec-fetch-mode")
        if mode and mode != b"navigate":
            return False
        if self.values(b"x-requested-with"):
            return False
        accept = b",".join(self.values(b"accept")).lower()
        if b"text/html" in accept:
            return self.method in {"GET", "HEAD", "POST"}
        # A script's `*/*` comes with Sec-Fetch-Mode; without it, it is an old browser or a person with curl.
        return self.method in {"GET", "HEAD"} and (not accept or b"*/*" in accept)


def take_snapshot(scope: Scope, limits: Limits) -> Snapshot:
    """Read the head of a request, or refuse it before anything else is looked at."""
    headers: Headers = tuple((bytes(name), bytes(value)) for name, value in scope["headers"])
    raw = bytes(scope["raw_path"])
    if scope["query_string"]:
        raw += b"?" + bytes(scope["query_string"])
    _check_sizes(headers, raw, limits)
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if len(hosts) != 1:
        raise RequestRejected("host_missing" if not hosts else "host_duplicate")
    host, port = normal_host(hosts[0])
    if any(name.lower() == b"upgrade" for name, _ in headers):
        raise RequestRejected("upgrade_refused", 501)
    peer = scope["client"][0] if scope.get("client") else ""
    return Snapshot(scope["method"], read_target(raw), host, port, headers, peer)


def _check_sizes(headers: Headers, raw: bytes, limits: Limits) -> None:
    if len(raw) > limits.target_bytes:
        raise RequestRejected("target_too_long", 414)
    if len(headers) > limits.header_fields:
        raise RequestRejected("headers_too_many", 431)
    if sum(len(name) + len(value) + 4 for name, value in headers) > limits.head_bytes:
        raise RequestRejected("headers_too_large", 431)


async def body_chunks(receive: Receive, max_bytes: int | None) -> AsyncIterator[bytes]:
    """The request body as it comes; more than `max_bytes` is 413."""
    seen = 0
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRejected("client_gone", 400)
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
