"""One request, read once: an immutable snapshot of its head, and what can be told from it."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from gateway.core.errors import RequestRejected
from gateway.core.http1.request import RequestHead
from gateway.core.model import RequestFacts
from gateway.core.paths import Target, read_target
from gateway.core.routing import normal_host
from gateway.web import language

Headers = tuple[tuple[bytes, bytes], ...]

_ONCE = frozenset({"/_gateway/callback", "/_gateway/arrive"})
"""Their query is a credential that works once."""

FORM_FIELDS = 20


class Snapshot:
    """A head with its one canonical reading: what policy, signature and wire all look at. Never changed once made."""

    __slots__ = ("head", "host", "peer", "port", "target")

    def __init__(self, head: RequestHead, target: Target, host: str, port: int | None, peer: str) -> None:
        self.head = head
        """As received; a trailer that arrives later cannot reach it."""
        self.target = target
        self.host = host
        """Lower case, without a port."""
        self.port = port
        self.peer = peer

    def __repr__(self) -> str:
        return f"Snapshot({self.head.method!r})"

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
