"""What a browser remembers of a provider that failed it: its own, for five minutes, and worth nothing but a status."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from gateway.web.cookies import OUTAGE_S, Cookies, digest_of
from tests.browser import Person
from tests.flows import cookies_named
from tests.parts import Parts, parts

LIBRE = """
purpose: Essai libre
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1, optional: true}
household: {review: false}
alternative: {url: /justificatif, text: {fr: Déposer une attestation}}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
"""
ROUTES = '  - {path: /libre/, upstream: "UPSTREAM", policy: libre}\n'
FAILS = "E010011"
"""A test identity of whom FranceConnect says `temporarily_unavailable`."""


@pytest.fixture
def broken(tmp_path: Path, lane: None) -> Iterator[Parts]:
    with parts(tmp_path, routes=ROUTES, policies={"libre": LIBRE}) as running:
        yield running


def _status(person: Person) -> str:
    page = person.visit("/libre/")
    assert page.status == 200
    return next(
        word
        for word in ("not_authenticated", "unavailable", "verified", "not_asked")
        if f"<td>{word}" in page.response.text
    )


def _tries(broken: Parts, person: Person) -> None:
    person.press(person.visit("/cantine/"), "S’identifier avec")


def test_metadata_that_cannot_be_had_when_a_person_tries_are_told_as_such_for_five_minutes(broken: Parts) -> None:
    broken.franceconnect.stop()
    person, other = broken.world.person(), broken.world.person()
    person.visit("/cantine/")
    assert _status(person) == "not_authenticated"  # the page was only looked at
    _tries(broken, person)
    assert (_status(person), _status(other)) == ("unavailable", "not_authenticated")
    broken.world.clock.ahead_s += OUTAGE_S - 60  # a slow machine's own seconds pass too
    assert _status(person) == "unavailable"
    broken.world.clock.ahead_s += 60
    assert _status(person) == "not_authenticated"


def test_the_next_login_takes_the_mark_away(broken: Parts) -> None:
    person = broken.world.person()
    broken.world.franceconnect.faults.token_status = 503
    broken.world.sign_in(person, "/compte/", MATCHING)
    assert len(cookies_named(person, "gateway-outage-")) == 1
    assert _status(person) == "unavailable"
    broken.world.franceconnect.faults.token_status = 200
    page = person.press(person.visit("/compte/"), "S’identifier avec")
    assert person.press(page, "Continuer").status == 200
    assert cookies_named(person, "gateway-outage-") == []


def test_a_mark_that_we_did_not_sign_counts_as_none(broken: Parts) -> None:
    (line,) = Cookies(broken.world.url, [b"x" * 32]).outages.put(
        [], "franceconnect", digest_of("franceconnect"), int(broken.world.clock())
    )
    name, _, value = line.partition(";")[0].partition("=")
    person = broken.world.person()
    person.client.cookies.set(name, value)
    assert _status(person) == "not_authenticated"


def test_an_error_in_an_address_marks_the_provider_for_nobody_else(broken: Parts) -> None:
    """Whoever began a login can end it with any error they like."""
    person = broken.world.person()
    page = person.press(person.visit("/cantine/"), "S’identifier avec")
    page = broken.world.choose(person, page, FAILS)
    page = person.press(page, "Revenir à")
    assert page.status == 503
    assert "ne répond pas" in person.visit("/cantine/").text
    assert "ne répond pas" not in broken.world.person().visit("/cantine/").text


def test_the_answer_to_a_browser_with_a_mark_is_kept_by_no_shared_cache(broken: Parts) -> None:
    person = broken.world.person()
    assert "private" not in person.visit("/libre/").response.headers.get("cache-control", "")
    broken.world.franceconnect.faults.token_status = 503
    broken.world.sign_in(person, "/compte/", MATCHING)
    assert _status(person) == "unavailable"
    assert "private" in person.visit("/libre/").response.headers["cache-control"]


def test_the_application_never_sees_the_mark(broken: Parts) -> None:
    person = broken.world.person()
    broken.world.franceconnect.faults.token_status = 503
    broken.world.sign_in(person, "/compte/", MATCHING)
    assert cookies_named(person, "gateway-outage-")
    assert "gateway-outage" not in person.visit("/libre/").response.text
