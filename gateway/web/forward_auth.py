"""`/_gateway/auth`: nginx, Traefik, Caddy, HAProxy, Envoy or Apache keep the data plane and ask for the decision alone.

It is the gate's own decision on the original request, which only listed peers can name. What the application receives
leaves in the answer; a body is never seen here, so a signature says `unbound`.
"""

import re
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.forwarded import neighbour
from gateway.core.headers import FRAMING, HOP_BY_HOP, check_headers, fold, others_cookies
from gateway.core.http1.fields import CHUNKED, Malformed
from gateway.core.http1.request import RequestHead, read_named
from gateway.core.paths import admit, read_target
from gateway.core.remembered import Remembered
from gateway.core.routing import SlashRedirect, normal_host
from gateway.core.rules import Route
from gateway.core.signing import BodyMode, Bound
from gateway.web.audit import audit_allowed
from gateway.web.bodies import Body
from gateway.web.exchange import Exchange, own_url
from gateway.web.forward import Permit, bind, said
from gateway.web.judge import judge
from gateway.web.retention import let_go
from gateway.web.services import Services
from gateway.web.snapshot import Headers, Snapshot
from gateway.web.websocket import check_handshake

UNSEEN = Body(BodyMode.UNBOUND, None, CHUNKED)

_NAMES = {
    fold(name): name
    for name in (
        b"x-forwarded-method",
        b"x-forwarded-host",
        b"x-forwarded-uri",
        b"x-original-method",
        b"x-original-url",
    )
}
_AUTH = b"/_gateway/auth"
_URL = re.compile(rb"https?://([^/?#]+)(/[^#]*)?")

_FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding"})

_PASSES: Final = ""
_OF_THE_HOP: Final = "hop"


def _role(name: bytes) -> str:
    """What a field is here: the client's own, of the hop between proxy and gateway, or one of `_NAMES`."""
    folded = fold(name)
    if folded in _NAMES:
        if name.lower() != _NAMES[folded]:
            # `X_Forwarded_Uri`: the proxy writes the name as it is, so this one is the client's.
            raise RequestRejected("forward_auth_repeated")
        return folded
    if folded in FRAMING:
        # `Content_Length` is no framing of this hop: it would reach the application.
        return _OF_THE_HOP if name.lower() in _FRAMING else _PASSES
    return _OF_THE_HOP if folded in HOP_BY_HOP or folded.startswith(("xforwarded", "xoriginal")) else _PASSES


_ROLES = Remembered(_role)


async def authorise(services: Services, exchange: Exchange) -> Response:
    """200 with the headers, with `?cookie=1` Cookie too; 401 with `Location`, or with `?redirect=1` a redirect; 403."""
    asking = exchange.snapshot
    if not is_asked(asking.head.target):
        raise RequestRejected("own_page_unknown", 404)
    original = read_original(services, asking.head, asking.peer)
    redirect = _says(asking.head, b"redirect=1")
    route = find_route(services, original)
    if isinstance(route, SlashRedirect):
        query = original.target.query
        to = route.to + (f"?{query.decode('ascii')}" if query is not None else "")
        return _turned_away(exchange.pages.redirect(to, 308), redirect=redirect)
    session_id = services.cookies.session_id(asking.head.cookies) if route.policy.needs_session else None
    session = await services.sessions.load(session_id) if session_id else None
    session = session and await let_go(services, session)
    if original.upgrade:
        check_handshake(services, original, route, session)
    began = services.clock()
    given = await judge(services, replace(exchange, snapshot=original, session=session), route, with_body=False)
    if isinstance(given, Response):
        return _turned_away(given, redirect=redirect)
    fields = said(services, given, bound_to(given, original), exchange.reference)
    audit_allowed(services, given, original.method, 200, exchange.reference, began)
    response = exchange.pages.empty()
    response.raw_headers.extend((name.lower(), value) for name, value in fields)
    if cookie := cookie_asked_for(services, asking.head):
        response.raw_headers.append((b"cookie", cookie))
    return response


def is_asked(raw_target: bytes) -> bool:
    """Only this spelling: the proxies close it to the outside, and do not all read `/_gateway/%61uth;` as we would."""
    return raw_target.partition(b"?")[0] == _AUTH


def _says(asking: RequestHead, option: bytes) -> bool:
    return option in asking.target.partition(b"?")[2].split(b"&")


def cookie_asked_for(services: Services, asking: RequestHead) -> bytes:
    """`?cookie=1`: the client's Cookie without ours, for proxies that take none out by themselves; else empty."""
    if not asking.cookies or not _says(asking, b"cookie=1"):
        return b""
    return others_cookies(asking.cookies, services.cookies.names)


