"""Steps 6 to 8 of a request: clean, add what the gateway says, sign it, and dress the answer. Both lanes call these."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from math import inf

from gateway.core.decision import Allow
from gateway.core.encodings import encode, render
from gateway.core.forwarded import client_address, forwarded
from gateway.core.headers import request_headers, response_headers
from gateway.core.household import record_ends
from gateway.core.http1.fields import CHUNKED, UNTIL_CLOSE, write_fields
from gateway.core.http1.request import RequestHead
from gateway.core.http1.response import ResponseHead
from gateway.core.model import Delivery, HouseholdStatus, Identity, Session
from gateway.core.paths import Target
from gateway.core.rewriting import Rewriting, wire_target
from gateway.core.rules import Route
from gateway.core.signing import Bound, RequestSigner, Statement, Subject, prepare
from gateway.trace_ports import Codes
from gateway.upstream_ports import UpstreamRequest
from gateway.web.bodies import Body
from gateway.web.services import Services
from gateway.web.snapshot import Snapshot
from gateway.web.texts import RECEIVED_LABELS

_ALWAYS_FRAMED = frozenset({"POST", "PUT", "PATCH"})
_NO_CONTENT = 204
_WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"


@dataclass(frozen=True, slots=True)
class Permit:
    """An allowed request as far as it depends on session and route alone: made once, good for many requests."""

    route: Route
    allow: Allow
    codes: Codes
    """Of its audit lines."""
    private: bool
    """The answer is about a person: no shared cache may keep it."""
    injected: tuple[tuple[str, bytes], ...] = field(repr=False)
    lines: bytes = field(repr=False)
    """The injected fields as they are written."""
    signer: RequestSigner | None = field(repr=False)
    rewriting: Rewriting = field(repr=False)
    until: float = inf
    """Unix seconds: what it injects is kept no longer, or the day is over by which schedules and ages are read."""


def permit(services: Services, route: Route, allow: Allow, session: Session | None) -> Permit:
    """Encode and prepare to sign. `ValueRefused` for a value that its header cannot carry."""
    injected = tuple((item.header, encode(render(item.value), route.encoding)) for item in allow.inject)
    identity = session.identity if session else None
    statement = Statement(
        issuer=services.settings.public_url,
        audience=route.audience,
        route=route.name,
        policy_version=route.policy.version,
        subject=_subject(services, session, identity) if route.policy.login else None,
        values=allow.inject,
        headers=injected,
    )
    about = (identity is not None and route.policy.login is not None) or (
        session is not None and session.household != ()
    )
    if session is None and allow.status is HouseholdStatus.UNAVAILABLE:
        about = True  # so much is said of this browser alone: a provider has just failed it
    return Permit(
        route=route,
        allow=allow,
        codes=_codes(route, allow, identity),
        private=about,
        injected=injected,
        lines=write_fields((name.encode("ascii"), value) for name, value in injected),
        signer=prepare(route.sign, statement, signer=services.signer, secret=route.secret),
        rewriting=Rewriting.of(route, services.settings.origin_of(route)),
        until=min(services.day_ends_at, _until(route, session)),
    )


def _codes(route: Route, allow: Allow, identity: Identity | None) -> Codes:
    return Codes(
        route=route.name,
        policy=route.policy.name,
        policy_version=route.policy.version,
        outcome="allow",
        reason=str(allow.reason),
        household_status=None if allow.status is None else str(allow.status),
        provider=identity.provider if identity else None,
    )


def _until(route: Route, session: Session | None) -> float:
    ends = (record_ends(record, route.policy.keeps_s) for record in (session.household if session else ()))
    return min((end for end in ends if end is not None), default=inf)


def _subject(services: Services, session: Session | None, identity: Identity | None) -> Subject | None:
    if session is None or identity is None:
        return None
    pseudonym = services.cookies.browser_digest(session.id)[:32]
    return Subject(identity.sub, str(identity.acr), identity.authenticated_at, pseudonym)


def delivery_due(services: Services, given: Permit, session: Session | None) -> Delivery | None:
    """The line of «Mes données» that this request adds, if it is the first of its kind in the session."""
    if session is None:
        return None
    facts = tuple(sorted({item.fact for item in given.allow.inject if item.fact in RECEIVED_LABELS}))
    service = given.route.policy.purpose
    if not facts or any((line.service, line.facts) == (service, facts) for line in session.deliveries):
        return None
    return Delivery(service, facts, services.now)


class Asked:
    """A request as far as the client may say it. Never changed once it is made."""

    __slots__ = ("authority", "lines", "method", "target", "upgrade")

    def __init__(self, method: str, target: Target, authority: bytes, lines: bytes, upgrade: bool = False) -> None:
        self.method = method
        self.target = target
        self.authority = authority
        """The Host as sent; its grammar was checked."""
        self.lines = lines
        """The client's own fields, cleaned, and where it comes from, as they are written upstream."""
        self.upgrade = upgrade

    def __repr__(self) -> str:
        return f"Asked({self.method!r})"


