"""The table of our own addresses under `/_gateway/`; an unknown one is 404 and never the upstream."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.routing import USUAL_METHODS
from gateway.web import caf_number, callback, forward_auth, login, logout, my_data, ops, review, waiting
from gateway.web.exchange import OWN_PREFIX, Exchange
from gateway.web.services import Services

Page = Callable[[Services, Exchange], Awaitable[Response]]

PAGES: Mapping[str, Mapping[str, Page]] = {
    "login": {"GET": login.show_login, "POST": login.start_login},
    "waiting": {"GET": waiting.show_waiting},
    "callback": {"GET": callback.finish_login},
    "arrive": {"GET": callback.arrive},
    "logout": {"GET": logout.show_logout, "POST": logout.logout},
    "logged-out": {"GET": logout.logged_out},
    "review": {"GET": review.show_review, "POST": review.answer_review},
    "allocataire": {"GET": caf_number.show_number, "POST": caf_number.answer_number},
    "mes-donnees": {"GET": my_data.show_my_data, "POST": my_data.forget},
    "auth": dict.fromkeys(USUAL_METHODS, forward_auth.authorise),
    "keys": {"GET": ops.keys},
    "health/live": {"GET": ops.live},
    "health/ready": {"GET": ops.ready},
    "static/style.css": {"GET": ops.style},
}

_PROBES = frozenset({"health/live", "health/ready"})

ANY_HOST = _PROBES | {"auth"}
"""Probes send an address instead of a name; a proxy that asks names the host in another header."""

WITHOUT_SESSION = _PROBES | {"auth", "keys", "static/style.css", "logged-out"}
"""They answer even when the session store does not; `auth` looks for a session where the route asked for needs one."""


def page_name(path: str) -> str:
    return path.removeprefix(OWN_PREFIX).removeprefix("/")


def find_page(name: str, method: str) -> Page:
    methods = PAGES.get(name)
    if methods is None:
        raise RequestRejected("own_page_unknown", 404)
    page = methods.get("GET" if method == "HEAD" else method)
    if page is None:
        raise RequestRejected("method_not_allowed", 405, allow=sorted(methods))
    return page