def read_original(services: Services, asking: RequestHead, peer: str) -> Snapshot:
    """The original request, read as strictly as one of our own.

    `RequestRejected`: 404 where it is switched off; 403 `forward_auth_peer`; 400 `forward_auth_incomplete`,
    `forward_auth_repeated`, `forward_auth_disagrees`, `target_not_canonical`, or what is wrong with the request itself.
    """
    if not services.settings.forward_auth:
        raise RequestRejected("own_page_unknown", 404)
    if not services.settings.trusts(peer):
        raise RequestRejected("forward_auth_peer", 403, neighbour=neighbour(peer))
    method, host, uri, kept = _named(asking.fields)
    if len(uri) > services.settings.limits.target_bytes:
        raise RequestRejected("target_too_long", 414)
    if not uri.startswith(b"/"):
        raise RequestRejected("target_form")
    # Most proxies take Upgrade away when they ask; the key stays.
    upgrade = b"websocket" if asking.upgrade or asking.names_websocket else b""
    try:
        head = read_named(method, uri, ((b"Host", host), *kept), upgrade)
    except Malformed as error:
        raise RequestRejected(error.code, error.status) from None
    name, port = normal_host(host)
    target = read_target(head.target)
    if target.wire != uri:
        # The proxy sends its own spelling, and what is signed must be what is sent.
        raise RequestRejected("target_not_canonical")
    # Nothing of it is forwarded from here: only what would be refused at the gate is looked for.
    check_headers(kept)
    return Snapshot(head, target, name, port, peer)


def _named(headers: Headers) -> tuple[bytes, bytes, bytes, Headers]:
    """Method, host and target as the proxy says them, and the client's own fields."""
    found: dict[str, bytes] = {}
    kept = []
    for field in headers:
        role = _ROLES[field[0]]
        if role is _PASSES:
            kept.append(field)
        elif role is not _OF_THE_HOP:
            if role in found:
                raise RequestRejected("forward_auth_repeated")
            found[role] = field[1]
    return *_agreed(found), tuple(kept)


_Family = tuple[bytes | None, bytes | None, bytes | None]

_NOTHING: _Family = (None, None, None)


def _agreed(found: dict[str, bytes]) -> tuple[bytes, bytes, bytes]:
    """One family of names must be whole; whatever is there of the other must say the same."""
    forwarded = (found.get("xforwardedmethod"), found.get("xforwardedhost"), found.get("xforwardeduri"))
    original = _original(found)
    whole, other = (forwarded, original) if all(forwarded) else (original, forwarded)
    method, host, uri = whole
    if not method or not host or not uri:
        raise RequestRejected("forward_auth_incomplete")
    if ("xoriginalurl" in found and original[1] is None) or (other != _NOTHING and _differ(other, whole)):
        raise RequestRejected("forward_auth_disagrees")
    return method, host, uri


def _original(found: dict[str, bytes]) -> _Family:
    url = _URL.fullmatch(found.get("xoriginalurl", b""))
    if url is None:
        return found.get("xoriginalmethod"), None, None
    return found.get("xoriginalmethod"), url[1], url[2] or b"/"


def _differ(said: _Family, whole: _Family) -> bool:
    return any(value not in {None, agreed} for value, agreed in zip(said, whole, strict=True))


def find_route(services: Services, original: Snapshot) -> Route | SlashRedirect:
    """The route of the original request; `RequestRejected` as at the gate."""
    if original.host not in services.routes.hosts or not services.settings.accepts_port(original.port):
        raise RequestRejected("host_unknown", 421)
    if original.target.is_own:
        # The proxy hands these to the gateway itself; no upstream may ever see them.
        raise RequestRejected("own_page_unknown", 404)
    found = services.routes.find(original.host, original.target.path, original.method)
    if isinstance(found, Route):
        admit(original.target, found)
    return found


def bound_to(given: Permit, original: Snapshot) -> Bound:
    """What the signature is good for: the original request, whose body is never seen here."""
    return bind(given, original.method, original.target, original.head.host, UNSEEN)


def _turned_away(response: Response, *, redirect: bool) -> Response:
    """A proxy passes a 401 on and cannot follow; `redirect=1` is for those that pass the whole answer on."""
    if "location" in response.headers:
        response.status_code = 302 if redirect else 401
    elif response.status_code == 401:
        response.headers["location"] = own_url("login")
    return response
