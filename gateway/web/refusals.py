"""Pages where somebody is turned away: why, in words that accuse nobody, and each way to go on."""

from starlette.responses import Response

from gateway.core.decision import Alternative, Deny, Reason
from gateway.core.model import HouseholdStatus
from gateway.core.rules import Mode, Policy
from gateway.web import texts
from gateway.web.branches import details, message_for
from gateway.web.exchange import Destination, Exchange, own_url
from gateway.web.information import accepted_by, alternative_of, provider_label, special_of
from gateway.web.services import Services

_OF_THE_FILE = frozenset({Reason.HOUSEHOLD_MISSING, Reason.CHILD_NOT_LISTED})
_MY_DATA = own_url("mes-donnees")


def alternative_page(services: Services, exchange: Exchange, place: Destination, decision: Alternative) -> Response:
    """Why nothing was sent, and the ways to go on. In number mode unknown and somebody else's read the same."""
    policy = place.route.policy
    sign_in = _sign_in(services, exchange, place, decision)
    return exchange.pages.page(
        "alternative",
        403,
        message=texts.SIGN_IN_FIRST if sign_in else message_for(policy, decision, exchange.session),
        reference=exchange.reference,
        sign_in=sign_in,
        restart="" if decision.status in texts.BY_WORD else _restart(place, decision),
        alternative=alternative_of(place),
        special=special_of(place),
        details=details(policy.alternative),
    )


def refused_page(services: Services, exchange: Exchange, place: Destination, decision: Deny) -> Response:
    """403 with the policy's own words, or with ours for what happened; the reason's code is in the audit line."""
    refused = place.route.policy.refused
    sign_in = _sign_in(services, exchange, place, decision)
    message = texts.SIGN_IN_FIRST if sign_in else _refusal(place.route.policy, decision, exchange)
    by_word = decision.status in texts.BY_WORD
    return exchange.pages.message(
        texts.Message(message.title, refused.text) if refused else message,
        403,
        reference=exchange.reference,
        proceed=refused.url if refused else None,
        sign_in=sign_in,
        alternative=alternative_of(place),
        restart=None if sign_in or by_word else _from_the_start(exchange, place, decision),
        my_data=_MY_DATA if by_word else None,
    )


def _sign_in(
    services: Services, exchange: Exchange, place: Destination, decision: Alternative | Deny
) -> dict[str, str] | None:
    """Where a condition is unknown only because nobody is signed in, which this policy leaves to the person."""
    login = place.route.policy.login
    signed_in = exchange.session is not None and exchange.session.identity is not None
    if login is None or signed_in or decision.reason is not Reason.CONDITION_UNKNOWN:
        return None
    names = accepted_by(services, place.route.policy)
    label = provider_label(services, names[0]) if len(names) == 1 else ""
    return {"url": own_url("login", place.url), "provider": label}


def _refusal(policy: Policy, decision: Deny, exchange: Exchange) -> texts.Message:
    """A file that is missing is told as it is elsewhere; which of two is missing, the decision does not say."""
    if decision.status is None or decision.reason not in _OF_THE_FILE or len(policy.lookups) != 1:
        return texts.REFUSED
    told = Alternative(decision.status, decision.reason, policy.lookups[0].source)
    return message_for(policy, told, exchange.session)


def _from_the_start(exchange: Exchange, place: Destination, decision: Deny) -> str:
    """The number, a new login for somebody who is signed in, or the page itself."""
    policy = place.route.policy
    if decision.status is not None and any(each.rule.mode is Mode.NUMBER for each in policy.lookups):
        return own_url("allocataire", place.url)
    signed_in = exchange.session is not None and exchange.session.identity is not None
    return own_url("login", place.url) if policy.login is not None and signed_in else place.url


def _restart(place: Destination, decision: Alternative) -> str:
    """Where trying again may help: the number, the page itself where nobody need sign in again, or the login."""
    rule = place.route.policy.rules.get(decision.source)
    if rule is None or decision.status is HouseholdStatus.DECLINED:
        return own_url("login", place.url)
    if rule.mode is Mode.NUMBER:
        return own_url("allocataire", place.url)
    waits = rule.mode is Mode.IDENTITY and decision.status is HouseholdStatus.UNAVAILABLE
    return place.url if waits else own_url("login", place.url)
