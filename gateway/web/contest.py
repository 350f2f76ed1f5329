"""What a person says against the use of their data: contest one datum, object to one service, take it back."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from gateway.core.disputes import CONTACT_AT_MOST, TEXT_AT_MOST, Dispute, data_of
from gateway.core.errors import RequestRejected
from gateway.core.model import Identity, Need, Session
from gateway.core.rules import Route
from gateway.dispute_ports import ActionLine
from gateway.web import texts
from gateway.web.amend import amend
from gateway.web.exchange import Exchange, destination, form_bond, own_url, require_form
from gateway.web.http import posted_form
from gateway.web.my_data import code_of, datum_of, kept_for, services_of
from gateway.web.review import day
from gateway.web.services import Services

_DAY_S = 86_400


async def show_contest(services: Services, exchange: Exchange) -> Response:
    session, datum = exchange.session, datum_of(exchange.snapshot.query.get("datum", ""))
    if session is None:
        return exchange.pages.redirect(own_url("login"))
    if datum is None:
        raise RequestRejected("datum_unknown", 404)
    back = destination(services, exchange.snapshot.query.get("return_to", ""), exchange.snapshot.host)
    return _contest_page(services, exchange, session, datum, {"return_to": back.url if back else ""})


def _contest_page(
    services: Services, exchange: Exchange, session: Session, datum: Need, typed: Mapping[str, str], status: int = 200
) -> Response:
    """What was typed is shown again, never lost."""
    return exchange.pages.page(
        "contest",
        status,
        datum=code_of(datum),
        label=texts.DATA[datum],
        named=short_name(session.identity) if _kept(services, session) else "",
        lasting=_kept(services, session),
        text=typed.get("text", ""),
        contact=typed.get("contact", ""),
        return_to=typed.get("return_to", ""),
        errors=_too_long(typed),
        text_at_most=TEXT_AT_MOST,
        contact_at_most=CONTACT_AT_MOST,
        token=services.cookies.form_token(form_bond(exchange)),
    )


def _too_long(typed: Mapping[str, str]) -> list[str]:
    """The fields to shorten, in the order of the page."""
    longest = {"text": TEXT_AT_MOST, "contact": CONTACT_AT_MOST}
    return [name for name, most in longest.items() if len(typed.get(name, "")) > most]


async def contest(services: Services, exchange: Exchange) -> Response:
    """From here on the datum leaves on no route: the store is written before the person reads that it is."""
    form, session = await _posted(services, exchange)
    datum = datum_of(form.get("datum", ""))
    if datum is None:
        raise RequestRejected("datum_unknown", 404)
    text, contact = plain(form.get("text", "")), plain(form.get("contact", "")).replace("\n", " ")
    typed = {"text": text, "contact": contact}
    if _too_long(typed):
        back = destination(services, form.get("return_to", ""), exchange.snapshot.host)
        typed["return_to"] = back.url if back else ""
        return _contest_page(services, exchange, session, datum, typed, 422)
    if not _kept(services, session):
        await amend(services, session.id, lambda now: replace(now, contested=now.contested | {datum}))
        _tell(services, exchange.reference, "contest", code_of(datum))
        return _receipt(services, exchange, Dispute(exchange.reference, datum, "", services.now), lasting=False)
    dispute = Dispute(
        reference=services.new_reference(),
        datum=datum,
        policy="",
        opened_at=services.now,
        text=text,
        name=short_name(session.identity),
        contact=contact,
    )
    return await _keep(services, exchange, session, dispute)


async def show_objection(services: Services, exchange: Exchange) -> Response:
    if exchange.session is None:
        return exchange.pages.redirect(own_url("login"))
    policy = _policy(services, exchange.snapshot.query.get("policy", ""))
    return exchange.pages.page(
        "objection",
        policy=policy,
        purpose=_purpose(services, policy),
        lasting=_kept(services, exchange.session),
        token=services.cookies.form_token(form_bond(exchange)),
    )


async def objection(services: Services, exchange: Exchange) -> Response:
    """«Je préfère fournir un justificatif»: no reason is asked, and nothing of CAF reaches that service."""
    form, session = await _posted(services, exchange)
    policy = _policy(services, form.get("policy", ""))
    if form.get("lasting") != "yes" or not _kept(services, session):
        await amend(services, session.id, lambda now: replace(now, declined=now.declined | {policy}))
        _tell(services, exchange.reference, "objection", policy)
        return _receipt(services, exchange, Dispute(exchange.reference, None, policy, services.now), lasting=False)
    dispute = Dispute(
        reference=services.new_reference(),
        datum=None,
        policy=policy,
        opened_at=services.now,
        name=short_name(session.identity),
    )
    return await _keep(services, exchange, session, dispute)


async def _keep(services: Services, exchange: Exchange, session: Session, dispute: Dispute) -> Response:
    identity = session.identity
    if services.disputes is None or identity is None:
        raise RequestRejected("disputes_not_kept", 404)
    try:
        kept = await services.disputes.open(identity, dispute)
    finally:
        # Even a failure may have been written.
        services.sessions.standing_changed(identity)
    if kept is dispute:
        kind, about = ("contest", code_of(kept.datum)) if kept.datum else ("objection", kept.policy)
        _tell(services, kept.reference, kind, about)
        if services.announcer is not None:
            await services.announcer.leave(kept.reference, kind, about)
    return exchange.pages.redirect(f"{own_url('mes-donnees/recu')}?reference={kept.reference}")


async def show_receipt(services: Services, exchange: Exchange) -> Response:
    """One's own receipts only: somebody else's reference is as unknown as an invented one."""
    if exchange.session is None:
        return exchange.pages.redirect(own_url("login"))
    asked = exchange.snapshot.query.get("reference", "")
    for each in await kept_for(services, exchange.session):
        if each.reference == asked:
            return _receipt(services, exchange, each, lasting=True)
    raise RequestRejected("dispute_unknown", 404)


def _receipt(services: Services, exchange: Exchange, dispute: Dispute, *, lasting: bool) -> Response:
    kept = services.settings.disputes
    answer_by = day(dispute.opened_at + kept.answer_within_days * _DAY_S) if kept and lasting else ""
    return exchange.pages.page(
        "receipt",
        contest=dispute.is_contest,
        label=texts.DATA[dispute.datum] if dispute.datum else _purpose(services, dispute.policy),
        reference=dispute.reference,
        on=day(dispute.opened_at),
        answer_by=answer_by,
        lasting=lasting,
        ways_out=_ways_out(services, dispute),
    )


def _ways_out(services: Services, dispute: Dispute) -> list[dict[str, Any]]:
    """The paths that do not need the data, one a service concerned."""
    concerned = (route for route in services.settings.routes if _concerns(dispute, route))
    return list({way["url"]: way for route in concerned if (way := _way_out(services, route)) is not None}.values())


def _concerns(dispute: Dispute, route: Route) -> bool:
    if dispute.datum is None:
        return route.policy.name == dispute.policy
    return dispute.datum in data_of(route.policy.needs.fields)


def _way_out(services: Services, route: Route) -> dict[str, Any] | None:
    way = route.policy.alternative
    if way is None or way.url is None:
        return None
    origin = services.settings.origin_of(route) if way.url.startswith("/") else ""
    return {"url": origin + way.url, "text": way.text, "purpose": route.policy.purpose}


async def withdraw(services: Services, exchange: Exchange) -> Response:
    """Take back one's own contest or objection; somebody else's reference changes nothing."""
    form, session = await _posted(services, exchange)
    reference, policy, datum = form.get("reference", ""), form.get("policy", ""), datum_of(form.get("datum", ""))
    if reference:
        await _withdraw_kept(services, session, reference)
    else:
        await amend(services, session.id, lambda now: _without(now, policy, datum))
        _tell(services, exchange.reference, "withdrawal", code_of(datum) if datum else _policy(services, policy))
    return exchange.pages.redirect(own_url("mes-donnees"))


async def _withdraw_kept(services: Services, session: Session, reference: str) -> None:
    if services.disputes is None or session.identity is None:
        raise RequestRejected("dispute_unknown", 404)
    try:
        if not await services.disputes.withdraw(session.identity, reference):
            raise RequestRejected("dispute_unknown", 404)
    finally:
        services.sessions.standing_changed(session.identity)
    _tell(services, reference, "withdrawal", "")


def _without(session: Session, policy: str, datum: Need | None) -> Session:
    return replace(session, declined=session.declined - {policy}, contested=session.contested - {datum})


# --- small tools


async def _posted(services: Services, exchange: Exchange) -> tuple[Mapping[str, str], Session]:
    form = await posted_form(exchange.snapshot, exchange.receive)
    require_form(services, exchange, form.get("token", ""), form_bond(exchange))
    if exchange.session is None:
        raise RequestRejected("page_without_session", 403)
    return form, exchange.session


def _kept(services: Services, session: Session) -> bool:
    """Whether what this person says can outlive their session."""
    return services.disputes is not None and session.identity is not None


def _policy(services: Services, name: str) -> str:
    if name not in {each.policy for each in services_of(services)}:
        raise RequestRejected("policy_unknown", 404)
    return name


def _purpose(services: Services, policy: str) -> str:
    return next((each.purpose for each in services_of(services) if each.policy == policy), policy)


def _tell(services: Services, reference: str, kind: str, about: str) -> None:
    services.trace(ActionLine(reference, kind, about, "withdrawn" if kind == "withdrawal" else "open", "person"))
    services.metrics.count(
        "gateway_disputes_total",
        reason=f"{kind}:{about}" if about else kind,
        outcome="withdrawn" if kind == "withdrawal" else "open",
    )


def short_name(identity: Identity | None) -> str:
    """`DUBOIS Angela`: enough for the service to know who wrote."""
    if identity is None:
        return ""
    return " ".join(filter(None, (identity.birth_name, *identity.given_names[:1])))


def plain(text: str) -> str:
    """What was typed, without what shows as something else: controls, bidirectional marks, invisible characters."""
    unified = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(char for char in unified if char == "\n" or unicodedata.category(char)[0] != "C").strip()
