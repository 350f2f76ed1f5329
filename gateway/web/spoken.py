"""The quick lane's answer to forward-auth: what the application is to be told, signed with the others of its turn."""

from gateway.core.errors import GatewayError
from gateway.core.http1.request import RequestHead
from gateway.web.audit import audit_allowed
from gateway.web.forward import Permit, said_lines
from gateway.web.forward_auth import bound_to, cookie_asked_for
from gateway.web.relay import tell_failure
from gateway.web.server.connection import ClientConnection
from gateway.web.services import Services
from gateway.web.snapshot import Snapshot

_EMPTY = b"Cache-Control: no-store\r\nContent-Length: 0\r\n"


class Spoken:
    """A `Responder` to forward-auth: what the application is to be told, and no body."""

    __slots__ = ("_began", "_connection", "_given", "_head", "_lines", "_original", "_over", "_reference", "_services")

    def __init__(
        self,
        services: Services,
        connection: ClientConnection,
        given: Permit,
        head: RequestHead,
        original: Snapshot,
        reference: str,
    ) -> None:
        self._services = services
        self._connection = connection
        self._given = given
        self._head = head
        self._original = original
        self._reference = reference
        self._lines = b""
        self._began = 0.0
        self._over = False

    def begin(self) -> None:
        self._connection.leave_together(self)

    def prepare(self) -> None:
        """Sign what is said, unless the proxy has left."""
        if self._over:
            return
        services, given = self._services, self._given
        self._began = services.clock()
        try:
            self._lines = said_lines(services, given, bound_to(given, self._original), self._reference)
            if cookie := cookie_asked_for(services, self._head):
                self._lines += b"Cookie: %b\r\n" % cookie
        except GatewayError as error:
            self._over = True
            tell_failure(services, self._connection, self._head, error, self._reference)

    def depart(self) -> None:
        if self._over:
            return
        self._over = True
        connection = self._connection
        audit_allowed(self._services, self._given, self._original.method, 200, self._reference, self._began)
        connection.start_answer(200, ((b"Date", connection.date),), 0, lines=_EMPTY + self._lines)
        connection.end_answer()

    def strand(self) -> None:
        self._connection.cut()

    def body(self, piece: bytes) -> None:
        """The request has none."""

    def body_ended(self) -> None:
        """The request has none."""

    def pause(self) -> None:
        """Nothing follows that could wait."""

    def resume(self) -> None:
        """Nothing waits."""

    def draining(self) -> None:
        """It is said in this turn."""

    def gone(self) -> None:
        self._over = True
