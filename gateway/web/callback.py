"""Back from the provider: one verified exchange, the household within the same minute, a new session."""

from starlette.responses import Response

from gateway.core.claims import keep_known, to_identity
from gateway.core.disputes import is_withheld
from gateway.core.errors import DependencyFailed, LoginFailed
from gateway.core.household import concerning, forgotten, lasting, merged, widened
from gateway.core.model import HouseholdRecord, Identity, LoginTransaction, Need, Session
from gateway.core.rules import Mode, Policy
from gateway.ports import Handoff, IdentityProvider, SignedIn
from gateway.relying_party import CallbackError, CallbackSuccess, read_callback
from gateway.web import agent_login, login_texts
from gateway.web.cookies import digest_of, new_session_id
from gateway.web.enquiry import enquire
from gateway.web.exchange import Destination, Exchange, destination, origin_of, own_url, with_cookies
from gateway.web.information import alternative_of
from gateway.web.kept_forms import onward
from gateway.web.leaving import failed
from gateway.web.login import count_login, down_page, provider_down
from gateway.web.loops import is_stuck
from gateway.web.outage_mark import works_again
from gateway.web.services import Services

TOKEN_S = 55.0
"""FranceConnect's access token lives 60 s; the rest is for an answer on its way."""

_OUTAGES = frozenset({"temporarily_unavailable", "server_error"})


async def finish_login(services: Services, exchange: Exchange) -> Response:
    """`/_gateway/callback`: whatever fails here ends on a page that lets the person start again."""
    try:
        returned = read_callback(exchange.snapshot.target.query or b"")
    except LoginFailed as error:
        count_login(services, error.code, "")
        return login_failed(services, exchange, None, error)
    if not _began_here(services, exchange, returned.state):
        return await _unknown(services, exchange, returned.state, "login_cookie_missing")
    transaction = await services.transactions.consume(returned.state)
    if transaction is None:
        response = await _unknown(services, exchange, returned.state, "state_unknown")
    else:
        response = await _finish(services, exchange, transaction, returned)
    return with_cookies(response, services.cookies.logins.end(returned.state))


def _began_here(services: Services, exchange: Exchange, state: str) -> bool:
    """Login CSRF: somebody else's code and state are worthless in this browser (RFC 9700 §4.7).

    Asked before the transaction is touched: nobody else can use it up either.
    """
    held = services.cookies.logins.get(exchange.snapshot.values(b"cookie"), state, services.now)
    return held is not None and held == digest_of(state)


async def _finish(
    services: Services, exchange: Exchange, transaction: LoginTransaction, returned: CallbackSuccess | CallbackError
) -> Response:
    place, asked_of = destination(services, transaction.return_to), transaction.provider
    try:
        provider = services.providers.get(transaction.provider)
        if provider is None:
            raise LoginFailed("provider_unknown")
        await provider.check_issuer(returned.iss)
        if transaction.agent:
            return await agent_login.finish(services, exchange, provider, transaction, returned)
        if isinstance(returned, CallbackError):
            count_login(services, returned.error, asked_of)
            return _refused_by_provider(services, exchange, place, asked_of, returned)
        # The token is issued after this moment: counted from here, its life is never taken for longer than it is.
        dies_at = services.clock() + TOKEN_S
        signed_in = await _exchanged(services, provider, transaction, returned.code)
        session = await _new_session(services, exchange, transaction, signed_in, place, dies_at)
    except LoginFailed as error:
        count_login(services, error.code, asked_of)
        return login_failed(services, exchange, place, error)
    except DependencyFailed as error:
        count_login(services, error.code, asked_of)
        if error.dependency == "session-store":
            raise
        services.outages.failed(asked_of)
        return provider_down(services, exchange, place, asked_of, error)
    count_login(services, "done", asked_of)
    services.outages.worked(asked_of)
    response = await _arrive(services, exchange, session, transaction, place)
    return with_cookies(response, works_again(services, exchange, asked_of))


