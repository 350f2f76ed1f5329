"""The handshake of a WebSocket (RFC 6455 §4.2), before any decision: who may open one, and from which page."""

import base64
import binascii

from gateway.core.errors import RequestRejected
from gateway.core.model import Session
from gateway.core.rules import Route
from gateway.web.services import Services
from gateway.web.snapshot import Snapshot

VERSION = b"13"
KEY_BYTES = 16


def check_handshake(services: Services, snapshot: Snapshot, route: Route, session: Session | None) -> None:
    """Refuse what is no handshake, what the route does not open, and a page of another origin.

    A browser always says its Origin. Without one a session is refused too: its cookie could have been made to travel.
    `RequestRejected`: 501 `upgrade_refused`, 400 `websocket_handshake`, 403 `websocket_origin`.
    """
    if not route.websocket:
        raise RequestRejected("upgrade_refused", 501)
    if snapshot.method != "GET" or snapshot.head.length or not _is_handshake(snapshot):
        raise RequestRejected("websocket_handshake")
    origins = snapshot.values(b"origin")
    if origins != (_own_origin(services, snapshot),) and (origins or session is not None):
        raise RequestRejected("websocket_origin", 403)


def _is_handshake(snapshot: Snapshot) -> bool:
    if snapshot.value(b"sec-websocket-version") != VERSION:
        return False
    try:
        return len(base64.b64decode(snapshot.value(b"sec-websocket-key"), validate=True)) == KEY_BYTES
    except binascii.Error:
        return False


def _own_origin(services: Services, snapshot: Snapshot) -> bytes:
    return f"{services.settings.scheme}://".encode("ascii") + snapshot.head.host.lower()
