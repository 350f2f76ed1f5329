"""One request in our hands: its snapshot, its session, its reference, and where it wants to go back to."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from starlette.responses import Response
from starlette.types import Receive

from gateway.core.errors import RequestRejected
from gateway.core.forwarded import client_address, one_subscriber
from gateway.core.household import lasting
from gateway.core.model import Facts, NormalPath, RequestFacts, Session, Standing
from gateway.core.paths import OWN_PREFIX, Target, admit, read_target
from gateway.core.routing import SlashRedirect, normal_host
from gateway.core.rules import Policy, Route
from gateway.web.pages import Pages
from gateway.web.services import Services
from gateway.web.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Exchange:
    snapshot: Snapshot
    receive: Receive = field(repr=False)
    session: Session | None
    browser: str | None = field(repr=False)
    """The browser cookie's value, which ties a login and its forms to one browser."""
    reference: str
    pages: Pages = field(repr=False)
    """In the language of whoever asks."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A page that a person asked for first, and the route that serves it."""

    url: str
    """A path on `public_url`, or an absolute URL on another host of ours."""
    host: str
    target: Target
    route: Route


def destination(services: Services, raw: str, on_host: str = "") -> Destination | None:
    """Where to return to; anything that is not one of our own routed pages counts as none.

    A bare path is read on `on_host`, by default the host of `public_url`.
    """
    try:
        return _destination(services, raw, on_host or services.settings.host)
    except (RequestRejected, ValueError):
        return None


def _destination(services: Services, raw: str, host: str) -> Destination | None:
    settings, prefix = services.settings, ""
    if raw.startswith("/"):
        target = read_target(raw.encode("ascii"))
    else:
        parts = urlsplit(raw)
        scheme = urlsplit(settings.public_url).scheme
        if parts.scheme not in {scheme, "https"}:
            return None
        host, port = normal_host(parts.netloc.encode("ascii"))
        if host not in services.routes.hosts or not settings.accepts_port(port):
            return None
        prefix = f"{parts.scheme}://{parts.netloc}"
        target = read_target(raw.removeprefix(prefix).encode("ascii") or b"/")
    if target.is_own:
        return None
    found = _route_of(services, host, target.path)
    if isinstance(found, SlashRedirect):
        found = _route_of(services, host, found.to)
    if isinstance(found, SlashRedirect):
        return None
    admit(target, found)
    wire = target.wire.decode("ascii")
    return Destination(prefix + wire, host, target, found)


def _route_of(services: Services, host: str, path: NormalPath) -> Route | SlashRedirect:
    """By a GET; a route that takes none is still what an interrupted form was going to."""
    try:
        return services.routes.find(host, path, "GET")
    except RequestRejected as error:
        if error.status != 405:
            raise
        return services.routes.find(host, path, "POST")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def own_url(page: str, return_to: str = "") -> str:
    """Address of one of our pages, on the host that the browser is on."""
    return f"{OWN_PREFIX}/{page}" + (f"?return_to={quote(return_to, safe='')}" if return_to else "")


def facts_of(
    services: Services,
    policy: Policy,
    session: Session | None,
    standing: Standing,
    request: RequestFacts,
    reference: str,
    *,
    login_down: bool = False,
) -> Facts:
    """All that a decision may look at. `standing` is what `services.sessions` says of this session, not older."""
    if session is None:
        return Facts(request, services.today, reference, login_down=login_down)
    return Facts(
        request=request,
        today=services.today,
        decision_id=reference,
        identity=session.identity,
        scopes=session.scopes,
        household=lasting(session.household, policy.keeps_s, services.now),
        reviewed=policy.tag in session.reviewed,
        declined=policy.name in session.declined,
        standing=standing,
    )


async def facts_at(services: Services, place: Destination, session: Session | None, reference: str) -> Facts:
    """Facts for the page that a person will return to, by a GET."""
    request = RequestFacts("GET", place.host, place.target.path)
    standing = await services.sessions.standing(session)
    return facts_of(services, place.route.policy, session, standing, request, reference)


def require_form(services: Services, exchange: Exchange, token: str, bound_to: str) -> None:
    """A POST of ours: from our own origin, with a token tied to this session or browser (CSRF)."""
    snapshot = exchange.snapshot
    site = snapshot.value(b"sec-fetch-site")
    if site and site not in {b"same-origin", b"none"}:
        raise RequestRejected("form_cross_site", 403)
    origins = snapshot.values(b"origin")
    host = snapshot.value(b"host").lower()
    if any(
        origin != b"null" and urlsplit(origin.decode("latin-1")).netloc.encode("latin-1").lower() != host
        for origin in origins
    ):
        raise RequestRejected("form_cross_origin", 403)
    if not bound_to or not services.cookies.check_form_token(token, bound_to):
        raise RequestRejected("form_token", 403)


def address_of(services: Services, exchange: Exchange) -> str:
    """Of whoever asks, as far as listed proxies vouch for it: what a limit is counted for."""
    snapshot, settings = exchange.snapshot, services.settings
    said = snapshot.values(b"x-forwarded-for")
    client = client_address(snapshot.peer, said, settings.trusted_proxies, trust_unix=settings.trust_unix)
    return one_subscriber(client)


def form_bond(exchange: Exchange) -> str:
    """What a form's token is tied to: the session when there is one, else the browser."""
    return exchange.session.id if exchange.session else exchange.browser or ""


def with_cookies(response: Response, *cookies: str | None) -> Response:
    for cookie in cookies:
        if cookie:
            response.headers.append("set-cookie", cookie)
    return response
