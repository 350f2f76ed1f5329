"""An error → what its three audiences read: a page or a problem, a coded log line, and nothing of anybody's data."""

from starlette.responses import Response

from gateway.core.errors import DependencyFailed, GatewayError, RequestRejected, ValueRefused
from gateway.core.paths import read_target
from gateway.web import failure_texts, texts
from gateway.web.exchange import own_url
from gateway.web.services import Services
from gateway.web.snapshot import Snapshot

_DOWN = {"session-store": texts.STORE_DOWN, "upstream": texts.UPSTREAM_DOWN, "franceconnect": texts.PROVIDER_DOWN}
_SESSION_OVER = "page_without_session"
_FIRST = read_target(b"/").path


_NO_MORE = frozenset({400, 405, 413, 414, 417, 421, 431, 501})
"""Whoever sends a request without one clear reading is not listened to any longer on that connection."""


def log_failure(services: Services, error: GatewayError, reference: str) -> None:
    fields: dict[str, object] = {"code": error.code, "status": error.status, "reference": reference}
    if isinstance(error, DependencyFailed):
        fields |= {"dependency": error.dependency, "provider_reference": error.reference}
        services.metrics.count("gateway_failures_total", dependency=error.dependency, code=error.code)
    else:
        services.metrics.count("gateway_rejections_total", code=error.code)
    if isinstance(error, RequestRejected) and error.neighbour:
        fields["neighbour"] = error.neighbour
    services.log("rejected" if isinstance(error, RequestRejected) else "failed", **fields)


def failure(
    services: Services, snapshot: Snapshot, error: GatewayError, reference: str, *, restart: str | None = None
) -> Response:
    """The answer to a request that failed: plain French for a person, RFC 9457 for a program.

    `restart`: where to go on, when it is not the page that was asked for.
    """
    log_failure(services, error, reference)
    here = "" if error.status in _NO_MORE else snapshot.here
    pages = services.pages.speaking(snapshot.language, here)
    if snapshot.is_navigation:
        response = pages.message(
            _message(error),
            error.status,
            reference=reference,
            restart=restart or _again(snapshot, error),
            home=_home(services, snapshot, error),
        )
    else:
        response = pages.problem(error.status, error.code, reference=reference)
    if isinstance(error, RequestRejected):
        if error.allow:
            response.headers["allow"] = ", ".join(error.allow)
        if error.status in _NO_MORE:
            response.headers["connection"] = "close"
    return response


def _again(snapshot: Snapshot, error: GatewayError) -> str | None:
    """The page that was asked for, where asking again may help. What a POST carried is not sent again by a link."""
    if error.code == _SESSION_OVER:
        return own_url("login", _return_to(snapshot))
    if isinstance(error, RequestRejected):
        return None
    return snapshot.target.wire.decode("ascii")


def _return_to(snapshot: Snapshot) -> str:
    """Nothing where the query has no one reading: what failed is being told, and must be."""
    try:
        return snapshot.query.get("return_to", "")
    except RequestRejected:
        return ""


def _home(services: Services, snapshot: Snapshot, error: GatewayError) -> bool:
    """Whether this host has a first page to lead to, for somebody who cannot go on where they are."""
    if not isinstance(error, RequestRejected) or error.code == _SESSION_OVER:
        return False
    try:
        services.routes.find(snapshot.host, _FIRST, "GET")
    except RequestRejected:
        return False
    return True


def _message(error: GatewayError) -> texts.Message:
    if error.code == "session_store_full":
        return texts.STORE_FULL
    if isinstance(error, DependencyFailed):
        return _DOWN.get(error.dependency, texts.STORE_DOWN)
    if isinstance(error, ValueRefused):
        return texts.UPSTREAM_DOWN
    if error.code == _SESSION_OVER:
        return failure_texts.SESSION_OVER
    if error.code.startswith("form_") and error.status == 403:
        return failure_texts.FORM_EXPIRED
    return failure_texts.REJECTED.get(error.status, failure_texts.REJECTED[400])
