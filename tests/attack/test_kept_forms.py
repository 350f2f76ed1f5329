"""Attacks on a form that waits for a login; each rejection has its positive twin in tests/integration/test_kept_forms."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.adapters.limits import Attempts
from gateway.adapters.sessions.forms import SMALL_BYTES, Forms
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.sealing import Seal
from gateway.core.http1.request import read_request
from gateway.ports import FormAbout, KeptForm
from gateway.sandbox.identities import MATCHING, UNKNOWN
from gateway.web.kept_forms import is_of_this_site
from gateway.web.snapshot import snapshot_of
from tests.browser import Page, Person
from tests.canary import always
from tests.flows import codes, cookies_named
from tests.fronted import Fronted, gateway_at
from tests.world import World

APP = "/app/inscription"
TYPED = "SECRET-TYPED-BY-A-PARENT"


@pytest.fixture
def fronted(tmp_path: Path, lane: None) -> Iterator[Fronted]:
    with gateway_at(tmp_path) as started:
        yield started


def _post(world: World, person: Person, **headers: str) -> Page:
    said = {"sec-fetch-site": "same-origin", "sec-fetch-dest": "document", "origin": world.url} | headers
    return person._follow(person.client.build_request("POST", APP, data={"texte": TYPED}, headers=said))


def _offer(world: World, person: Person, login: str = MATCHING) -> Page:
    page = person.press(_post(world, person), "S’identifier avec")
    return person.press(world.choose(person, page, login), "Continuer")


def _word(page: Page) -> dict[str, str]:
    form = next(form for form in page.forms if any(label == "Envoyer" for label, _, _ in form.buttons))
    return {name: value for _, name, value in form.buttons}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, id="another site"),
        pytest.param({"sec-fetch-site": "cross-site", "origin": "null"}, id="another site without an origin"),
        pytest.param({"sec-fetch-site": "same-site"}, id="another host of the same site"),
        pytest.param({"sec-fetch-site": "none"}, id="no page at all"),
        pytest.param({"origin": "https://evil.example"}, id="an origin that disagrees"),
        pytest.param({"sec-fetch-site": "", "origin": "https://evil.example"}, id="an old browser, another site"),
        pytest.param({"sec-fetch-site": "", "origin": "null", "sec-fetch-mode": ""}, id="an old browser, no origin"),
    ],
)
def test_no_other_site_can_prepare_a_form(fronted: Fronted, headers: dict[str, str]) -> None:
    person = fronted.world.person()
    page = _post(fronted.world, person, **headers)
    assert (page.status, "n’a pas été envoyé" in page.text) == (401, True)
    assert cookies_named(person, "gateway-form-") == []
    assert set(codes(fronted.world, "form")) == {"form_from_elsewhere"}


def test_an_old_browser_s_own_form_is_kept(fronted: Fronted) -> None:
    person = fronted.world.person()
    _post(fronted.world, person, **{"sec-fetch-site": "", "sec-fetch-mode": "", "sec-fetch-dest": ""})
    assert len(cookies_named(person, "gateway-form-")) == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "", "multipart/form-data; boundary=" + "x" * 300])
def test_what_no_form_sends_is_not_kept(fronted: Fronted, kind: str) -> None:
    person = fronted.world.person()
    assert _post(fronted.world, person, **{"content-type": kind}).status == 401
    assert cookies_named(person, "gateway-form-") == []


@pytest.mark.parametrize("word", ["", "x", "é" * 3, "0" * 43])
def test_only_our_button_sends_it(fronted: Fronted, word: str) -> None:
    world, person = fronted.world, fronted.world.person()
    _offer(world, person)
    answer = person.client.post(APP, data={"gateway_form": word})
    assert (answer.status_code, answer.headers["location"]) == (303, "/_gateway/resume?return_to=%2Fapp%2Finscription")
    assert fronted.canary.seen == []


def test_another_site_cannot_press_our_button(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    word = _word(_offer(world, person))
    answer = person.client.post(APP, data=word, headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, fronted.canary.seen) == (303, [])
    assert person.client.post(APP, data=word, headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_the_word_of_one_browser_sends_nothing_in_another(fronted: Fronted) -> None:
    world, attacker, victim = fronted.world, fronted.world.person(), fronted.world.person()
    word = _word(_offer(world, attacker))
    _offer(world, victim, UNKNOWN)
    answer = victim.client.post(APP, data=word, headers={"sec-fetch-site": "same-origin"})
    assert (answer.status_code, fronted.canary.seen) == (303, [])


def test_the_word_of_one_person_sends_nothing_for_the_next_at_the_same_computer(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    word = _word(_offer(world, person))
    for name in ("gateway-session", "sandbox-fc-session"):
        person.client.cookies.delete(name)
    page = person.press(person.visit("/_gateway/login?return_to=/compte/"), "S’identifier avec")
    person.press(world.choose(person, page, UNKNOWN), "Continuer")
    answer = person.client.post(APP, data=word, headers={"sec-fetch-site": "same-origin"})
    assert (answer.status_code, fronted.canary.seen) == (303, [])


def test_a_form_typed_while_signed_in_is_never_sent_for_somebody_else(tmp_path: Path) -> None:
    routes = '\n  - {path: /fort/, upstream: "http://127.0.0.1:CANARY", policy: fort, name: fort}\n'
    policy = (
        "purpose: Dossier famille\nlegal_basis: mission\nretention: session\nlogin: {acr: eidas1}\n"
        "household: {match: required, review: false, when_missing: forward}\n"
        "alternative: {url: /ailleurs, text: {fr: Au guichet}}\ninject: {X-Caf-Statut: household.status, "
        "X-Caf-Nombre: household.children.count}\n"
    )
    with gateway_at(tmp_path, routes=routes, policies={"fort": policy}) as fronted:
        world, person = fronted.world, fronted.world.person()
        world.sign_in(person, "/compte/", MATCHING)
        said = {"sec-fetch-site": "same-origin", "origin": world.url}
        login = person._follow(person.client.build_request("POST", "/fort/", data={"a": TYPED}, headers=said))
        assert "besoin en plus" in login.text
        person.client.cookies.delete("sandbox-fc-session")
        page = world.choose(person, person.press(login, "S’identifier avec"), UNKNOWN)
        refused = person.press(page, "Continuer")
        assert (refused.status, "par une autre personne" in refused.text) == (409, True)
        assert cookies_named(person, "gateway-form-") == []
        assert fronted.canary.seen == []


def test_a_form_typed_while_signed_in_is_sent_for_the_same_person(tmp_path: Path) -> None:
    with gateway_at(
        tmp_path, routes='\n  - {path: /fort/, upstream: "http://127.0.0.1:CANARY", policy: famille}\n'
    ) as it:
        world, person = it.world, it.world.person()
        world.sign_in(person, "/compte/", MATCHING)
        said = {"sec-fetch-site": "same-origin", "origin": world.url}
        login = person._follow(person.client.build_request("POST", "/fort/", data={"a": "1"}, headers=said))
        review = person.press(person.press(login, "S’identifier avec"), "Continuer")
        person.press(person.press(review, "Continuer"), "Envoyer")
        assert [seen.body for seen in it.canary.seen] == [b"a=1"]


def test_nothing_that_was_typed_is_readable_in_the_store_or_the_logs(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    offer = _offer(world, person)
    assert TYPED not in world.written()
    assert TYPED not in offer.response.text
    person.press(offer, "Envoyer")
    assert TYPED not in world.written()
    assert TYPED.encode() in fronted.canary.received


def test_a_crowd_of_forms_cannot_fill_the_store(fronted: Fronted) -> None:
    world = fronted.world
    said = {
        "sec-fetch-site": "same-origin",
        "sec-fetch-dest": "document",
        "sec-fetch-mode": "navigate",
        "origin": world.url,
    }
    with httpx.Client(base_url=world.url, headers=said, trust_env=False) as client:
        statuses = []
        for _ in range(70):
            client.cookies.clear()
            statuses.append(client.post(APP, data={"a": "1"}).status_code)
    assert (statuses.count(303), statuses.count(401)) == (60, 10)


def _forms(records: MemoryRecords, tries: int) -> Forms:
    def attempts(tries: int) -> Attempts:
        return Attempts(records, lambda: 100.0, b"k" * 32, tries=tries, period_s=60)

    return Forms(records, lambda: 100.0, by_address=attempts(9), small=attempts(tries), large=attempts(tries), ttl_s=60)


ABOUT = FormAbout("/a", "h", "r", "t", "", "", "", 100)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, SMALL_BYTES + 1])
async def test_everybody_together_is_bounded_too(size: int) -> None:
    forms = _forms(MemoryRecords(), 2)
    form = KeptForm(ABOUT, b"\n" * size)
    kept = [await forms.keep(f"{number:064x}", form, f"address {number}") for number in range(3)]
    assert kept == [True, True, False]
    # Those with a file and those without do not take each other's place.
    other = KeptForm(ABOUT, b"x" * (SMALL_BYTES + 2 - size))
    assert await forms.keep("f" * 64, other, "address") is True


@pytest.mark.anyio
async def test_a_form_is_given_back_to_the_byte_and_once() -> None:
    records = MemoryRecords()
    forms = _forms(records, 9)
    form = KeptForm(ABOUT, b"\n{}\x00\xff")
    assert await forms.keep("0" * 64, form, "address")
    assert await forms.look("0" * 64) == form
    assert await forms.take("0" * 64) == form
    assert await forms.take("0" * 64) is None
    assert await forms.look("x") is None
    await forms.drop("x")


@pytest.mark.anyio
async def test_a_form_kept_by_another_version_is_gone_and_no_failure() -> None:
    records = MemoryRecords()
    seal = Seal("0" * 64, "form")
    await records.create(seal.name, seal.close(b'{"other":1}\nbody'), 200)
    assert await _forms(records, 9).look("0" * 64) is None


def test_the_cookie_of_a_form_is_never_the_application_s_to_see_or_set(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    _offer(world, person)
    (name,) = cookies_named(person, "gateway-form-")
    fronted.canary.script = always(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: %b=stolen\r\nSet-Cookie: own=1\r\nContent-Length: 0\r\n\r\n" % name.encode()
    )
    answer = person.client.get("/app/")
    assert [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")] == ["own"]
    assert all(b"gateway-" not in line for line in fronted.canary.seen[-1].values("cookie"))


ELSEWHERE = """
  - {host: other.localhost, path: /app/, upstream: "http://127.0.0.1:CANARY", policy: raffle, name: raffle}
  - {path: /form, methods: [GET], upstream: "http://127.0.0.1:CANARY", policy: raffle, name: form-page}
  - {path: /form, methods: [POST], upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: form}
