"""The common case without ASGI: a request whose session is open and whose decision is `Allow`, relayed at once.

It calls the same functions as the gate, in the same order, and keeps what they gave for less than a second
(`open_sessions`). Whatever it does not recognise, and whatever is not allowed, falls through to the application.
"""

from gateway.core.errors import GatewayError
from gateway.core.http1.request import RequestHead
from gateway.core.model import Allow, RequestFacts
from gateway.core.paths import admit
from gateway.core.policy import decide
from gateway.core.rules import Route
from gateway.web.enquiry import must_enquire
from gateway.web.exchange import facts_of, is_own
from gateway.web.forward import Permit, delivery_due, permit
from gateway.web.http import Snapshot, snapshot_of
from gateway.web.open_sessions import OpenSession
from gateway.web.relay import Relay
from gateway.web.server.connection import ClientConnection, Responder
from gateway.web.services import Services


class QuickLane:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._anonymous: dict[str, Permit] = {}
        self._anonymous_at = 0.0

    def take(self, head: RequestHead, connection: ClientConnection) -> Responder | None:
        """A responder that will answer, or None: then nothing was done, and the application decides."""
        if head.upgrade:
            return None
        try:
            snapshot = snapshot_of(head, connection.peer)
            return None if is_own(snapshot.target) else self._take(snapshot, connection)
        except GatewayError:
            return None

    def _take(self, snapshot: Snapshot, connection: ClientConnection) -> Responder | None:
        services = self._services
        if not services.settings.accepts_port(snapshot.port):
            return None
        route = services.routes.find(snapshot.host, snapshot.target.path, snapshot.method)
        if not isinstance(route, Route):
            return None
        admit(snapshot.target, route)
        if route.policy.login is None and route.policy.household is None:
            given = self._public(route, snapshot)
            entry = None
        else:
            entry = self._open_session(snapshot)
            given = None if entry is None else entry.prepared.get(route.name) or self._decided(route, entry, snapshot)
        if given is None:
            return None
        session_id = entry.session.id if entry is not None else None
        return Relay(services, connection, given, snapshot, services.new_reference(), session_id)

    def _open_session(self, snapshot: Snapshot) -> OpenSession[Permit] | None:
        services = self._services
        cookie = services.cookies.session_cookie(snapshot.values(b"cookie"))
        if cookie is None:
            return None
        entry = services.sessions.peek(cookie)
        if entry is None:
            session_id = services.cookies.check_session(cookie)
            entry = None if session_id is None else services.sessions.recognise(cookie, session_id)
        return entry

    def _public(self, route: Route, snapshot: Snapshot) -> Permit | None:
        """Without a session a decision depends on the route and the day."""
        now = self._services.clock()
        if not 0 <= now - self._anonymous_at < 1:
            self._anonymous, self._anonymous_at = {}, now
        found = self._anonymous.get(route.name)
        if found is None:
            found = self._decide(route, None, snapshot)
            if found is not None:
                self._anonymous[route.name] = found
        return found

    def _decided(self, route: Route, entry: OpenSession[Permit], snapshot: Snapshot) -> Permit | None:
        if must_enquire(route.policy, entry.session, self._services.now):
            return None
        found = self._decide(route, entry, snapshot)
        if found is None or delivery_due(self._services, found, entry.session) is not None:
            return None
        entry.prepared[route.name] = found
        return found

    def _decide(self, route: Route, entry: OpenSession[Permit] | None, snapshot: Snapshot) -> Permit | None:
        if route.policy.varies_by_request:
            return None
        services = self._services
        session = entry.session if entry is not None else None
        request = RequestFacts(snapshot.method, snapshot.host, snapshot.target.path)
        decision = decide(route.policy, facts_of(services, route.policy, session, request, ""))
        return permit(services, route, decision, session) if isinstance(decision, Allow) else None
