"""After the login: the form that waited is sent when its sender says so, once, as a POST like any other."""

from collections.abc import Sequence
from dataclasses import replace

from starlette.responses import Response
from starlette.types import Message, Receive

from gateway.core.decision import Ask
from gateway.core.errors import RequestRejected
from gateway.core.http1.fields import write_fields
from gateway.core.http1.request import read_request
from gateway.core.model import RequestFacts
from gateway.core.policy import decide
from gateway.core.rules import Route
from gateway.ports import KeptForm
from gateway.web import login_texts
from gateway.web.exchange import (
    Destination,
    Exchange,
    destination,
    facts_of,
    form_bond,
    own_url,
    require_form,
    with_cookies,
)
from gateway.web.http import body_chunks, posted_form
from gateway.web.kept_forms import person_of, ticket_for
from gateway.web.services import Services
from gateway.web.snapshot import Headers, snapshot_of
from gateway.web.texts import Message as Text

SENT = b"gateway_form="
_SENT_BYTES = 200

_REPLACED = frozenset({b"content-type", b"content-length", b"transfer-encoding", b"origin", b"referer", b"expect"})


async def show_resume(services: Services, exchange: Exchange) -> Response:
    """«Vous étiez en train d’envoyer un formulaire»: send it or not. Nothing has left yet."""
    place = destination(services, exchange.snapshot.query.get("return_to", ""), exchange.snapshot.host)
    if place is None:
        return exchange.pages.redirect(own_url("mes-donnees"))
    ticket = ticket_for(services, exchange, _target(place))
    form = await services.forms.look(ticket) if ticket else None
    route = _taker(services, exchange, place)
    if ticket is None or form is None or route is None:
        return exchange.pages.redirect(place.url)
    if exchange.session is None:
        return exchange.pages.redirect(own_url("login", place.url))
    if _is_of_another(form, exchange):
        await services.forms.drop(ticket)
        return with_cookies(_said(exchange, login_texts.FORM_OF_ANOTHER, place.url), _end(services, place))
    facts = RequestFacts("POST", place.host, place.target.path)
    policy = route.policy
    standing = await services.sessions.standing(exchange.session)
    decision = decide(policy, facts_of(services, policy, exchange.session, standing, facts, exchange.reference))
    if isinstance(decision, Ask):
        return exchange.pages.redirect(own_url("review" if decision.what == "review" else "allocataire", place.url))
    page = exchange.pages.page(
        "resume",
        purpose=policy.purpose,
        target=_target(place),
        tried=form.about.tried,
        kept_at=exchange.pages.speech.at(form.about.kept_at, services.now),
        names=_names(exchange),
        send=services.cookies.form_token(_bond(exchange, ticket)),
        token=services.cookies.form_token(form_bond(exchange)),
        return_to=place.url,
    )
    # The application may answer with a redirect to anywhere (a payment), and a browser checks that as well.
    allowed = page.headers["content-security-policy"]
    page.headers["content-security-policy"] = allowed.replace(
        "form-action 'self'", f"form-action 'self' {services.settings.scheme}:"
    )
    return page


def _taker(services: Services, exchange: Exchange, place: Destination) -> Route | None:
    """The route that the form will be sent to, which may not be the one that showed it; None on another host."""
    if place.host != exchange.snapshot.host:
        return None
    try:
        found = services.routes.find(place.host, place.target.path, "POST")
    except RequestRejected:
        return None
    return found if isinstance(found, Route) else None


def _names(exchange: Exchange) -> str:
    identity = exchange.session.identity if exchange.session else None
    return (
        "" if identity is None else " ".join(part for part in (*identity.given_names[:1], identity.birth_name) if part)
    )


async def drop_form(services: Services, exchange: Exchange) -> Response:
    """«Ne pas envoyer»."""
    fields = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, fields.get("token", ""), form_bond(exchange))
    place = destination(services, fields.get("return_to", ""), exchange.snapshot.host)
    if place is None:
        return exchange.pages.redirect(own_url("mes-donnees"))
    ticket = ticket_for(services, exchange, _target(place))
    form = await services.forms.take(ticket) if ticket else None
    services.log("form", outcome="dropped", route=place.route.name, reference=exchange.reference)
    came_from = destination(services, form.about.referer, exchange.snapshot.host) if form else None
    return with_cookies(exchange.pages.redirect((came_from or place).url), _end(services, place))