"""
RAFFLE = {"raffle": "purpose: Tirage au sort\n"}


def test_no_link_makes_the_page_name_another_service_than_the_form_goes_to(tmp_path: Path) -> None:
    with gateway_at(tmp_path, routes=ELSEWHERE, policies=RAFFLE) as fronted:
        world, person = fronted.world, fronted.world.person()
        offer = _offer(world, person)
        assert "Envoyer" in offer.buttons
        port = fronted.port
        answer = person.client.get(f"/_gateway/resume?return_to=http://other.localhost:{port}{APP}")
        assert (answer.status_code, "Tirage" in answer.text) == (303, False)
        assert "Envoyer" in person.visit(f"/_gateway/resume?return_to={APP}").buttons


def test_the_page_names_the_service_that_takes_the_form_and_not_the_one_that_showed_it(tmp_path: Path) -> None:
    with gateway_at(tmp_path, routes=ELSEWHERE, policies=RAFFLE) as fronted:
        world, person = fronted.world, fronted.world.person()
        world.sign_in(person, "/compte/", MATCHING)
        session = person.client.cookies.get("gateway-session") or ""
        person.client.cookies.delete("gateway-session")
        said = {"sec-fetch-site": "same-origin", "sec-fetch-dest": "document", "origin": world.url}
        assert person.client.post("/form", data={"texte": TYPED}, headers=said).status_code == 303
        person.client.cookies.set("gateway-session", session)
        page = person.visit("/_gateway/resume?return_to=/form")
        assert ("Envoyer" in page.buttons, "Tirage" in page.text) == (True, False)


@pytest.mark.parametrize(("origin", "kept"), [(b"https://ville.fr", True), (b"http://ville.fr", False)])
def test_a_page_that_came_without_tls_prepares_no_form(origin: bytes, kept: bool) -> None:
    """An old browser on a network where somebody writes into what comes over plain HTTP."""
    head = read_request(b"POST /app/ HTTP/1.1\r\nHost: ville.fr\r\nContent-Length: 1\r\nOrigin: %b" % origin)
    assert is_of_this_site(snapshot_of(head, "127.0.0.1"), "https") is kept


def test_a_form_that_its_service_would_not_take_is_not_kept_for_it(tmp_path: Path) -> None:
    routes = '\n  - {path: /lean/, upstream: "http://127.0.0.1:CANARY", policy: signed-in, max_body_bytes: 100}\n'
    with gateway_at(tmp_path, routes=routes) as fronted:
        said = {"sec-fetch-site": "same-origin", "sec-fetch-dest": "document", "origin": fronted.world.url}
        person = fronted.world.person()
        statuses = [
            person.client.post("/lean/", data={"a": "x" * size}, headers=said).status_code for size in (200, 20)
        ]
        assert statuses == [401, 303]
