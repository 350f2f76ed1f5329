"""Numéro d'allocataire and code postal: what is told, what is not, and how often one may try."""

import asyncio
import os
import re
import socket
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway import assembly
from gateway.sandbox.identities import MATCHING
from gateway.web import caf_number
from tests.browser import Person
from tests.world import World, running

NUMBER_POLICY = """
purpose: Essai du mode numéro
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
household: {mode: number, review: false, when_missing: alternative}
alternative: {url: /accueil, text: Se présenter à l'accueil}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
"""
NUMBER: dict[str, Any] = {
    "changes": {
        "mode: franceconnect ": "mode: number\n    token: {env: API_PARTICULIER_TOKEN} ",
    },
    "policies": {"numero": NUMBER_POLICY},
    "routes": '  - {path: /numero/, upstream: "UPSTREAM", policy: numero}\n',
}


def _typed(world: World, person: Person, number: str, postal_code: str) -> tuple[int, str]:
    form = person.visit("/_gateway/allocataire?return_to=/numero/")
    page = person.press(form, "Continuer", number=number, postal_code=postal_code)
    return page.status, page.text.replace(page.text.rpartition("Référence : ")[2][:9], "")


JSON = {"accept": "application/json", "sec-fetch-mode": "cors"}


def marie(claims: dict[str, Any]) -> dict[str, Any]:
    """The first adult of the file 4400101, as FranceConnect would say her."""
    return claims | {
        "family_name": "MARTIN",
        "given_name": "Marie Louise",
        "given_name_array": ["Marie", "Louise"],
        "birthdate": "1969-02-25",
    }