async def _exchanged(
    services: Services, provider: IdentityProvider, transaction: LoginTransaction, code: str
) -> SignedIn:
    began = services.clock()
    try:
        return await provider.exchange(transaction, code)
    finally:
        services.metrics.observe("gateway_provider_seconds", services.clock() - began, provider=provider.name)


async def _unknown(services: Services, exchange: Exchange, state: str, code: str) -> Response:
    """A replayed, double-submitted, expired, foreign or invented state. A session that exists is left as it is."""
    place = destination(services, await services.transactions.return_to(state) or "")
    services.log("login_failed", code=code, reference=exchange.reference)
    count_login(services, code, "")
    bare = exchange.session is None and exchange.browser is None
    return exchange.pages.message(
        login_texts.COOKIES_REFUSED if bare else failed(services, place),
        400,
        reference=exchange.reference,
        restart=own_url("login", place.url if place else ""),
        proceed=(place.url if place else own_url("mes-donnees")) if exchange.session else None,
        alternative=alternative_of(place),
    )


def _refused_by_provider(
    services: Services, exchange: Exchange, place: Destination | None, provider: str, returned: CallbackError
) -> Response:
    """`access_denied` does not mean that the person refused: one neutral page for all but an outage."""
    services.log(
        "login_refused",
        code=returned.error,
        provider_reference=returned.reference,
        reference=exchange.reference,
    )
    if returned.error in _OUTAGES:
        return down_page(services, exchange, place, provider)
    return exchange.pages.message(
        failed(services, place),
        403,
        reference=exchange.reference,
        restart=own_url("login", place.url if place else ""),
        alternative=alternative_of(place),
    )


def login_failed(services: Services, exchange: Exchange, place: Destination | None, error: LoginFailed) -> Response:
    services.log("login_failed", code=error.code, provider_reference=error.reference, reference=exchange.reference)
    return exchange.pages.message(
        login_texts.TOO_WEAK if error.code == "acr_too_low" else failed(services, place),
        error.status,
        reference=exchange.reference,
        restart=own_url("login", place.url if place else ""),
        alternative=alternative_of(place),
    )


async def _new_session(
    services: Services,
    exchange: Exchange,
    transaction: LoginTransaction,
    signed_in: SignedIn,
    place: Destination | None,
    dies_at: float,
) -> Session:
    """A new id at each login; what the same person, or nobody yet, already held in this browser comes along."""
    before, identity = _known(exchange.session, _identity(transaction, signed_in), transaction)
    policy = place.route.policy if place else None
    concerned = concerning(before.household, policy.lookups) if before and policy else ()
    held = lasting(concerned, policy.keeps_s if policy else None, services.now)
    records = await _household(services, exchange, policy, held, identity, transaction, signed_in, dies_at)
    came = await _as_it_is_now(services, before)
    household = merged(came.household, concerned, records) if came else records
    taken_back = {policy.name} if policy and transaction.takes_back else set()
    session = Session(
        id=new_session_id(services.new_token),
        expires_at=services.now + services.settings.sessions.absolute_s,
        identity=identity,
        scopes=transaction.scopes | (came.scopes if came else frozenset()),
        household=household,
        id_token=signed_in.id_token,
        sid=signed_in.sid,
        browser=transaction.browser,
        refresh_token=signed_in.refresh_token,
        # What was confirmed stays so, unless what it was about is asked again.
        reviewed=came.reviewed if came and all(record in household for record in held) else frozenset(),
        declined=(came.declined if came else frozenset()) - taken_back,
        deliveries=came.deliveries if came else (),
        contested=came.contested if came else frozenset(),
    )
    await services.sessions.create(session)
    if await services.ended_logins.since(dies_at - TOKEN_S, transaction.provider, sub=identity.sub, sid=signed_in.sid):
        await services.sessions.drop(session.id)
        raise LoginFailed("login_ended_meanwhile")
    if exchange.session is not None:
        await services.sessions.drop(exchange.session.id)
    return session


async def _as_it_is_now(services: Services, before: Session | None) -> Session | None:
    """CAF took its time: in another tab the person may have objected, contested, forgotten, or signed out meanwhile.

    What they had said against the use of their data outlives their signing out; what was obtained does not.
    """
    if before is None:
        return None
    return await services.sessions.load(before.id) or forgotten(before)


