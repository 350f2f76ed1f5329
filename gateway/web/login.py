"""Before the provider: the page that says what will be asked, and the departure."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from gateway.core.decision import Authenticate
from gateway.core.errors import DependencyFailed
from gateway.core.model import Acr, LoginTransaction, Need
from gateway.core.policy import decide, scopes_to_ask
from gateway.web import login_texts, texts
from gateway.web.cookies import digest_of
from gateway.web.exchange import (
    Destination,
    Exchange,
    address_of,
    destination,
    facts_at,
    own_url,
    require_form,
    with_cookies,
)
from gateway.web.http import posted_form
from gateway.web.information import accepted_by, alternative_of, announced, buttons, special_of
from gateway.web.leaving import down, prepare, with_form_targets
from gateway.web.outage_mark import failed_here, mark_failed
from gateway.web.services import Services
from gateway.web.step_up import why_again
from gateway.web.waiting import must_wait, waive


async def show_login(services: Services, exchange: Exchange) -> Response:
    """What will be asked, from whom, for what; the button; the way without it."""
    query = exchange.snapshot.query
    place = destination(services, query.get("return_to", ""), exchange.snapshot.host)
    if exchange.snapshot.host != services.settings.host:
        return _to_public_host(services, exchange, place)
    browser = exchange.browser or services.new_token()
    policy = place.route.policy if place else None
    accepted = accepted_by(services, policy)
    await prepare(services, accepted)
    easy = query.get("facile") == "1"
    page = exchange.pages.page(
        "login_facile" if easy else "login",
        other_version=_other_version(query, easy=easy),
        token=services.cookies.form_token(browser),
        return_to=place.url if place else "",
        asked_by=query.get("asked_by", ""),
        providers=buttons(services, policy, failed_here(services, exchange, policy)),
        alternative=alternative_of(place),
        special=special_of(place),
        why=await why_again(services, exchange, place),
        not_sent=query.get("not_sent") == "1",
        **announced(policy),
    )
    page = with_form_targets(page, services, accepted, place.url if place else "")
    return with_cookies(page, None if exchange.browser else services.cookies.set_browser(browser))


def _other_version(query: Mapping[str, str], *, easy: bool) -> str:
    """The same page, «facile à lire» or not; what it was opened with is kept."""
    kept = {name: value for name, value in query.items() if name not in {"facile", "lang"}}
    return f"{own_url('login')}?{urlencode(kept if easy else kept | {'facile': '1'})}"


def _to_public_host(services: Services, exchange: Exchange, place: Destination | None) -> Response:
    """FranceConnect knows one callback host: a login that begins on another is carried there and back."""
    browser = exchange.browser or services.new_token()
    here = f"{urlsplit(services.settings.public_url).scheme}://{exchange.snapshot.value(b'host').decode('ascii')}"
    back = "" if place is None else here + place.url if place.url.startswith("/") else place.url
    address = services.settings.public_url + own_url("login", back or here)
    address += f"&asked_by={services.cookies.browser_digest(browser)}"
    if exchange.snapshot.query.get("not_sent") == "1":
        address += "&not_sent=1"
    response = exchange.pages.redirect(address)
    return with_cookies(response, None if exchange.browser else services.cookies.set_browser(browser))


async def start_login(services: Services, exchange: Exchange) -> Response:
    """Remember one login transaction, then leave for the provider."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    place = destination(services, form.get("return_to", ""), exchange.snapshot.host)
    if exchange.browser is None:
        # Better said here than after the detour: without cookies nobody comes back signed in.
        return cookies_refused(services, exchange, place)
    require_form(services, exchange, form.get("token", ""), exchange.browser)
    if not await may_depart(services, exchange):
        return too_many(services, exchange, place)
    transaction = await _transaction(services, exchange, form, place)
    if transaction.waived:
        await waive(services, transaction)
    if (waits := await must_wait(services, exchange, transaction, place)) is not None:
        return waits
    if not await services.transactions.begin(transaction, address_of(services, exchange)):
        return too_many(services, exchange, place)
    try:
        address = await services.providers[transaction.provider].authorization_url(transaction)
    except DependencyFailed as error:
        count_login(services, error.code, transaction.provider)
        services.outages.failed(transaction.provider)
        return provider_down(services, exchange, place, transaction.provider, error)
    held = exchange.snapshot.values(b"cookie")
    cookies = services.cookies.logins.put(held, transaction.state, digest_of(transaction.state), services.now)
    return with_cookies(exchange.pages.redirect(address), *cookies)


