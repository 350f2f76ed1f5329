"""A form that a login interrupts: kept and sent when its sender says so, or its sender is told (peers §3.1, 10)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from gateway.sandbox.identities import MATCHING, UNKNOWN
from gateway.web.cookies import LOGIN_S
from tests.browser import Page, Person, read
from tests.canary import always
from tests.flows import codes, cookies_named
from tests.fronted import Fronted, gateway_at
from tests.world import World

APP = "/app/inscription?enfant=2"
FORM = {"nom": "DUBOIS", "activité": "judo & poterie"}
SMALL = "kept_post_bytes: 2000"

_ROUTES = """
  - {path: /ecrire/, methods: [POST], upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: ecrire}
  - {path: /relire/, upstream: "http://127.0.0.1:CANARY", policy: cantine, name: relire}
  - {path: /mort/, upstream: "http://127.0.0.1:1", policy: signed-in, name: mort}
"""


@pytest.fixture
def fronted(tmp_path: Path, lane: None) -> Iterator[Fronted]:
    with gateway_at(tmp_path, routes=_ROUTES, limits=SMALL) as started:
        yield started


def _own(world: World, **more: str) -> dict[str, str]:
    """What a browser says of a form on a page of this site."""
    return {"sec-fetch-site": "same-origin", "sec-fetch-dest": "document", "origin": world.url, **more}


def _post(world: World, person: Person, url: str = APP, **request: object) -> Page:
    request = {"data": FORM, "headers": _own(world, referer=world.url + "/app/formulaire")} | request
    return person._follow(person.client.build_request("POST", url, **request))  # type: ignore[arg-type]


def _through(world: World, person: Person, page: Page, login: str = MATCHING) -> Page:
    page = person.press(page, "S’identifier avec")
    if not any("Continuer" in button for button in page.buttons):
        page = world.choose(person, page, login)
    return person.press(page, "Continuer")


def test_what_was_typed_is_sent_after_the_login_when_the_person_says_so(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    login = _post(world, person)
    assert login.path.startswith("/_gateway/login?return_to=")
    assert fronted.canary.seen == []
    offer = _through(world, person, login)
    assert offer.path.startswith("/_gateway/resume")
    assert "Vous étiez en train d’envoyer un formulaire" in offer.text
    assert fronted.canary.seen == []
    sent = person.press(offer, "Envoyer")
    assert (sent.status, sent.path) == (200, APP)
    (seen,) = fronted.canary.seen
    assert (seen.method, seen.target) == ("POST", APP.encode())
    assert seen.body == httpx.Request("POST", "http://x", data=FORM).content
    assert seen.values("content-type") == [b"application/x-www-form-urlencoded"]
    assert seen.values("origin") == [world.url.encode()]
    assert seen.values("referer") == [f"{world.url}/app/formulaire".encode()]
    assert len(seen.values("x-gateway-assertion")) == 1
    assert len(seen.values("x-usager-nom")) == 1
    assert b"gateway_form" not in fronted.canary.received


def test_the_button_is_ours_also_where_the_service_was_used_meanwhile(fronted: Fronted) -> None:
    """From another tab: what the service receives is noted, and its requests take the quick lane."""
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person))
    for _ in range(2):
        assert person.client.get("/app/").status_code == 200
    fronted.forget()
    assert person.press(offer, "Envoyer").status == 200
    (seen,) = fronted.canary.seen
    assert seen.body == httpx.Request("POST", "http://x", data=FORM).content
    assert b"gateway_form" not in fronted.canary.received


def test_its_signature_covers_the_body_as_it_was_typed(tmp_path: Path, lane: None) -> None:
    with gateway_at(tmp_path) as started:
        world, person = started.world, started.world.person()
        offer = _through(world, person, _post(world, person, "/compte/ecrire"))
        sent = person.press(offer, "Envoyer")
        assert "Signature valide" in sent.text


def test_a_file_is_sent_byte_for_byte(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    files = {"piece": ("attestation.pdf", bytes(range(256)) * 4, "application/pdf")}
    request = person.client.build_request("POST", APP, files=files, headers=_own(world))
    whole = request.read()
    offer = _through(world, person, person._follow(request))
    person.press(offer, "Envoyer")
    (seen,) = fronted.canary.seen
    assert seen.body == whole
    assert seen.values("content-type") == [request.headers["content-type"].encode()]


def test_a_body_of_unknown_length_is_kept_as_well(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    headers = _own(world, **{"content-type": "application/x-www-form-urlencoded"})
    login = _post(world, person, data=None, content=iter([b"a=1", b"&b=2"]), headers=headers)
    person.press(_through(world, person, login), "Envoyer")
    assert fronted.canary.seen[-1].body == b"a=1&b=2"


def test_it_is_sent_once_however_often_the_button_is_pressed(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person))
    person.press(offer, "Envoyer")
    again = person.press(offer, "Envoyer")
    assert (again.status, "n’est plus en attente" in again.text) == (409, True)
    assert len(fronted.canary.seen) == 1


def test_who_does_not_want_it_sent_goes_back_to_the_page_of_the_form(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person))
    page = person.press(offer, "Ne pas envoyer")
    assert page.path == "/app/formulaire"
    assert [seen.method for seen in fronted.canary.seen] == ["GET"]
    assert cookies_named(person, "gateway-form-") == []
    assert person.press(offer, "Envoyer").status != 409


def test_a_route_that_takes_only_posts_is_waited_for_too(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person, "/ecrire/"))
    assert person.press(offer, "Envoyer").path == "/ecrire/"
    assert fronted.canary.seen[-1].method == "POST"


def test_two_forms_wait_side_by_side(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    first = _post(world, person, "/app/un", data={"n": "1"})
    second = _post(world, person, "/app/deux", data={"n": "2"})
    offers = [_through(world, person, page) for page in (second, first)]
    for offer in offers:
        person.press(offer, "Envoyer")
    assert [(seen.target, seen.body) for seen in fronted.canary.seen] == [(b"/app/deux", b"n=2"), (b"/app/un", b"n=1")]


def test_the_review_comes_before_the_form_is_offered(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    page = _through(world, person, _post(world, person, "/relire/"))
    assert page.path.startswith("/_gateway/review")
    offer = person.press(page, "Continuer")
    assert offer.path.startswith("/_gateway/resume")
    person.press(offer, "Envoyer")
    (seen,) = fronted.canary.seen
    assert len(seen.values("x-caf-tranche")) == 1


def test_a_form_whose_person_is_refused_still_waits(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person, "/relire/"), UNKNOWN)
    refused = person.press(offer, "Envoyer")
    assert (refused.status, fronted.canary.seen) == (403, [])
    assert person.press(offer, "Envoyer").status == 403


def test_a_session_that_ends_between_the_offer_and_the_button_loses_nothing(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person))
    person.client.cookies.delete("gateway-session")
    login = person.press(offer, "Envoyer")
    assert login.path.startswith("/_gateway/login")
    person.press(_through(world, person, login), "Envoyer")
    assert fronted.canary.seen[-1].body == httpx.Request("POST", "http://x", data=FORM).content


def test_an_application_that_does_not_answer_leaves_the_form_waiting(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person, "/mort/"))
    failed = person.press(offer, "Envoyer")
    assert failed.status in {502, 503}
    again = person.press(failed, "Recommencer")
    assert again.path.startswith("/_gateway/resume")
    assert "peut-être arrivé" in again.text


def test_a_form_too_large_is_not_kept_and_its_sender_is_told_how_to_find_it(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    for body in ({"data": {"a": "x" * 3000}}, {"data": None, "content": iter([b"a=" + b"x" * 3000])}):
        headers = _own(world, **{"content-type": "application/x-www-form-urlencoded"})
        page = _post(world, person, headers=headers, **body)
        assert (page.status, page.path) == (401, APP)
        assert "n’a pas été envoyé" in page.text
        assert "page précédente" in page.text
        assert any("nouvel onglet" in text for text, _ in page.links)
    assert cookies_named(person, "gateway-form-") == []
    assert set(codes(world, "form")) == {"form_too_large"}
    assert fronted.canary.seen == []


def test_a_megabyte_that_is_not_kept_is_heard_out_so_that_the_page_arrives(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    page = _post(world, person, files={"piece": b"x" * 4_000_000}, data=None)
    assert (page.status, "n’a pas été envoyé" in page.text) == (401, True)
    # All of it was read: else the connection is closed, and a slow sender sees that instead of the page.
    assert "connection" not in page.response.headers


def test_an_older_form_for_the_same_address_gives_way(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    _post(world, person, data={"n": "1"})
    offer = _through(world, person, _post(world, person, data={"n": "2"}))
    person.press(offer, "Envoyer")
    assert [seen.body for seen in fronted.canary.seen] == [b"n=2"]


def test_an_older_form_for_the_same_address_is_gone_from_the_store(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    _post(world, person, data={"n": "1"})
    (older,) = [cookie for cookie in person.client.cookies.jar if "gateway-form-" in cookie.name]
    _through(world, person, _post(world, person, data={"n": "2"}))
    assert person.visit(f"/_gateway/resume?return_to={quote(APP)}").path.startswith("/_gateway/resume")
    person.client.cookies.set(older.name, older.value or "", domain=older.domain)
    assert person.visit(f"/_gateway/resume?return_to={quote(APP)}").path == APP


def test_a_form_waits_no_longer_than_a_login_may_last(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    login = _post(world, person)
    world.clock.ahead_s += LOGIN_S + 1
    page = _through(world, person, person.visit(APP))
    assert login.path.startswith("/_gateway/login")
    assert page.path == APP
    assert [seen.method for seen in fronted.canary.seen] == ["GET"]


def test_who_logs_out_leaves_no_form_for_the_next_at_the_same_computer(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    _through(world, person, _post(world, person))
    held = cookies_named(person, "gateway-form-")
    assert len(held) == 1
    person.press(person.visit("/_gateway/logout"), "Se déconnecter")
    assert cookies_named(person, "gateway-form-") == []
    assert _through(world, person, person.visit(APP)).path == APP


def test_a_form_of_the_application_is_not_taken_for_our_button(fronted: Fronted) -> None:
    world, person = fronted.world, fronted.world.person()
    _through(world, person, _post(world, person))
    answer = _post(world, person, data={"court": "1"})
    assert answer.status == 200
    assert fronted.canary.seen[-1].body == b"court=1"


def test_a_program_s_post_is_a_401_and_never_kept(fronted: Fronted) -> None:
    world = fronted.world
    headers = _own(world) | {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "accept": "*/*"}
    answer = httpx.post(world.url + APP, data=FORM, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "anonymous")
    assert "set-cookie" not in answer.headers


def test_with_forward_auth_the_body_is_out_of_reach_and_the_login_page_says_so(tmp_path: Path) -> None:
    changes = {"trusted_proxies: []": "trusted_proxies: [127.0.0.1/32]"}
    with gateway_at(tmp_path, changes=changes) as started:
        world = started.world
        asked = {"x-forwarded-method": "POST", "x-forwarded-host": world.url.removeprefix("http://")}
        headers = _own(world) | asked | {"x-forwarded-uri": "/compte/ecrire", "sec-fetch-mode": "navigate"}
        answer = httpx.get(f"{world.url}/_gateway/auth", headers=headers, trust_env=False)
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        page = world.person().visit(answer.headers["location"])
        assert "n’est pas parti" in page.text
        assert "n’est pas parti" not in world.person().visit("/_gateway/login?return_to=/compte/").text


def test_an_operator_may_keep_no_form_at_all(tmp_path: Path) -> None:
    with gateway_at(tmp_path, limits="kept_post_bytes: 0") as started:
        person = started.world.person()
        assert _post(started.world, person).status == 401
        assert cookies_named(person, "gateway-form-") == []


def test_the_page_lets_the_application_redirect_to_anywhere(fronted: Fronted) -> None:
    """A browser checks `form-action` against where a form is redirected to: a payment, another host of the town."""
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person))
    assert "form-action 'self' http:" in offer.response.headers["content-security-policy"]


def test_a_canned_answer_of_the_application_reaches_the_person(fronted: Fronted) -> None:
    fronted.canary.script = always(b"HTTP/1.1 303 See Other\r\nLocation: /app/merci\r\nContent-Length: 0\r\n\r\n")
    world, person = fronted.world, fronted.world.person()
    offer = _through(world, person, _post(world, person))
    form = next(form for form in offer.forms if form.buttons[0][0] == "Envoyer")
    answer = person.client.post(form.action, data={"gateway_form": form.buttons[0][2]}, headers=_own(world))
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/merci")
    assert read(answer).forms == []