def _identity(transaction: LoginTransaction, signed_in: SignedIn) -> Identity:
    authenticated_at = signed_in.id_claims.get("auth_time") or signed_in.id_claims["iat"]
    return to_identity(
        signed_in.userinfo,
        provider=transaction.provider,
        acr=signed_in.acr,
        authenticated_at=int(authenticated_at),  # type: ignore[call-overload]
    )


def _known(
    session: Session | None, identity: Identity, transaction: LoginTransaction
) -> tuple[Session | None, Identity]:
    """The session that this login goes on with, and the identity with what was known of it; somebody else's ends.

    Where nobody had signed in, what was typed and what was said against its use stays.
    """
    who = session.identity if session else None
    if who is None:
        return session, identity
    if (who.provider, who.sub) != (identity.provider, identity.sub):
        return None, identity
    return session, keep_known(identity, who, transaction.scopes)


async def _household(
    services: Services,
    exchange: Exchange,
    policy: Policy | None,
    held: tuple[HouseholdRecord, ...],
    identity: Identity,
    transaction: LoginTransaction,
    signed_in: SignedIn,
    dies_at: float,
) -> tuple[HouseholdRecord, ...]:
    """FranceConnect mode asks now or never: the token dies within the minute."""
    asked = {str(need) for need in Need} & transaction.scopes
    by_token = [each for each in policy.lookups if each.rule.mode is Mode.FRANCECONNECT] if policy else []
    due = [each for each in by_token if any(need.source is each.source for need in Need if str(need) in asked)]
    if transaction.waived:
        due = by_token
    if policy is None or not due:
        return held
    standing = await services.sessions.standing_of(identity)
    due = [widened(each, held) for each in due if not is_withheld(policy.name, each.needs, standing)]
    if not due:
        return held
    # A new login begins anew: what is asked again replaces what was held, and answers for whom that answered.
    kept = tuple(record for record in held if not asked or not {str(block) for block in record.asked} <= asked)
    return await enquire(
        services,
        policy,
        due,
        kept,
        identity,
        exchange.reference,
        access_token=signed_in.access_token,
        granted=signed_in.scopes,
        browser=transaction.browser,
        until=dies_at,
        waived=transaction.waived,
    )


async def _arrive(
    services: Services, exchange: Exchange, session: Session, transaction: LoginTransaction, place: Destination | None
) -> Response:
    cookie = services.cookies.set_session(session.id)
    if place is None:
        return with_cookies(exchange.pages.redirect(own_url("mes-donnees")), cookie)
    stuck = await is_stuck(services, exchange, session, transaction, place)
    if stuck is not None:
        return with_cookies(stuck, cookie)
    if place.host == services.settings.host:
        return with_cookies(exchange.pages.redirect(onward(services, exchange, place)), cookie)
    ticket = services.new_token()
    await services.handoffs.leave(ticket, Handoff(session.id, place.host, transaction.asked_by, place.url))
    address = f"{origin_of(place.url)}{own_url('arrive')}?ticket={ticket}"
    return with_cookies(exchange.pages.redirect(address), cookie)


async def arrive(services: Services, exchange: Exchange) -> Response:
    """The other host sets its own cookie for the session that the callback's host has opened."""
    handoff = await services.handoffs.take(exchange.snapshot.query.get("ticket", ""))
    browser = services.cookies.browser_digest(exchange.browser) if exchange.browser else None
    if handoff is None or (handoff.host, handoff.browser) != (exchange.snapshot.host, browser):
        return login_failed(services, exchange, None, LoginFailed("handoff_unknown"))
    if exchange.session is not None and exchange.session.id != handoff.session_id:
        # A login ends what this browser had before, on this host as on the other.
        await services.sessions.drop(exchange.session.id)
    place = destination(services, handoff.return_to)
    to = handoff.return_to if place is None else onward(services, exchange, place)
    return with_cookies(exchange.pages.redirect(to), services.cookies.set_session(handoff.session_id))
