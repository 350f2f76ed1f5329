"""Real servers killed at each point of the journey: the page that a person then sees, and how they go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from tests.browser import Page, Person
from tests.parts import Parts, can_go_on, parts
from tests.processes import until

CANTINE = "/cantine/"
WAY_OUT = "Je préfère fournir un justificatif"


@pytest.fixture
def broken(tmp_path: Path, lane: None) -> Iterator[Parts]:
    with parts(tmp_path) as running:
        yield running


def _consented(running: Parts, person: Person, path: str) -> str:
    """The address of the callback, which the browser has not followed yet."""
    page = person.press(person.visit(path), "S’identifier avec")
    page = running.world.choose(person, page, MATCHING)
    (form,) = [form for form in page.forms if any("Continuer" in label for label, _, _ in form.buttons)]
    url = str(person.client.base_url.join(page.url).join(form.action))
    return person.client.post(url, data=form.fields).headers["location"]


def _goes_on(running: Parts, person: Person, page: Page) -> None:
    """«Recommencer» leads back through the login to where the person wanted to go."""
    page = person.press(page, "Recommencer")
    page = person.press(page, "S’identifier avec")
    if not any("Continuer" in button for button in page.buttons):
        page = running.world.choose(person, page, MATCHING)
    review = person.press(page, "Continuer")
    assert review.path.startswith("/_gateway/review")
    page = person.press(review, "Continuer")
    assert (page.status, page.path) == (200, CANTINE)


def _down(page: Page) -> str:
    assert page.status == 503
    assert "FranceConnect ne répond pas" in page.text
    assert WAY_OUT in [text for text, _ in page.links]
    return can_go_on(page)


def test_discovery_down_ends_on_a_page_and_the_button_is_marked_until_it_works_again(broken: Parts) -> None:
    broken.franceconnect.stop()
    person = broken.world.person()
    page = person.press(person.visit(CANTINE), "S’identifier avec")
    reference = _down(page)
    (line,) = broken.logged("login_failed")
    assert (line["code"], line["dependency"], line["reference"]) == ("provider_unreachable", "franceconnect", reference)
    login = person.press(page, "Recommencer")
    assert "FranceConnect ne répond pas pour le moment" in login.text
    # Without FranceConnect first, and said once.
    assert [text for text, _ in login.links].count(WAY_OUT) == 1
    assert login.response.text.index(WAY_OUT) < login.response.text.index("S’identifier avec")
    assert person.press(login, WAY_OUT).status == 200
    broken.franceconnect.start()
    broken.world.clock.ahead_s += 6  # after a failure the metadata are asked for again this much later
    broken.provider_clock.ahead_s += 6
    _goes_on(broken, person, page)
    after = broken.world.person().visit(CANTINE)
    assert "ne répond pas" not in after.text
    assert after.response.text.index("S’identifier avec") < after.response.text.index(WAY_OUT)


def test_the_mark_goes_by_itself(broken: Parts) -> None:
    broken.franceconnect.stop()
    person = broken.world.person()
    person.press(person.visit(CANTINE), "S’identifier avec")
    assert "ne répond pas" in broken.world.person().visit(CANTINE).text
    broken.world.clock.ahead_s += 61
    # Its metadata are read when the page is shown: while they cannot be had, the page goes on saying so.
    assert "ne répond pas" in broken.world.person().visit(CANTINE).text
    broken.franceconnect.start()
    broken.world.clock.ahead_s += 61
    assert "ne répond pas" not in broken.world.person().visit(CANTINE).text


def test_the_token_endpoint_down_after_consent(broken: Parts) -> None:
    person = broken.world.person()
    callback = _consented(broken, person, CANTINE)
    broken.franceconnect.stop()
    page = person.visit(callback)
    assert broken.logged("login_failed")[0]["reference"] == _down(page)
    broken.franceconnect.start()
    _goes_on(broken, person, page)


def test_userinfo_down_after_the_token(broken: Parts) -> None:
    person = broken.world.person()
    callback = _consented(broken, person, CANTINE)
    broken.userinfo.stop()
    page = person.visit(callback)
    _down(page)
    broken.userinfo.start()
    _goes_on(broken, person, page)


def test_keys_down_with_a_cold_cache(broken: Parts) -> None:
    person = broken.world.person()
    callback = _consented(broken, person, CANTINE)
    broken.jwks.stop()
    page = person.visit(callback)
    _down(page)
    broken.jwks.start()
    _goes_on(broken, person, page)


def test_keys_down_with_a_warm_cache_and_logins_go_on(broken: Parts) -> None:
    first = broken.world.person()
    assert broken.world.sign_in(first, "/compte/", MATCHING).status == 200
    broken.jwks.stop()
    for later_s in (0, 700, 700):
        broken.world.clock.ahead_s += later_s
        broken.provider_clock.ahead_s += later_s
        person = broken.world.person()
        assert broken.world.sign_in(person, "/compte/", MATCHING).status == 200


@pytest.mark.parametrize(("off_s", "code"), [(-600.0, "claim_exp"), (600.0, "claim_iat")])
def test_a_clock_that_is_off_ends_on_a_page_and_its_code_says_why(broken: Parts, off_s: float, code: str) -> None:
    broken.provider_clock.ahead_s = off_s
    person = broken.world.person()
    page = broken.world.sign_in(person, CANTINE, MATCHING)
    assert page.status == 400
    reference = can_go_on(page)
    (line,) = broken.logged("login_failed")
    assert line["reference"] == reference
    assert line["code"] == code
    broken.provider_clock.ahead_s = 0.0
    _goes_on(broken, person, page)


def test_api_particulier_down_is_unavailable_and_the_login_holds(broken: Parts) -> None:
    broken.api.stop()
    person = broken.world.person()
    page = broken.world.sign_in(person, CANTINE, MATCHING)
    assert page.status == 403
    assert "ne répond pas" in page.text
    assert WAY_OUT in [text for text, _ in page.links]
    assert person.visit("/compte/").status == 200
    (line,) = broken.logged("household")
    assert (line["outcome"], line["reasons"]) == ("unavailable", "api_particulier_connection")


def test_an_application_that_dies_and_comes_back(broken: Parts) -> None:
    person = broken.world.person()
    assert person.visit("/").status == 200
    broken.legacy.stop()
    page = person.visit("/page?x=1")
    assert page.status in {502, 503}
    reference = can_go_on(page)
    assert broken.logged("failed")[-1]["reference"] == reference
    assert ("Recommencer", "/page?x=1") in page.links
    broken.legacy.start()
    until(lambda: person.press(page, "Recommencer").status == 200)
