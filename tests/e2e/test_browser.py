"""A real Chromium, as a parent would use it, against the real gateway and the sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.sandbox.identities import MATCHING, MISMATCHING, UNKNOWN
from tests.browser import shows
from tests.e2e.chromium import NEEDS_CHROMIUM
from tests.world import World, running

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("world")
    with running(folder) as started:
        yield started


@pytest.fixture(params=[{}, {"java_script_enabled": False}], ids=["with script", "without script"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR", **request.param)
    yield context.new_page()
    context.close()


def _sign_in(world: World, page: Page, path: str, login: str) -> None:
    page.goto(world.url + path)
    page.get_by_role("button", name="S’identifier avec FranceConnect").click()
    page.locator(f'button[value="{login}"]').click()
    page.get_by_role("button", name="Continuer").click()


def test_a_parent_reaches_the_tariff_page_with_a_valid_signature(world: World, page: Page) -> None:
    _sign_in(world, page, "/cantine/", MATCHING)
    expect(page.get_by_role("heading", level=1)).to_have_text("Je relis avant de transmettre")
    page.get_by_role("button", name="Continuer").click()
    expect(page).to_have_url(world.url + "/cantine/")
    expect(page.get_by_text("Signature valide")).to_be_visible()
    expect(page.get_by_text("X-Caf-Tranche", exact=False).first).to_be_visible()


def test_somebody_elses_household_ends_on_the_alternative_with_no_value(world: World, page: Page) -> None:
    _sign_in(world, page, "/cantine/", MISMATCHING)
    expect(page.get_by_role("link", name="Je préfère fournir un justificatif")).to_be_visible()
    assert not shows(page.content().replace("\u202f", ""), "2550")
    assert "GEORGES" not in page.content()
    page.get_by_role("link", name="Je préfère fournir un justificatif").click()
    expect(page).to_have_url(world.url + "/cantine/justificatif")


def test_a_person_unknown_to_caf_reads_its_own_text(world: World, page: Page) -> None:
    _sign_in(world, page, "/cantine/", UNKNOWN)
    expect(page.get_by_role("heading", level=1)).to_have_text("Aucun dossier trouvé à votre nom")
    expect(page.get_by_role("link", name="Recommencer")).to_be_visible()


def test_the_second_policy_shows_the_address_and_the_children(world: World, page: Page) -> None:
    _sign_in(world, page, "/famille/", "sans_nom_dusage")
    page.get_by_role("button", name="Continuer").click()
    expect(page).to_have_url(world.url + "/famille/")
    expect(page.get_by_text("Signature valide")).to_be_visible()
    expect(page.get_by_text("1 RUE MONTORGUEIL").first).to_be_visible()
    expect(page.get_by_text("HENRY").first).to_be_visible()


def test_leaving_shows_that_one_is_logged_out(world: World, page: Page) -> None:
    _sign_in(world, page, "/compte/", MATCHING)
    page.goto(world.url + "/_gateway/logout")
    page.get_by_role("button", name="Se déconnecter").click()
    page.wait_for_url("**/_gateway/logged-out**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Vous êtes déconnecté")


def test_nothing_on_a_page_is_refused_by_its_own_policy(world: World, browser: Browser) -> None:
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    _sign_in(world, page, "/cantine/", MATCHING)
    page.goto(world.url + "/_gateway/mes-donnees")
    context.close()
    assert [line for line in said if "Content Security Policy" in line] == []


def test_a_form_whose_session_has_ended_is_sent_after_the_login(world: World, browser: Browser) -> None:
    """What Chromium itself says of the form (Sec-Fetch-*, Origin) is what keeping it rests on."""
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto(world.url + "/")
    page.evaluate(
        "() => { document.body.innerHTML = '<form method=post action=/compte/ecrire><input name=a value=1>"
        "<button>Inscrire</button></form>' }"
    )
    page.get_by_role("button", name="Inscrire").click()
    page.get_by_role("button", name="S’identifier avec FranceConnect").click()
    page.locator(f'button[value="{MATCHING}"]').click()
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vous étiez en train d’envoyer un formulaire")
    page.get_by_role("button", name="Envoyer", exact=True).click()
    expect(page).to_have_url(world.url + "/compte/ecrire")
    expect(page.get_by_text("Signature valide")).to_be_visible()
    context.close()
