"""«Mes données»: what was obtained, from whom, when, and which service received it."""

from dataclasses import replace

from starlette.responses import Response

from gateway.core.facts import is_household_value
from gateway.core.model import CARRIES_A_VALUE, Need, Session
from gateway.web import texts
from gateway.web.amend import amend
from gateway.web.exchange import Exchange, form_bond, own_url, require_form
from gateway.web.http import posted_form
from gateway.web.information import provider_label
from gateway.web.review import day
from gateway.web.services import Services


async def show_my_data(services: Services, exchange: Exchange) -> Response:
    session = exchange.session
    if session is None:
        return exchange.pages.redirect(own_url("login"))
    return exchange.pages.page(
        "my_data",
        identity=session.identity is not None,
        provider=provider_label(services, session.identity.provider) if session.identity else "",
        obtained=obtained(session),
        deliveries=delivered(session),
        token=services.cookies.form_token(form_bond(exchange)),
    )


async def forget(services: Services, exchange: Exchange) -> Response:
    """Erase what came from CAF or MSA; the person stays signed in."""
    form = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, form.get("token", ""), form_bond(exchange))
    if exchange.session is not None:
        await amend(services, exchange.session.id, _forgetful)
    return exchange.pages.redirect(own_url("mes-donnees"))


def _forgetful(session: Session) -> Session:
    identity_scopes = session.scopes - {str(need) for need in Need}
    return replace(session, household=(), reviewed=frozenset(), scopes=identity_scopes)


def obtained(session: Session) -> list[dict[str, str]]:
    """What is held, by name and source. Values are on the review page of the service that uses them."""
    return [
        {
            "label": _label(fact),
            "source": texts.FUNDS.get(record.household.fund or "", "CAF ou MSA"),
            "on": day(record.obtained_at),
        }
        for record in session.household
        if record.household is not None and record.status in CARRIES_A_VALUE
        for fact in sorted(record.fields)
        if is_household_value(fact)
    ]


def delivered(session: Session) -> list[dict[str, str]]:
    return [
        {
            "service": delivery.service,
            "facts": ", ".join(texts.FACT_LABELS.get(fact, fact) for fact in delivery.facts),
            "on": day(delivery.at),
        }
        for delivery in session.deliveries
    ]


def _label(fact: str) -> str:
    label = texts.FACT_LABELS[fact]
    return label[:1].upper() + label[1:]