def cookies_refused(services: Services, exchange: Exchange, place: Destination | None) -> Response:
    services.log("login_refused", code="cookies_refused", reference=exchange.reference)
    count_login(services, "cookies_refused", "")
    return exchange.pages.message(
        login_texts.COOKIES_REFUSED,
        403,
        reference=exchange.reference,
        restart=own_url("login", place.url if place else ""),
        alternative=alternative_of(place),
    )


async def may_depart(services: Services, exchange: Exchange) -> bool:
    """Whether this address may begin one more login, a person's or an agent's; one is counted."""
    departures = services.departures
    return departures is None or await departures.allowed(f"login:{address_of(services, exchange)}")


def too_many(services: Services, exchange: Exchange, place: Destination | None, restart: str | None = None) -> Response:
    """The answer to one who may not; `restart` is by default the login of `place`."""
    services.log("login_refused", code="login_attempts", reference=exchange.reference)
    count_login(services, "login_attempts", "")
    response = exchange.pages.message(
        texts.LOGINS_TOO_MANY,
        429,
        reference=exchange.reference,
        restart=restart or own_url("login", place.url if place else ""),
        alternative=alternative_of(place),
    )
    response.headers["retry-after"] = "60"
    return response


async def _transaction(
    services: Services, exchange: Exchange, form: Mapping[str, str], place: Destination | None
) -> LoginTransaction:
    name = form.get("provider", "")
    accepted = accepted_by(services, place.route.policy if place else None)
    acr, scopes = await _asked_of_provider(services, exchange, place)
    asked = {str(need) for need in Need} & scopes
    waived = bool(asked) and form.get("without") == "household"
    return LoginTransaction(
        state=services.new_token(),
        nonce=services.new_token(),
        browser=services.cookies.browser_digest(exchange.browser or ""),
        provider=name if name in accepted else accepted[0],
        acr=acr,
        scopes=scopes - asked if waived else scopes,
        return_to=place.url if place else "",
        route=place.route.name if place else None,
        started_at=services.now,
        asked_by=form.get("asked_by", ""),
        waived=waived,
        takes_back=_has_objected(exchange, place),
        code_verifier=services.new_token(),
    )


def _has_objected(exchange: Exchange, place: Destination | None) -> bool:
    return place is not None and exchange.session is not None and place.route.policy.name in exchange.session.declined


async def _asked_of_provider(
    services: Services, exchange: Exchange, place: Destination | None
) -> tuple[Acr, frozenset[str]]:
    """Only what the session lacks when a page sent the person here; everything when they begin anew."""
    if place is None or place.route.policy.login is None:
        return Acr.EIDAS1, frozenset({"openid"})
    policy = place.route.policy
    decision = decide(policy, await facts_at(services, place, exchange.session, exchange.reference))
    if isinstance(decision, Authenticate):
        return decision.acr, decision.scopes
    blank = await facts_at(services, place, None, exchange.reference)
    return place.route.policy.login.acr, scopes_to_ask(policy, blank)


def count_login(services: Services, outcome: str, provider: str) -> None:
    """`provider` is empty while it is not known which one was asked."""
    services.metrics.count("gateway_logins_total", provider=provider, outcome=outcome)


def provider_down(
    services: Services, exchange: Exchange, place: Destination | None, provider: str, error: DependencyFailed
) -> Response:
    services.log(
        "login_failed",
        code=error.code,
        dependency=error.dependency,
        provider_reference=error.reference,
        reference=exchange.reference,
    )
    return down_page(services, exchange, place, provider)


def down_page(services: Services, exchange: Exchange, place: Destination | None, provider: str) -> Response:
    """The provider fails: this browser remembers it for a while."""
    page = exchange.pages.message(
        down(services, place),
        503,
        reference=exchange.reference,
        restart=own_url("login", place.url if place else ""),
        alternative=alternative_of(place),
    )
    return with_cookies(page, *mark_failed(services, exchange, provider))
