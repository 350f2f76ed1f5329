"""Number mode: numéro d'allocataire and code postal, typed by the person, tried a bounded number of times."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.responses import Response

from gateway.core.errors import RequestRejected
from gateway.core.household import concerning, merged, widened
from gateway.core.model import CafNumber, HouseholdRecord, Session
from gateway.core.numbers import faults, parse_caf_number
from gateway.core.rules import Lookup, Mode, Policy
from gateway.web.amend import amend
from gateway.web.cookies import new_session_id
from gateway.web.enquiry import enquire
from gateway.web.exchange import Destination, Exchange, address_of, destination, form_bond, require_form, with_cookies
from gateway.web.http import posted_form
from gateway.web.information import alternative_of, announced
from gateway.web.kept_forms import onward
from gateway.web.services import Services

ANSWER_STEP_S = 4.0
"""An answer leaves at a whole multiple of this, so that its time does not tell unknown from somebody else's."""

_FAULTS: Mapping[str, tuple[str, str]] = {
    "number_malformed": (
        "number",
        "Le numéro d’allocataire a 1 à 7 chiffres, sans la lettre de fin. Exemple : 1234567.",
    ),
    "postal_code_malformed": ("postal_code", "Le code postal a 5 chiffres. Exemple : 33000."),
}
"""The field that each fault is about, and what to write there."""


async def show_number(services: Services, exchange: Exchange) -> Response:
    place = _required(services, exchange, exchange.snapshot.query.get("return_to", ""))
    browser = exchange.browser or services.new_token()
    bond = exchange.session.id if exchange.session else browser
    page = _page(exchange, place, services.cookies.form_token(bond), {})
    return with_cookies(page, None if exchange.browser else services.cookies.set_browser(browser))


def _required(services: Services, exchange: Exchange, return_to: str) -> Destination:
    place = destination(services, return_to, exchange.snapshot.host)
    rule = place.route.policy.household if place else None
    if place is None or rule is None or rule.mode is not Mode.NUMBER:
        raise RequestRejected("number_not_asked", 404)
    return place


async def answer_number(services: Services, exchange: Exchange) -> Response:
    """Ask the broker, compare, and answer in the same time and words whoever the number belongs to."""
    began = services.clock()
    form = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, form.get("token", ""), form_bond(exchange))
    place = _required(services, exchange, form.get("return_to", ""))
    session = exchange.session
    if place.route.policy.login is not None and (session is None or session.identity is None):
        return exchange.pages.redirect(place.url)
    typed = (form.get("number", ""), form.get("postal_code", ""))
    if found := faults(*typed):
        return _page(exchange, place, form.get("token", ""), form, dict(_FAULTS[code] for code in found), 422)
    if not await _allowed(services, exchange, session):
        return _too_many(services, exchange, place, form)
    number = parse_caf_number(*typed)
    session, cookie = await _asked(services, exchange, place.route.policy, number)
    await _wait_for_step(services, began)
    return with_cookies(exchange.pages.redirect(onward(services, exchange, place)), cookie)


def _too_many(services: Services, exchange: Exchange, place: Destination, form: Mapping[str, str]) -> Response:
    """The same whatever was typed; a program gets a problem instead of a page."""
    if not exchange.snapshot.is_navigation:
        raise RequestRejected("number_attempts", 429)
    services.log("rejected", code="number_attempts", status=429, reference=exchange.reference)
    return _page(exchange, place, form.get("token", ""), form, status=429)


async def _allowed(services: Services, exchange: Exchange, session: Session | None) -> bool:
    """Bounded by address and, when there is one, by person: neither a new session nor a new address starts anew."""
    if not await services.attempts.allowed(f"address:{address_of(services, exchange)}"):
        return False
    identity = session.identity if session else None
    return identity is None or await services.attempts.allowed(f"person:{identity.provider}:{identity.sub}")


async def _asked(
    services: Services, exchange: Exchange, policy: Policy, number: CafNumber
) -> tuple[Session | None, str | None]:
    """The last number that was typed is the one that counts, for each service that a number is typed for."""
    session = exchange.session
    identity = session.identity if session and policy.login else None
    held = session.household if session else ()
    by_number = [widened(each, held) for each in policy.lookups if each.rule.mode is Mode.NUMBER]
    again = _shown_again(services, by_number)
    records = await enquire(services, policy, by_number, (), identity, exchange.reference, number=number)
    if session is not None:
        before = replace(session, household=concerning(held, by_number))
        return await amend(services, session.id, lambda now: _answered(now, before, records, policy, again)), None
    expires_at = services.now + services.settings.sessions.absolute_s
    session = Session(id=new_session_id(services.new_token), expires_at=expires_at, household=records)
    await services.sessions.create(session)
    return session, services.cookies.set_session(session.id)


def _answered(
    session: Session, before: Session, records: tuple[HouseholdRecord, ...], policy: Policy, again: frozenset[str]
) -> Session:
    """`before` is the session as it was, with what this answer replaces alone.

    An objection that was there takes its end with the number; one made since then does not.

    What was confirmed before was another answer: this one is shown before it leaves.
    """
    return replace(
        session,
        household=merged(session.household, before.household, records),
        declined=session.declined - (before.declined & {policy.name}),
        reviewed=session.reviewed - again,
    )


def _shown_again(services: Services, by_number: Sequence[Lookup]) -> frozenset[str]:
    """Tags of the policies that read what these lookups obtain."""
    keys = {each.key for each in by_number}
    every = services.settings.policies.values()
    return frozenset(policy.tag for policy in every if any(each.key in keys for each in policy.lookups))


async def _wait_for_step(services: Services, began: float) -> None:
    elapsed = services.clock() - began
    await services.sleep(ANSWER_STEP_S - elapsed % ANSWER_STEP_S)


def _page(
    exchange: Exchange,
    place: Destination,
    token: str,
    form: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """What was typed is shown again, never lost. `errors` by field."""
    policy = place.route.policy
    return exchange.pages.page(
        "allocataire",
        status,
        token=token,
        return_to=place.url,
        number=form.get("number", ""),
        postal_code=form.get("postal_code", ""),
        errors=errors or {},
        too_many=status == 429,
        unnamed=policy.login is None,
        reference=exchange.reference if status == 429 else "",
        alternative=alternative_of(place),
        **(announced(policy) | {"asked": (), "providers": ()}),
    )
