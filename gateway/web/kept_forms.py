"""A form that was being sent when a login became due: kept while its sender signs in, or its sender is told."""

from collections.abc import AsyncIterator

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.model import Session
from gateway.ports import FormAbout, KeptForm
from gateway.web import login_texts
from gateway.web.cookies import digest_of
from gateway.web.exchange import Destination, Exchange, address_of, own_url, with_cookies
from gateway.web.http import body_chunks
from gateway.web.information import alternative_of
from gateway.web.services import Services
from gateway.web.snapshot import Snapshot

HEARD_BYTES = 16_777_216
"""Of a form that is not kept: read and dropped, so that its sender sees a page and not a broken connection."""

_TYPES = frozenset({b"application/x-www-form-urlencoded", b"multipart/form-data"})
_TYPE_BYTES = 200


async def keep_or_say(services: Services, exchange: Exchange, here: Destination, to: str) -> Response:
    """Keep the form and go `to` the page that is due; or say that nothing was sent, and how to find what was typed."""
    # No more than its service takes: it would wait for nothing.
    limits = (services.settings.limits.kept_post_bytes, here.route.max_body_bytes)
    at_most = min(limit for limit in limits if limit is not None)
    code = why_not(services, exchange.snapshot, at_most)
    chunks = body_chunks(exchange.receive, HEARD_BYTES)
    body = b"" if code else await _read(chunks, at_most)
    if body is None:
        code = "form_too_large"
    elif not code:
        ticket = services.new_token()
        form = KeptForm(_about(services, exchange, here), body)
        if await services.forms.keep(ticket, form, address_of(services, exchange)):
            services.log("form", outcome="kept", route=here.route.name, reference=exchange.reference)
            return with_cookies(exchange.pages.redirect(to), *await _remembered(services, exchange, here, ticket))
        code = "forms_too_many"
    services.log("form", outcome="not_kept", code=code, route=here.route.name, reference=exchange.reference)
    await _hear(chunks)
    return exchange.pages.page(
        "not_kept",
        401,
        login=to,
        why=login_texts.NOT_KEPT.get(code, ""),
        alternative=alternative_of(here),
        reference=exchange.reference,
    )


def why_not(services: Services, snapshot: Snapshot, at_most: int) -> str:
    """The code of what stands against keeping this form of `at_most` bytes; empty when nothing does."""
    if not is_of_this_site(snapshot, services.settings.scheme):
        # Else another site could prepare a form that its visitor then sends in their own name.
        return "form_from_elsewhere"
    kind = snapshot.value(b"content-type")
    if kind.partition(b";")[0].strip().lower() not in _TYPES or len(kind) > _TYPE_BYTES:
        return "form_type"
    return "form_too_large" if snapshot.head.length > at_most or not at_most else ""


def is_of_this_site(snapshot: Snapshot, scheme: str) -> bool:
    """Sent by a page of this very host, as far as the browser vouches for it; silence counts as no.

    `scheme`: of `public_url`. What came without TLS may have been written by anybody on the way.
    """
    site, origins = snapshot.value(b"sec-fetch-site"), snapshot.values(b"origin")
    host = snapshot.value(b"host").lower()
    ours = {f"{each}://".encode("ascii") + host for each in (scheme, "https")}
    own = all(origin.lower() in ours for origin in origins)
    if site:
        # A page without a referrer says `null` for its origin.
        return site == b"same-origin" and (own or origins == (b"null",))
    return own and len(origins) == 1


async def _read(chunks: AsyncIterator[bytes], at_most: int) -> bytes | None:
    """The body, or None when it is longer than that; the rest is still to come."""
    pieces = bytearray()
    async for piece in chunks:
        pieces += piece
        if len(pieces) > at_most:
            return None
    return bytes(pieces)


async def _hear(chunks: AsyncIterator[bytes]) -> None:
    try:
        async for _ in chunks:
            pass
    except RequestRejected:
        return


def _about(services: Services, exchange: Exchange, here: Destination) -> FormAbout:
    snapshot = exchange.snapshot
    return FormAbout(
        target=here.url,
        host=here.host,
        route=here.route.name,
        content_type=snapshot.value(b"content-type").decode("latin-1"),
        origin=snapshot.value(b"origin").decode("latin-1"),
        referer=snapshot.value(b"referer").decode("latin-1"),
        person=person_of(exchange.session),
        kept_at=services.now,
    )


def person_of(session: Session | None) -> str:
    identity = session.identity if session else None
    return "" if identity is None else digest_of(f"{identity.provider}\n{identity.sub}")


async def _remembered(services: Services, exchange: Exchange, here: Destination, ticket: str) -> list[str]:
    """The cookie with the ticket; an older form for the same address is forgotten, and not left to expire."""
    cookies, family = exchange.snapshot.values(b"cookie"), services.cookies.forms
    older = family.get(cookies, here.url, services.now)
    if older is not None:
        await services.forms.drop(older)
    return family.put(cookies, here.url, ticket, services.now)


def ticket_for(services: Services, exchange: Exchange, target: str) -> str | None:
    """The ticket of the form that this browser has waiting for this address."""
    return services.cookies.forms.get(exchange.snapshot.values(b"cookie"), target, services.now)


def onward(services: Services, exchange: Exchange, place: Destination) -> str:
    """Where a step of ours leads on to: the page that was asked for, or first the form that waits for it."""
    here = place.host == exchange.snapshot.host
    waits = here and ticket_for(services, exchange, place.target.wire.decode("ascii")) is not None
    return own_url("resume", place.url) if waits else place.url


async def forget_forms(services: Services, exchange: Exchange) -> list[str]:
    """For one who leaves: what they had typed does not wait for the next at the same computer. Set-Cookie lines."""
    held = services.cookies.forms.end_all(exchange.snapshot.values(b"cookie"), services.now)
    for ticket, _ in held:
        await services.forms.drop(ticket)
    return [line for _, line in held]
