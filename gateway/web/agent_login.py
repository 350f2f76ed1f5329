"""Agents sign in through a provider, and are those whose `sub` is on the list. No password of ours, no data of CAF."""

from starlette.responses import Response

from gateway.core.errors import DependencyFailed, LoginFailed, RequestRejected
from gateway.core.model import Acr, LoginTransaction
from gateway.dispute_ports import ActionLine, AgentSession, DisputeStore
from gateway.ports import IdentityProvider
from gateway.relying_party import CallbackError, CallbackSuccess
from gateway.settings import DisputeSettings
from gateway.web import dispute_texts
from gateway.web.cookies import digest_of, new_session_id
from gateway.web.exchange import Exchange, address_of, own_url, require_form, with_cookies
from gateway.web.http import posted_form
from gateway.web.login import may_depart, too_many
from gateway.web.logout import LOGGED_OUT_HERE, return_state
from gateway.web.services import Services

DAY_OF_WORK_S = 4 * 3600
"""The longest that an agent stays signed in; idleness ends it sooner."""


def offered(services: Services, exchange: Exchange) -> tuple[DisputeSettings, DisputeStore]:
    """These pages exist on the host of `public_url` alone, and only where agents are listed."""
    settings, store = services.settings.disputes, services.disputes
    if settings is None or store is None or not settings.agents_provider:
        raise RequestRejected("own_page_unknown", 404)
    if exchange.snapshot.host != services.settings.host:
        raise RequestRejected("own_page_unknown", 404)
    return settings, store


async def signed_in(services: Services, exchange: Exchange) -> AgentSession | None:
    """The agent of this request, if the list still names them: a reload that takes a name away ends their session."""
    settings, _ = offered(services, exchange)
    session_id = services.cookies.agent_id(exchange.snapshot.values(b"cookie"))
    session = await services.agents.load(session_id) if session_id else None
    if session is None or session.provider != settings.agents_provider or session.sub not in settings.agents:
        return None
    return session


async def start(services: Services, exchange: Exchange) -> Response:
    """Leave for the provider; only `openid` is asked of it."""
    settings, _ = offered(services, exchange)
    form = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, form.get("token", ""), exchange.browser or "")
    if not await may_depart(services, exchange):
        return too_many(services, exchange, None, own_url("agents"))
    transaction = LoginTransaction(
        state=services.new_token(),
        nonce=services.new_token(),
        browser=services.cookies.browser_digest(exchange.browser or ""),
        provider=settings.agents_provider,
        acr=Acr.EIDAS1,
        scopes=frozenset({"openid"}),
        return_to="",
        route=None,
        started_at=services.now,
        code_verifier=services.new_token(),
        agent=True,
    )
    if not await services.transactions.begin(transaction, address_of(services, exchange)):
        return too_many(services, exchange, None, own_url("agents"))
    try:
        address = await services.providers[transaction.provider].authorization_url(transaction)
    except DependencyFailed as error:
        return _failed(services, exchange, error)
    held = exchange.snapshot.values(b"cookie")
    cookies = services.cookies.logins.put(held, transaction.state, digest_of(transaction.state), services.now)
    return with_cookies(exchange.pages.redirect(address), *cookies)


async def finish(
    services: Services,
    exchange: Exchange,
    provider: IdentityProvider,
    transaction: LoginTransaction,
    returned: CallbackSuccess | CallbackError,
) -> Response:
    """Back from the provider. A person's session in this browser, if there is one, is left as it is."""
    settings, store = offered(services, exchange)
    if isinstance(returned, CallbackError):
        return _failed(services, exchange, LoginFailed("agent_login_refused", reference=returned.reference))
    began = services.clock()
    try:
        proven = await provider.exchange(transaction, returned.code)
    except (LoginFailed, DependencyFailed) as error:
        return _failed(services, exchange, error)
    sub = str(proven.id_claims["sub"])
    who = store.pseudonym(provider.name, sub)
    if provider.name != settings.agents_provider or sub not in settings.agents:
        services.trace(ActionLine(exchange.reference, "refused", "", "not_listed", who))
        services.metrics.count("gateway_agents_total", outcome="refused")
        return exchange.pages.page("agent_unknown", 403, sub=sub, reference=exchange.reference)
    session = AgentSession(
        id=new_session_id(services.new_token),
        provider=provider.name,
        sub=sub,
        expires_at=services.now + DAY_OF_WORK_S,
        id_token=proven.id_token,
        sid=proven.sid,
    )
    await services.agents.create(session)
    if await services.ended_logins.since(began, provider.name, sub=sub, sid=proven.sid):
        await services.agents.drop(session.id)
        return _failed(services, exchange, LoginFailed("login_ended_meanwhile"))
    services.trace(ActionLine(exchange.reference, "login", "", "listed", who))
    services.metrics.count("gateway_agents_total", outcome="login")
    return with_cookies(exchange.pages.redirect(own_url("agents")), services.cookies.set_agent(session.id))


def _failed(services: Services, exchange: Exchange, error: LoginFailed | DependencyFailed) -> Response:
    services.log(
        "agent_login_failed", code=error.code, provider_reference=error.reference, reference=exchange.reference
    )
    return exchange.pages.message(
        dispute_texts.AGENT_LOGIN_FAILED, error.status, reference=exchange.reference, restart=own_url("agents")
    )


async def leave(services: Services, exchange: Exchange) -> Response:
    """The session here first, then the provider's."""
    session = await signed_in(services, exchange)
    form = await posted_form(exchange.snapshot, exchange.receive)
    if session is None:
        return exchange.pages.redirect(LOGGED_OUT_HERE)
    require_form(services, exchange, form.get("token", ""), session.id)
    await services.agents.drop(session.id)
    settings, _ = offered(services, exchange)
    address: str | None = None
    try:
        provider = services.providers[settings.agents_provider]
        address = await provider.end_session_url(session.id_token, return_state(services, exchange))
    except DependencyFailed as error:
        services.log("logout_local_only", code=error.code, dependency=error.dependency, reference=exchange.reference)
    return with_cookies(exchange.pages.redirect(address or LOGGED_OUT_HERE), services.cookies.clear_agent())