def test_number_mode_never_tells_unknown_from_somebody_elses(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        person = world.person()
        page = world.sign_in(person, "/numero/", MATCHING)
        assert page.path.startswith("/_gateway/allocataire")
        unknown = _typed(world, person, "9999999", "33000")
        foreign = _typed(world, person, "4400101", "44100")
        assert unknown == foreign
        assert unknown[0] == 403
        assert len(set(world.slept)) <= 2
        assert all(0 < wait <= 4 for wait in world.slept)
        lines = world.audited("numero", 4)
        statuses = {line["household_status"] for line in lines if line["outcome"] == "alternative"}
        assert statuses == {"not_found"}
        assert '"reasons": "number_not_found"' in world.logs.getvalue()
        assert "MARTIN" not in world.written()
        ours = "".join(answer.text for answer in person.seen if str(answer.url).startswith(world.url))
        assert "MARTIN" not in ours


def test_number_mode_bounds_the_attempts_and_keeps_what_was_typed(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        person = world.person()
        form = world.sign_in(person, "/numero/", MATCHING)
        again = person.press(form, "Continuer", number="12A", postal_code="33000")
        assert again.status == 422
        assert again.forms[0].fields["number"] == "12A"
        statuses = [_typed(world, person, "9999999", "33000")[0] for _ in range(6)]
        assert statuses == [403] * 5 + [429]
        world.clock.ahead_s += 3600
        assert _typed(world, world.people[0], "9999999", "33000")[0] in {200, 403}


def test_who_tried_too_often_keeps_what_they_typed_and_has_one_thing_to_do(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        person = world.person()
        world.sign_in(person, "/numero/", MATCHING)
        for _ in range(5):
            _typed(world, person, "9999999", "33000")
        form = person.visit("/_gateway/allocataire?return_to=/numero/")
        page = person.press(form, "Continuer", number="4400101", postal_code="44100")
        assert (page.status, page.buttons) == (429, ["Réessayer"])
        assert page.forms[0].fields["number"] == "4400101"
        assert page.forms[0].fields["postal_code"] == "44100"
        assert ("Je préfère fournir un justificatif", "/accueil") in page.links
        calls = world.api.calls
        assert person.press(page, "Réessayer").status == 429
        assert world.api.calls == calls
        program = person.client.post("/_gateway/allocataire", data=page.forms[0].fields, headers=JSON)
        assert (program.status_code, program.json()["code"]) == (429, "number_attempts")


def test_each_field_s_error_stands_beside_it_and_is_announced(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        person = world.person()
        form = world.sign_in(person, "/numero/", MATCHING)
        page = person.press(form, "Continuer", number="12A", postal_code="330")
        assert page.status == 422
        assert page.response.text.count('aria-invalid="true"') == 2
        for name in ("number", "postal_code"):
            assert f'aria-describedby="{name}-format {name}-erreur"' in page.response.text
            assert f'id="{name}-erreur"' in page.response.text
            assert f'href="#{name}"' in page.response.text
        assert re.search(r"<title>Erreur\s:", page.response.text)
        one = person.press(form, "Continuer", number="1234567", postal_code="330")
        assert one.response.text.count('aria-invalid="true"') == 1
        assert world.api.calls == 0


WITH_AND_WITHOUT = pytest.mark.parametrize("login", [True, False])


def _raw(world: World, person: Person, number: str) -> bytes:
    """One POST on a socket of its own: every byte of the answer."""
    form = person.visit("/_gateway/allocataire?return_to=/numero/").forms[0]
    body = urlencode(form.fields | {"number": number, "postal_code": "44100"}).encode()
    cookies = "; ".join(f"{each.name}={each.value}" for each in person.client.cookies.jar if "gateway" in each.name)
    host = f"localhost:{world.settings.listen.port}"
    head = f"POST /_gateway/allocataire HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.settings.listen.port)) as sock:
        sock.sendall(head.encode() + body)
        return b"".join(iter(lambda: sock.recv(65_536), b""))


def _without_chance(answer: bytes) -> bytes:
    """Without what is drawn or dated anew for each answer, whoever asks."""
    answer = re.sub(rb"(?i)\r\ndate: [^\r]*", b"", answer)
    return re.sub(
        rb"(?i)(gateway-session=)[^;]*", lambda found: found[1] + b"x" * (len(found[0]) - len(found[1])), answer
    )


@WITH_AND_WITHOUT
def test_an_answer_is_the_same_byte_for_byte_whoever_the_number_belongs_to(tmp_path: Path, login: bool) -> None:
    policies = {"numero": NUMBER_POLICY if login else WITHOUT_LOGIN.replace("forward", "alternative")}
    with running(tmp_path, broker=True, **{**NUMBER, "policies": policies}) as world:
        answers = []
        for number in ("9999999", "4400101"):
            person = world.person()
            if login:
                world.sign_in(person, "/numero/", MATCHING)
            answers.append(_without_chance(_raw(world, person, number)))
        assert answers[0] == answers[1]
        assert answers[0].startswith(b"HTTP/1.1 303 ")


def test_the_page_after_it_is_as_long_and_says_the_same(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        person = world.person()
        world.sign_in(person, "/numero/", MATCHING)
        pages = []
        for number in ("9999999", "4400101"):
            form = person.visit("/_gateway/allocataire?return_to=/numero/")
            page = person.press(form, "Continuer", number=number, postal_code="44100").response
            text = re.sub(r"<strong>[A-Z0-9]{4}-[A-Z0-9]{4}</strong>", "", page.text)
            names = sorted(name for name in page.headers if name != "date")
            pages.append((page.status_code, len(page.content), text, names))
        assert pages[0] == pages[1]
        assert "Ce numéro n’est pas reconnu" in pages[0][2]


TRIES = int(os.environ.get("NUMBER_TRIES", "12"))
STEP_S = 0.25


@pytest.mark.slow
def test_an_answer_leaves_in_the_same_time_whoever_the_number_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured on real sockets with real waiting; `make verify` does it many times more (NUMBER_TRIES).

    Every answer leaves at a whole step. What is left of the difference between the two kinds is noise: it is compared
    with the difference between two halves of one kind.
    """
    monkeypatch.setattr(caf_number, "ANSWER_STEP_S", STEP_S)
    monkeypatch.setattr(assembly, "NUMBER_TRIES", 10_000)
    with running(tmp_path, broker=True, sleep=asyncio.sleep, **NUMBER) as world:
        person = world.person()
        world.sign_in(person, "/numero/", MATCHING)
        _raw(world, person, "9999999")
        took: dict[str, list[float]] = {"9999999": [], "4400101": [], "8888888": []}
        for _ in range(TRIES):
            for number, times in took.items():
                began = time.perf_counter()
                _raw(world, person, number)
                times.append(time.perf_counter() - began)
        middle = {number: statistics.median(times) for number, times in took.items()}
        noise = abs(middle["9999999"] - middle["8888888"])
        found = abs(middle["9999999"] - middle["4400101"])
        print(
            f"number mode: {TRIES} tries of each kind, medians {middle}, noise {noise:.5f} s, difference {found:.5f} s"
        )
        assert min(time_ for times in took.values() for time_ in times) >= STEP_S
        assert found < max(3 * noise, STEP_S / 10)


def test_a_review_without_an_identity_says_what_leaves_and_shows_no_value(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **{**NUMBER, "policies": {"numero": WITHOUT_LOGIN}}) as world:
        person = world.person()
        form = person.visit("/numero/")
        assert "votre identité n’a pas été vérifiée" in form.text
        page = person.press(form, "Continuer", number="4400101", postal_code="44100")
        assert "Votre quotient familial" in page.text
        ours = "".join(answer.text for answer in person.seen)
        for value in ("600", "MARTIN", "PIERRE"):
            assert value not in ours
        person.press(page, "Continuer")
        assert person.client.get("/numero/", headers=JSON).json()["headers"]["x-caf-quotient"] == "600"


def test_number_mode_gives_a_person_their_own_household(tmp_path: Path) -> None:
    with running(tmp_path, broker=True, **NUMBER) as world:
        world.franceconnect.faults.userinfo = marie
        person = world.person()
        form = world.sign_in(person, "/numero/", MATCHING)
        page = person.press(form, "Continuer", number=" 4400101 ", postal_code="44100")
        assert page.path == "/numero/"
        answer = person.client.get("/numero/", headers=JSON).json()
        assert (answer["signature"], answer["headers"]["x-caf-statut"]) == ("valid", "verified")
        assert answer["headers"]["x-caf-quotient"] == "600"


WITHOUT_LOGIN = """
purpose: Estimation du tarif
household: {mode: number, match: none, review: true, when_missing: forward}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
"""


@pytest.mark.parametrize(("number", "status"), [("4400101", "identity_unverified"), ("9999999", "not_found")])
def test_without_a_login_the_status_says_that_nobody_was_compared(tmp_path: Path, number: str, status: str) -> None:
    changes = {**NUMBER, "policies": {"numero": WITHOUT_LOGIN}}
    with running(tmp_path, broker=True, **changes) as world:
        person = world.person()
        page = person.press(person.visit("/numero/"), "Continuer", number=number, postal_code="44100")
        if status == "identity_unverified":
            assert page.path.startswith("/_gateway/review")
            page = person.press(page, "Continuer")
        answer = person.client.get("/numero/", headers=JSON).json()
        assert (answer["signature"], answer["headers"]["x-caf-statut"]) == ("anonymous", status)
        assert ("x-caf-quotient" in answer["headers"]) == (status == "identity_unverified")


@pytest.mark.parametrize(("listed", "other"), [("127.0.0.1/32", 403), ("192.0.2.0/24", 429)])
def test_people_behind_a_listed_proxy_have_attempts_of_their_own_and_an_invented_address_gives_none(
    tmp_path: Path, listed: str, other: int
) -> None:
    changes = {**NUMBER["changes"], "trusted_proxies: []": f"trusted_proxies: [{listed}]"}
    policy = WITHOUT_LOGIN.replace("when_missing: forward", "when_missing: deny")
    files: dict[str, Any] = {**NUMBER, "changes": changes, "policies": {"numero": policy}}
    with running(tmp_path, broker=True, **files) as world:
        for address, statuses in (("198.51.100.1", [403] * 5 + [429]), ("198.51.100.2", [other])):
            person = world.person()
            person.client.headers["x-forwarded-for"] = address
            assert [_typed(world, person, "9999999", "33000")[0] for _ in statuses] == statuses


@pytest.mark.parametrize(("pattern", "sixth"), [("2001:db8:1:1::{}", 429), ("2001:db8:1:{}::1", 403)])
def test_the_addresses_of_one_ipv6_subscriber_are_one(tmp_path: Path, pattern: str, sixth: int) -> None:
    """Whoever has IPv6 at home has a /64: each try could come from an address of its own. Another /64 is another's."""
    changes = {**NUMBER["changes"], "trusted_proxies: []": "trusted_proxies: [127.0.0.1/32]"}
    policy = WITHOUT_LOGIN.replace("when_missing: forward", "when_missing: deny")
    files: dict[str, Any] = {**NUMBER, "changes": changes, "policies": {"numero": policy}}
    with running(tmp_path, broker=True, **files) as world:
        statuses = []
        for number in range(1, 7):
            person = world.person()
            person.client.headers["x-forwarded-for"] = pattern.format(number)
            statuses.append(_typed(world, person, "9999999", "33000")[0])
        assert statuses == [403] * 5 + [sixth]


ENFANTS = WITHOUT_LOGIN.replace("Estimation du tarif", "Enfants inscrits").replace(
    "household.family_quotient", "household.children.count"
)
TWO: dict[str, Any] = {
    **NUMBER,
    "policies": {"numero": WITHOUT_LOGIN, "enfants": ENFANTS},
    "routes": NUMBER["routes"] + '  - {path: /enfants/, upstream: "UPSTREAM", policy: enfants}\n',
}


def _told(person: Person, path: str) -> dict[str, str]:
    said = person.client.get(path, headers=JSON).json().get("headers", {})
    return {name: said[name] for name in ("x-caf-statut", "x-caf-quotient") if name in said}


def test_who_mistyped_a_digit_finds_the_way_back_to_the_form(tmp_path: Path, lane: None) -> None:
    with running(tmp_path, broker=True, **TWO) as world:
        person = world.person()
        person.press(person.visit("/numero/"), "Continuer", number="9999999", postal_code="44100")
        assert _told(person, "/numero/") == {"x-caf-statut": "not_found"}
        form = person.press(person.visit("/_gateway/mes-donnees"), "Saisir un autre numéro pour : Estimation du tarif")
        review = person.press(form, "Continuer", number="4400101", postal_code="44100")
        assert person.press(review, "Continuer").path == "/numero/"
        assert _told(person, "/numero/") == {"x-caf-statut": "identity_unverified", "x-caf-quotient": "600"}


def test_who_typed_no_number_is_offered_no_other_one(tmp_path: Path, lane: None) -> None:
    with running(tmp_path, broker=True, **TWO) as world:
        person = world.person()
        world.sign_in(person, "/compte/", MATCHING)
        assert "Saisir un autre numéro" not in person.visit("/_gateway/mes-donnees").text


def test_the_last_number_typed_counts_for_each_service_and_two_are_never_joined(tmp_path: Path, lane: None) -> None:
    with running(tmp_path, broker=True, **TWO) as world:
        person = world.person()
        for path in ("/numero/", "/enfants/"):
            review = person.press(person.visit(path), "Continuer", number="4400101", postal_code="44100")
            person.press(review, "Continuer")
        assert _told(person, "/enfants/")["x-caf-quotient"] == "2"
        # What was confirmed was another answer: the same service shows this one before it leaves.
        assert person.visit("/numero/").path.startswith("/_gateway/review")
        person.press(person.visit("/numero/"), "Continuer")
        assert _told(person, "/numero/")["x-caf-quotient"] == "600"
        assert _typed(world, person, "9999999", "44100")[0] == 200
        for path in ("/numero/", "/enfants/"):
            assert "x-caf-quotient" not in _told(person, path)


def test_the_form_says_what_is_asked_why_it_may_be_and_for_how_long(tmp_path: Path, lane: None) -> None:
    with running(tmp_path, broker=True, **{**NUMBER, "policies": {"numero": WITHOUT_LOGIN}}) as world:
        page = world.person().visit("/numero/")
        assert "Demandées à la CAF" in page.text
        assert "votre quotient familial" in page.text
        assert "le résultat de la demande (dossier trouvé, ou non)" in page.text
        assert "Vous confirmez avant" in page.text
        assert "Les noms des adultes" not in page.text
        assert "Pourquoi est-ce permis" not in page.text
    with running(tmp_path / "login", broker=True, **NUMBER) as world:
        page = world.sign_in(world.person(), "/numero/", MATCHING)
        assert "mission d’intérêt public" in page.text
        assert "le temps de votre visite, puis tout est effacé" in page.text
        assert "Les noms des adultes" in page.text
        assert "votre nom de naissance" not in page.text
        english = world.people[0].visit(f"{page.path}&lang=en").text
        assert "your family quotient" in english
