"""What a person does in a browser, by what is written on the page; and what the application shows that it received."""

from typing import Any, Protocol

from playwright.sync_api import Locator, Page

from gateway.sandbox.identities import MATCHING
from tests.agents import AGENT, MY_DATA

FRANCECONNECT = "S’identifier avec FranceConnect"
WAY_OUT = "Je préfère fournir un justificatif"


class Site(Protocol):
    """A running gateway."""

    @property
    def url(self) -> str: ...


def pressable(page: Page, name: str) -> Locator:
    """The link or button that says exactly this."""
    link, button = (page.get_by_role(role, name=name, exact=True) for role in ("link", "button"))
    return link.or_(button).first


def press(page: Page, name: str) -> None:
    pressable(page, name).click()


def through(page: Page, login: str) -> None:
    """FranceConnect, from the button of a page of ours to the return; it may remember who was there."""
    press(page, FRANCECONNECT)
    page.get_by_role("link", name="Revenir à").wait_for()
    choice = page.locator(f'button[value="{login}"]')
    if choice.count():
        choice.click()
    page.get_by_role("button", name="Continuer vers").click()


def sign_in(site: Site, page: Page, path: str, login: str = MATCHING) -> None:
    page.goto(site.url + path)
    through(page, login)


def typed(page: Page, number: str, postal_code: str) -> None:
    page.get_by_label("Numéro d’allocataire CAF").fill(number)
    page.get_by_label("Code postal de votre domicile").fill(postal_code)
    page.locator('form[action="/_gateway/allocataire"] button').click()


def contest(site: Site, page: Page, datum: str = "Quotient familial") -> str:
    """The reference on the receipt."""
    page.goto(site.url + MY_DATA)
    press(page, f"Ce n’est pas exact : contester cette donnée ({datum})")
    press(page, "Contester cette donnée")
    return page.url.rpartition("=")[2]


def object_to(site: Site, page: Page, policy: str) -> str:
    """A lasting objection to one service; the reference on the receipt."""
    page.goto(site.url + MY_DATA)
    press(page, f"{WAY_OUT} pour : Essai {policy}")
    page.get_by_label("Pour cette fois et les suivantes").check()
    press(page, WAY_OUT)
    return page.url.rpartition("=")[2]


def agent_answers(site: Site, page: Page, reference: str, outcome: str) -> None:
    """An agent signs in, in a browser of their own, and answers on the agents' page."""
    browser = page.context.browser
    assert browser is not None
    desk = browser.new_context(locale="fr-FR")
    own = desk.new_page()
    own.goto(site.url + "/_gateway/agents")
    own.locator('form[action="/_gateway/agents/login"] button').click()
    own.locator(f'button[value="{AGENT}"]').click()
    press(own, reference)
    own.locator(f'input[value="{outcome}"]').check()
    press(own, "Enregistrer ma réponse")
    own.get_by_role("heading", level=1, name="Contestations à traiter").wait_for()
    desk.close()


def rows(page: Page) -> dict[str, str]:
    """The headers on the application's page, as it shows them."""
    page.get_by_role("heading", level=1, name="Application métier").wait_for()
    found: list[Any] = page.locator("tr").all()
    return {row.locator("th").inner_text(): row.locator("td").inner_text() for row in found}
