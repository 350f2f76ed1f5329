"""`/_gateway/auth`: nginx, Traefik, Caddy, HAProxy, Envoy or Apache keep the data plane and ask for the decision alone.

It is the gate's own decision on the original request, which only listed peers can name. What the application receives
leaves in the answer; a body is never seen here, so a signature says `unbound`.
"""

import re

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.headers import FRAMING, HOP_BY_HOP, fold
from gateway.core.http1.fields import CHUNKED, Malformed, write_fields
from gateway.core.http1.request import RequestHead, read_request
from gateway.core.paths import admit
from gateway.core.routing import SlashRedirect
from gateway.core.rules import Route
from gateway.core.signing import BodyMode
from gateway.web.audit import audit_allowed
from gateway.web.bodies import Body
from gateway.web.exchange import Exchange
from gateway.web.forward import Permit, bind, said
from gateway.web.http import Headers, Snapshot, snapshot_of
from gateway.web.judge import judge
from gateway.web.services import Services
from gateway.web.websocket import check_handshake

UNSEEN = Body(BodyMode.UNBOUND, None, CHUNKED)

_NAMES = {
    fold(name): name
    for name in ("X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Original-Method", "X-Original-URL")
}
_URL = re.compile(rb"https?://([^/?#]+)(/[^#]*)?")
_OF_THE_HOP = HOP_BY_HOP | FRAMING


async def authorise(services: Services, exchange: Exchange) -> Response:
    """200 with the headers; 401 with `Location`, or with `?redirect=1` a redirect; 403."""
    snapshot = exchange.snapshot
    original = snapshot_of(original_head(services, snapshot.headers, snapshot.peer), snapshot.peer)
    route = find_route(services, original)
    if isinstance(route, SlashRedirect):
        query = original.target.query
        return services.pages.redirect(route.to + (f"?{query.decode('ascii')}" if query else ""), 308)
    if original.values(b"sec-websocket-key"):
        check_handshake(services, original, route, exchange.session)
    began = services.clock()
    asked_for = Exchange(original, exchange.receive, exchange.session, exchange.browser, exchange.reference)
    given = await judge(services, asked_for, route)
    if isinstance(given, Response):
        return _turned_away(given, redirect=b"redirect=1" in (snapshot.target.query or b"").split(b"&"))
    audit_allowed(services, given, original.method, 200, exchange.reference, began)
    response = services.pages.empty()
    response.raw_headers.extend(
        (name.lower(), value) for name, value in answer(services, given, original, exchange.reference)
    )
    return response


def original_head(services: Services, headers: Headers, peer: str) -> RequestHead:
    """The original request, read as strictly as one of our own.

    `RequestRejected`: 403 `forward_auth_peer`; 400 `forward_auth_incomplete`, `forward_auth_repeated`,
    `forward_auth_disagrees`, or what is wrong with the request itself.
    """
    if not services.settings.trusts(peer):
        raise RequestRejected("forward_auth_peer", 403)
    method, host, uri = _named(headers)
    kept = [(name, value) for name, value in headers if not _is_of_the_hop(fold(name))]
    head = b"%b %b HTTP/1.1\r\nHost: %b\r\n%b" % (method, uri, host, write_fields(kept))
    try:
        return read_request(head.removesuffix(b"\r\n"))
    except Malformed as error:
        raise RequestRejected(error.code, error.status) from None


def _is_of_the_hop(folded: str) -> bool:
    return folded in _OF_THE_HOP or folded.startswith(("xforwarded", "xoriginal"))


def _named(headers: Headers) -> tuple[bytes, bytes, bytes]:
    """Method, host and target as the proxy says them, in one family of names or in both alike."""
    found: dict[str, bytes] = {}
    for name, value in headers:
        folded = fold(name)
        if folded in _NAMES:
            if folded in found:
                raise RequestRejected("forward_auth_repeated")
            found[folded] = value
    url = _URL.fullmatch(found.get("xoriginalurl", b""))
    if "xoriginalurl" in found and url is None:
        raise RequestRejected("forward_auth_incomplete")
    hosts = {found.get("xforwardedhost"), url[1] if url else None} - {None}
    targets = {found.get("xforwardeduri"), (url[2] or b"/") if url else None} - {None}
    methods = {found.get("xforwardedmethod"), found.get("xoriginalmethod")} - {None}
    return _only(methods), _only(hosts), _only(targets)


def _only(said_by_families: set[bytes | None]) -> bytes:
    if len(said_by_families) > 1:
        raise RequestRejected("forward_auth_disagrees")
    for value in said_by_families:
        if value:
            return value
    raise RequestRejected("forward_auth_incomplete")


def find_route(services: Services, original: Snapshot) -> Route | SlashRedirect:
    """The route of the original request; `RequestRejected` as at the gate."""
    if original.host not in services.routes.hosts or not services.settings.accepts_port(original.port):
        raise RequestRejected("host_unknown", 421)
    found = services.routes.find(original.host, original.target.path, original.method)
    if isinstance(found, Route):
        admit(original.target, found)
    return found


def answer(services: Services, given: Permit, original: Snapshot, reference: str) -> list[tuple[bytes, bytes]]:
    """The fields to copy to the application. The proxy sends its own spelling: one that is not ours is refused."""
    bound = bind(given, original.method, original.target, original.head.host, UNSEEN)
    if bound.target != original.head.target and not given.route.strip_prefix and not given.route.add_prefix:
        raise RequestRejected("target_not_canonical")
    return said(services, given, bound, reference)


def _turned_away(response: Response, *, redirect: bool) -> Response:
    """A proxy passes a 401 on and cannot follow; `redirect=1` is for those that can only pass a redirect on."""
    if "location" in response.headers:
        response.status_code = 302 if redirect else 401
    return response