async def resumed(services: Services, exchange: Exchange, route: Route) -> "Exchange | Resumed | Response":
    """The exchange as it is; or, when it is the word to send a form that waits, with that form in its place."""
    snapshot = exchange.snapshot
    target = snapshot.target.wire.decode("ascii")
    if snapshot.method != "POST" or (ticket := ticket_for(services, exchange, target)) is None:
        return exchange
    body = await _word(exchange)
    if not isinstance(body, bytes):
        return body
    if not body.startswith(SENT):
        return replace(exchange, receive=_giving(body, exchange.receive))
    again = own_url("resume", target)
    said = body.removeprefix(SENT).decode("latin-1")
    if (
        exchange.session is None
        or snapshot.value(b"sec-fetch-site") not in {b"", b"same-origin"}
        or not services.cookies.check_form_token(said, _bond(exchange, ticket))
    ):
        # Nobody is signed in any more, or somebody else is: ask again, send nothing.
        return exchange.pages.redirect(again)
    form = await services.forms.take(ticket)
    if form is None or (form.about.host, form.about.target, form.about.route) != (snapshot.host, target, route.name):
        services.log("form", outcome="gone", code="form_gone", route=route.name, reference=exchange.reference)
        return _said(exchange, login_texts.FORM_GONE, target)
    if _is_of_another(form, exchange):
        services.log("form", outcome="dropped", code="form_person", route=route.name, reference=exchange.reference)
        return _said(exchange, login_texts.FORM_OF_ANOTHER, target)
    services.log("form", outcome="sent", route=route.name, reference=exchange.reference)
    return Resumed(services, _with_form(exchange, form), form, ticket)


class Resumed:
    """An exchange that carries a form which waited; it goes back to waiting when it could not be delivered."""

    def __init__(self, services: Services, exchange: Exchange, form: KeptForm, ticket: str) -> None:
        self.exchange = exchange
        self._services = services
        self._form = form
        self._ticket = ticket

    async def put_back(self, *, tried: bool) -> str:
        """Keep it again; the address of the page that offers to send it. `tried`: it may have arrived all the same."""
        about = replace(self._form.about, tried=tried or self._form.about.tried)
        await self._services.forms.put_back(self._ticket, replace(self._form, about=about))
        return own_url("resume", self._form.about.target)


async def _word(exchange: Exchange) -> bytes | Exchange:
    """A body short enough to be our own button's; the untouched exchange when it cannot be."""
    snapshot = exchange.snapshot
    kind = snapshot.value(b"content-type").partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded" or not 0 < snapshot.head.length <= _SENT_BYTES:
        return exchange
    return b"".join([piece async for piece in body_chunks(exchange.receive, _SENT_BYTES)])


def _giving(body: bytes, rest: Receive) -> Receive:
    """A `receive` that gives this body, then whatever follows (the client's leaving)."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return await rest()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _with_form(exchange: Exchange, form: KeptForm) -> Exchange:
    """The head of this request with what belongs to the form: the application sees the POST that was interrupted."""
    snapshot, about = exchange.snapshot, form.about
    line = b"POST %b HTTP/1.1\r\n" % about.target.encode("ascii")
    head = read_request(
        (line + write_fields([*_kept_fields(snapshot.headers), *_form_fields(form)])).removesuffix(b"\r\n")
    )
    return replace(exchange, snapshot=snapshot_of(head, snapshot.peer), receive=_giving(form.body, exchange.receive))


def _kept_fields(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() not in _REPLACED)


def _form_fields(form: KeptForm) -> Sequence[tuple[bytes, bytes]]:
    about = form.about
    said = {b"Content-Type": about.content_type, b"Origin": about.origin, b"Referer": about.referer}
    fields = [(name, value.encode("latin-1")) for name, value in said.items() if value]
    return [*fields, (b"Content-Length", b"%d" % len(form.body))]


def _target(place: Destination) -> str:
    return place.target.wire.decode("ascii")


def _bond(exchange: Exchange, ticket: str) -> str:
    """The word to send is this person's, for this form. The ticket is a secret of this browser."""
    return f"{person_of(exchange.session)}{ticket}"


def _is_of_another(form: KeptForm, exchange: Exchange) -> bool:
    return form.about.person not in {"", person_of(exchange.session)}


def _end(services: Services, place: Destination) -> str:
    return services.cookies.forms.end(_target(place))


def _said(exchange: Exchange, message: Text, proceed: str) -> Response:
    return exchange.pages.message(message, 409, reference=exchange.reference, proceed=proceed)
