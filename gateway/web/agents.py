"""Agents read disputes and answer them. They see who wrote, about which datum, and in which words; never a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

from gateway.core.disputes import Dispute, State, data_of
from gateway.core.errors import RequestRejected
from gateway.dispute_ports import ActionLine, AgentSession, DisputeStore
from gateway.web import dispute_texts, texts
from gateway.web.agent_login import offered, signed_in
from gateway.web.exchange import Exchange, own_url, require_form, with_cookies
from gateway.web.http import posted_form
from gateway.web.leaving import prepare, with_form_targets
from gateway.web.my_data import code_of, services_of
from gateway.web.review import day
from gateway.web.services import Services

SHOWN_AT_MOST = 200
"""Disputes on one page, the oldest first; the others come up as these are answered."""


@dataclass(frozen=True, slots=True)
class Row:
    """One dispute in the list."""

    reference: str
    on: str
    kind: str
    about: str
    state: str
    name: str = field(repr=False)


async def show_list(services: Services, exchange: Exchange) -> Response:
    settings, store = offered(services, exchange)
    agent = await signed_in(services, exchange)
    if agent is None:
        return await _sign_in(services, exchange)
    waiting = await store.listed(only_open=True)
    _trace(services, store, agent, exchange.reference, "list", "", "")
    await prepare(services, [settings.agents_provider])
    page = exchange.pages.page(
        "agents",
        rows=[_row(services, each) for each in waiting[:SHOWN_AT_MOST]],
        more=max(0, len(waiting) - SHOWN_AT_MOST),
        token=services.cookies.form_token(agent.id),
    )
    # Its logout leads to the provider.
    return with_form_targets(page, services, [settings.agents_provider])


async def _sign_in(services: Services, exchange: Exchange) -> Response:
    settings, _ = offered(services, exchange)
    browser = exchange.browser or services.new_token()
    await prepare(services, [settings.agents_provider])
    label = dispute_texts.AGENT_PROVIDERS.get(settings.agents_provider, settings.agents_provider)
    page = exchange.pages.page("agent_login", provider=label, token=services.cookies.form_token(browser))
    page = with_form_targets(page, services, [settings.agents_provider])
    return with_cookies(page, None if exchange.browser else services.cookies.set_browser(browser))


async def show_dispute(services: Services, exchange: Exchange) -> Response:
    _, store = offered(services, exchange)
    agent = await signed_in(services, exchange)
    if agent is None:
        return await _sign_in(services, exchange)
    found = await store.find(exchange.snapshot.query.get("reference", ""))
    if found is None:
        raise RequestRejected("dispute_unknown", 404)
    _trace(services, store, agent, found.reference, "read", _about(found), str(found.state))
    return _dispute_page(services, exchange, agent, found)


def _dispute_page(
    services: Services, exchange: Exchange, agent: AgentSession, found: Dispute, *, error: str = ""
) -> Response:
    return exchange.pages.page(
        "agent_dispute",
        422 if error else 200,
        error=error,
        row=_row(services, found),
        contact=found.contact,
        text=found.text.split("\n") if found.text else [],
        services=_concerned(services, found),
        outcomes=[(str(outcome), dispute_texts.OUTCOMES[outcome]) for outcome in found.outcomes],
        token=services.cookies.form_token(agent.id),
    )


async def settle(services: Services, exchange: Exchange) -> Response:
    """One answer: a second one, sent again or by somebody else at the same time, changes nothing."""
    _, store = offered(services, exchange)
    # First: while it was on its way, whoever sends it may have been signed out.
    form = await posted_form(exchange.snapshot, exchange.receive)
    agent = await signed_in(services, exchange)
    if agent is None:
        return await _sign_in(services, exchange)
    require_form(services, exchange, form.get("token", ""), agent.id)
    reference, outcome = form.get("reference", ""), _outcome(form)
    if outcome is None:
        return await _not_chosen(services, exchange, agent, reference)
    try:
        settled = await store.settle(reference, outcome, store.pseudonym(agent.provider, agent.sub))
    finally:
        services.sessions.standing_changed()
    if settled is None:
        return _already_answered(exchange)
    _trace(services, store, agent, settled.reference, "settle", _about(settled), str(settled.state))
    services.metrics.count("gateway_disputes_total", reason=_about(settled), outcome=str(settled.state))
    return exchange.pages.redirect(own_url("agents"))


async def _not_chosen(services: Services, exchange: Exchange, agent: AgentSession, reference: str) -> Response:
    """The form again, with what is missing; an old browser sends it in spite of `required`."""
    _, store = offered(services, exchange)
    found = await store.find(reference)
    if found is None or not found.outcomes:
        return _already_answered(exchange)
    _trace(services, store, agent, found.reference, "read", _about(found), str(found.state))
    return _dispute_page(services, exchange, agent, found, error=dispute_texts.CHOOSE)


def _already_answered(exchange: Exchange) -> Response:
    return exchange.pages.message(
        dispute_texts.ALREADY_ANSWERED, 409, reference=exchange.reference, proceed=own_url("agents")
    )


def _outcome(form: Mapping[str, str]) -> State | None:
    """None when nothing was chosen; what no button of the form says is no form of ours."""
    chosen = form.get("outcome", "")
    if not chosen:
        return None
    try:
        return State(chosen)
    except ValueError:
        raise RequestRejected("form_malformed") from None


def _row(services: Services, dispute: Dispute) -> Row:
    contest = dispute.datum is not None
    return Row(
        reference=dispute.reference,
        on=day(dispute.opened_at),
        kind=dispute_texts.CONTEST if contest else dispute_texts.OBJECTION,
        about=texts.DATA[dispute.datum] if dispute.datum else ", ".join(_concerned(services, dispute)),
        state=dispute_texts.AGENT_STATES[dispute.state],
        name=dispute.name,
    )


def _concerned(services: Services, dispute: Dispute) -> list[str]:
    """Purposes of the services that would receive the datum, or of the one objected to."""
    if dispute.datum is None:
        purposes = [each.purpose for each in services_of(services) if each.policy == dispute.policy]
        return purposes or [dispute.policy]
    policies = {route.policy.name: route.policy for route in services.settings.routes}.values()
    return [each.purpose for each in policies if dispute.datum in data_of(each.needs.fields)]


def _about(dispute: Dispute) -> str:
    return code_of(dispute.datum) if dispute.datum else dispute.policy


def _trace(
    services: Services, store: DisputeStore, agent: AgentSession, reference: str, action: str, about: str, state: str
) -> None:
    services.trace(ActionLine(reference, action, about, state, store.pseudonym(agent.provider, agent.sub)))
