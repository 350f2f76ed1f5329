"""The table of our own addresses under `/_gateway/`; an unknown one is 404 and never the upstream."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.paths import OWN_PREFIX
from gateway.core.routing import USUAL_METHODS
from gateway.web import (
    agent_login,
    agents,
    caf_number,
    callback,
    choice_of_language,
    contest,
    forward_auth,
    legal,
    login,
    logout,
    my_copy,
    my_data,
    notice,
    ops,
    provider_logout,
    resume,
    review,
    waiting,
)
from gateway.web.exchange import Exchange
from gateway.web.services import Services

Page = Callable[[Services, Exchange], Awaitable[Response]]

PAGES: Mapping[str, Mapping[str, Page]] = {
    "login": {"GET": login.show_login, "POST": login.start_login},
    "waiting": {"GET": waiting.show_waiting},
    "callback": {"GET": callback.finish_login},
    "arrive": {"GET": callback.arrive},
    "logout": {"GET": logout.show_logout, "POST": logout.logout},
    "logged-out": {"GET": logout.logged_out},
    "resume": {"GET": resume.show_resume, "POST": resume.drop_form},
    "review": {"GET": review.show_review, "POST": review.answer_review},
    "allocataire": {"GET": caf_number.show_number, "POST": caf_number.answer_number},
    "mes-donnees": {"GET": my_data.show_my_data, "POST": my_data.forget},
    "mes-donnees/contester": {"GET": contest.show_contest, "POST": contest.contest},
    "mes-donnees/objection": {"GET": contest.show_objection, "POST": contest.objection},
    "mes-donnees/recu": {"GET": contest.show_receipt},
    "mes-donnees/retirer": {"POST": contest.withdraw},
    "mes-donnees/copie": {"GET": my_copy.download},
    "mes-donnees/imprimer": {"GET": my_copy.printable},
    "agents": {"GET": agents.show_list},
    "agents/login": {"POST": agent_login.start},
    "agents/dispute": {"GET": agents.show_dispute},
    "agents/settle": {"POST": agents.settle},
    "agents/logout": {"POST": agent_login.leave},
    "auth": dict.fromkeys(USUAL_METHODS, forward_auth.authorise),
    "keys": {"GET": ops.keys},
    "client-keys": {"GET": ops.client_keys},
    "backchannel-logout": {"POST": provider_logout.backchannel_logout},
    "frontchannel-logout": {"GET": provider_logout.frontchannel_logout},
    "health/live": {"GET": ops.live},
    "health/ready": {"GET": ops.ready},
    "language": {"GET": choice_of_language.choose},
    "donnees-personnelles": {"GET": legal.personal_data},
    "accessibilite": {"GET": legal.accessibility},
    "cookies": {"GET": legal.cookies},
    "static/style.css": {"GET": ops.style},
    "static/franceconnect.css": {"GET": ops.official_button},
    "static/logo": {"GET": ops.logo},
    "static/button": {"GET": ops.button},
}

BELOW: Mapping[str, Mapping[str, Page]] = {notice.PREFIX: {"GET": notice.show_notice}}
"""Pages of which there are several: the beginning of their address."""

_PROBES = frozenset({"health/live", "health/ready"})

ANY_HOST = _PROBES | {"auth"}
"""Probes send an address instead of a name; a proxy that asks names the host in another header."""

_STATIC = frozenset(name for name in PAGES if name.startswith("static/"))

_LEGAL = frozenset({"donnees-personnelles", "accessibilite", "cookies"})

_AGENTS = frozenset(name for name in PAGES if name.partition("/")[0] == "agents")
"""An agent's session is another one, in another cookie: a person's is not even looked for."""

_MACHINES = frozenset({"keys", "client-keys", "backchannel-logout", "frontchannel-logout"})

WITHOUT_SESSION = _PROBES | _AGENTS | _STATIC | _LEGAL | _MACHINES | {"auth", "language", "logged-out"}
"""They answer even when the session store does not; `auth` looks for a session where the route asked for needs one."""


def page_name(path: str) -> str:
    return path.removeprefix(OWN_PREFIX).removeprefix("/")


def find_page(name: str, method: str) -> Page:
    methods = PAGES.get(name) or BELOW.get(name[: name.find("/") + 1])
    if methods is None:
        raise RequestRejected("own_page_unknown", 404)
    page = methods.get("GET" if method == "HEAD" else method)
    if page is None:
        raise RequestRejected("method_not_allowed", 405, allow=sorted(methods))
    return page