def asked(services: Services, snapshot: Snapshot) -> Asked:
    head = snapshot.head
    lines = client_lines(services, head, snapshot.peer)
    return Asked(head.method, snapshot.target, head.host, lines, upgrade=snapshot.upgrade)


def client_lines(services: Services, head: RequestHead, peer: str) -> bytes:
    """`RequestRejected` for what has two readings."""
    settings = services.settings
    fields = request_headers(head.fields, services.stripped, services.cookies.names)
    client = client_address(peer, head.forwarded_for, settings.trusted_proxies, trust_unix=settings.trust_unix)
    return write_fields(fields) + write_fields(forwarded(client, settings.scheme, head.host.decode("ascii")))


def upstream_request(services: Services, given: Permit, request: Asked, body: Body, reference: str) -> UpstreamRequest:
    """Identity is added last, after everything that the client could name or nominate is gone."""
    bound = bind(given, request.method, request.target, request.authority, body)
    head = _head(services, given, request, bound, body, reference)
    heads = {
        name: _head(services, given, request, bound.at(name.encode("ascii")), body, reference)
        for name in _further_names(given.route)
    }
    return UpstreamRequest(given.route, request.method, head, body.length, upgrade=request.upgrade, heads=heads)


def _head(services: Services, given: Permit, request: Asked, bound: Bound, body: Body, reference: str) -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b%b%b\r\n" % (
        request.method.encode("ascii"),
        bound.target,
        bound.authority,
        request.lines,
        _WEBSOCKET if request.upgrade else _framing(request.method, body.length),
        given.lines,
        write_fields(_signature(services, given, bound, reference)),
    )


def _further_names(route: Route) -> Set[str]:
    """Without `preserve_host`, who serves is chosen later, and each must find its own name in Host and signature."""
    if route.preserve_host or len(route.upstreams) == 1:
        return frozenset()
    return {each.authority for each in route.upstreams} - {route.upstreams[0].authority}


def bind(given: Permit, method: str, target: Target, authority: bytes, body: Body) -> Bound:
    """The request as it goes to the first upstream."""
    route = given.route
    if not route.preserve_host:
        authority = route.upstreams[0].authority.encode("ascii")
    return Bound(method, authority, wire_target(target.wire, route), body.mode, body.digest)


def said_lines(services: Services, given: Permit, bound: Bound, reference: str) -> bytes:
    """All that the gateway tells the application, as it is written."""
    return given.lines + write_fields(_signature(services, given, bound, reference))


def said(services: Services, given: Permit, bound: Bound, reference: str) -> list[tuple[bytes, bytes]]:
    """The same, field by field."""
    injected = [(name.encode("ascii"), value) for name, value in given.injected]
    return [*injected, *_signature(services, given, bound, reference)]


def _signature(services: Services, given: Permit, bound: Bound, reference: str) -> Sequence[tuple[bytes, bytes]]:
    if given.signer is None:
        return ()
    token = services.new_token()[:32]
    return given.signer.sign(bound, now=services.now, token_id=token, decision_id=reference)


def _framing(method: str, length: int) -> bytes:
    if length == CHUNKED:
        return b"Transfer-Encoding: chunked\r\n"
    if length or method in _ALWAYS_FRAMED:
        return b"Content-Length: %d\r\n" % length
    return b""


class Dressed:
    """An answer's fields as the client receives them, and what they were made from: the same gives the same."""

    __slots__ = ("lines", "private", "raw", "route")

    def __init__(self, route: Route, private: bool, raw: bytes, lines: bytes) -> None:
        self.route = route
        self.private = private
        self.raw = raw
        self.lines = lines

    def __repr__(self) -> str:
        return f"Dressed({self.route.name!r})"


def dressed(services: Services, given: Permit, head: ResponseHead, last: Dressed | None) -> Dressed:
    """`last` is what the same connection was given before."""
    if last and last.raw == head.raw and last.route is given.route and last.private is given.private:
        return last
    return Dressed(given.route, given.private, head.raw, write_fields(answer_fields(services, given, head)))


def answer_fields(services: Services, given: Permit, head: ResponseHead) -> list[tuple[bytes, bytes]]:
    """What the client receives of the upstream's head; its framing fields are as they were, and still true."""
    fields = response_headers(head.fields, services.cookies.names, private=given.private, rewriting=given.rewriting)
    if head.status == _NO_CONTENT:
        # RFC 9110 §8.6: it must not have one, and some clients would wait for so many bytes.
        return [(name, value) for name, value in fields if name.lower() != b"content-length"]
    return fields


def answer_length(head: ResponseHead) -> int:
    """An answer that ends with its connection upstream is chunked for the client: a cut must be seen as one."""
    return CHUNKED if head.length == UNTIL_CLOSE else head.length
