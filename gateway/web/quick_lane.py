"""The common case without ASGI: a request whose session is open and whose decision is `Allow`, relayed at once.

It calls the same functions as the gate, in the same order, and keeps what they gave for less than a second
(`open_sessions`). Whatever it does not recognise, and whatever is not allowed, falls through to the application.
"""

from gateway.core.decision import Allow
from gateway.core.errors import GatewayError
from gateway.core.http1.request import RequestHead
from gateway.core.model import NormalPath, RequestFacts, Standing
from gateway.core.paths import Target, admit, read_target
from gateway.core.policy import decide
from gateway.core.routing import USUAL_METHODS, normal_host
from gateway.core.rules import Route
from gateway.web.enquiry import owed
from gateway.web.exchange import facts_of
from gateway.web.forward import Asked, Permit, client_lines, delivery_due, permit
from gateway.web.forward_auth import find_route, is_asked, read_original
from gateway.web.open_sessions import OpenSession
from gateway.web.relay import Application, Relay
from gateway.web.retention import has_ended
from gateway.web.server.connection import ClientConnection
from gateway.web.server.responder import Responder
from gateway.web.services import Services
from gateway.web.spoken import Spoken

PERMITS = 64
"""Kept of one session: a policy that tests the path makes one for each."""


class _Kept:
    """What one block of field lines says to this lane; it is worked out again as soon as a byte of it differs."""

    __slots__ = ("block", "cookie", "host", "lane", "lines", "port_accepted")

    def __init__(self, lane: "QuickLane", head: RequestHead, peer: str) -> None:
        services = lane.services
        self.lane = lane
        self.block = head.block
        self.host, port = normal_host(head.host)
        self.port_accepted = services.settings.accepts_port(port)
        self.cookie = services.cookies.session_cookie(head.cookies)
        self.lines = client_lines(services, head, peer)


class _Kind:
    """What this lane needs to know of a route."""

    __slots__ = ("key", "needs_session", "varies_by")

    def __init__(self, number: int, route: Route) -> None:
        self.key = str(number)
        self.varies_by = route.policy.varies_by
        self.needs_session = route.policy.needs_session


class QuickLane:
    def __init__(self, services: Services, application: Application) -> None:
        self.services = services
        self.application = application
        # By identity: two routes of one path, for different methods, may bear one name.
        self._kinds = {id(route): _Kind(number, route) for number, route in enumerate(services.settings.routes)}
        self._anonymous: dict[str, Permit] = {}
        self._anonymous_at = 0.0

    def take(self, head: RequestHead, connection: ClientConnection) -> Responder | None:
        """A responder that will answer, or None: then nothing was done, and the application decides."""
        if head.upgrade:
            return None
        try:
            target = read_target(head.target)
            if target.is_own:
                return self._authorise(head, connection) if is_asked(head.target) else None
            return self._take(head, target, connection)
        except GatewayError:
            return None

    def _take(self, head: RequestHead, target: Target, connection: ClientConnection) -> Responder | None:
        services = self.services
        if head.method == "POST" and services.cookies.forms.any(head.cookies):
            # It may be the word to send a form that waited for a login.
            return None
        kept = connection.kept
        if not isinstance(kept, _Kept) or kept.block is not head.block or kept.lane is not self:
            kept = connection.kept = _Kept(self, head, connection.peer)
        route = services.routes.find(kept.host, target.path, head.method)
        if not kept.port_accepted or not isinstance(route, Route):
            return None
        admit(target, route)
        session_id, given = self._permit(route, kept.cookie, head.method, kept.host, target.path)
        if given is None:
            return None
        request = Asked(head.method, target, head.host, kept.lines)
        return Relay(services, connection, given, head, request, services.new_reference(), session_id, self)

    def renewed(
        self, given: Permit, head: RequestHead, connection: ClientConnection, path: NormalPath
    ) -> Permit | None:
        """The permit that the request would be given now that its body has come; None as in `take`."""
        kept = connection.kept
        if not isinstance(kept, _Kept) or kept.block is not head.block:
            return None
        try:
            return self._permit(given.route, kept.cookie, head.method, kept.host, path)[1]
        except GatewayError:
            return None

    def _authorise(self, head: RequestHead, connection: ClientConnection) -> Responder | None:
        """Forward-auth: the same permit for the original request, and an answer made of headers alone."""
        services = self.services
        if head.length or head.method not in USUAL_METHODS:
            return None
        original = read_original(services, head, connection.peer)
        if original.upgrade:
            return None
        route = find_route(services, original)
        if not isinstance(route, Route):
            return None
        cookie = services.cookies.session_cookie(head.cookies)
        _, given = self._permit(route, cookie, original.method, original.host, original.target.path)
        if given is None:
            return None
        return Spoken(services, connection, given, head, original, services.new_reference())

    def _permit(
        self, route: Route, cookie: bytes | None, method: str, host: str, path: NormalPath
    ) -> tuple[str, Permit | None]:
        """The id of the session that it is for, and a permit; None: the application decides."""
        kind = self._kinds[id(route)]
        key, varies = kind.key, kind.varies_by
        if varies:
            if "gateway.decision_id" in varies:
                return "", None
            key = f"{key} {method} {path if 'request.path' in varies else ''}"
        if not kind.needs_session:
            return "", self._public(key) or self._decided_for_all(key, route, RequestFacts(method, host, path))
        entry = self._open_session(cookie)
        if entry is None:
            return "", None
        kept = entry.prepared.get(key)
        if kept is not None and kept.until > self.services.clock():
            return entry.session.id, kept
        return entry.session.id, self._decided(key, route, entry, RequestFacts(method, host, path))

    def _open_session(self, cookie: bytes | None) -> OpenSession[Permit] | None:
        if cookie is None:
            return None
        services = self.services
        entry = services.sessions.peek(cookie)
        if entry is None:
            session_id = services.cookies.check_session(cookie)
            entry = None if session_id is None else services.sessions.recognise(cookie, session_id)
        return entry

    def _public(self, key: str) -> Permit | None:
        """Without a session a decision depends on the route, the day, and what the policy asks of the request."""
        now = self.services.clock()
        if not 0 <= now - self._anonymous_at < 1:
            self._anonymous, self._anonymous_at = {}, now
        return self._anonymous.get(key)

    def _decided_for_all(self, key: str, route: Route, facts: RequestFacts) -> Permit | None:
        return self._remember(key, self._anonymous, self._decide(route, None, facts))

    def _decided(self, key: str, route: Route, entry: OpenSession[Permit], facts: RequestFacts) -> Permit | None:
        now = self.services.now
        if has_ended(entry.session, now) or owed(route.policy, entry.session, now):
            return None
        found = self._decide(route, entry, facts)
        if found is not None and delivery_due(self.services, found, entry.session) is not None:
            return None
        return self._remember(key, entry.prepared, found)

    def _remember(self, key: str, permits: dict[str, Permit], found: Permit | None) -> Permit | None:
        if found is not None:
            if len(permits) >= PERMITS:
                permits.clear()
            permits[key] = found
        return found

    def _decide(self, route: Route, entry: OpenSession[Permit] | None, facts: RequestFacts) -> Permit | None:
        services = self.services
        session = entry.session if entry is not None else None
        standing = entry.standing if entry is not None else Standing()
        decision = decide(route.policy, facts_of(services, route.policy, session, standing, facts, ""))
        return permit(services, route, decision, session) if isinstance(decision, Allow) else None
