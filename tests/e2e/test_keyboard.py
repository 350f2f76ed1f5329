"""The whole journey with Tab, Space, Enter and letters alone: to the application, and to the receipt of a contest."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.sandbox.identities import MATCHING
from tests.e2e.chromium import NEEDS_CHROMIUM
from tests.e2e.driving import FRANCECONNECT, rows
from tests.e2e.town import Town, town

pytestmark = NEEDS_CHROMIUM

AT_MOST = 60
"""Presses of Tab before a page counts as one where the keyboard does not reach."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town")) as running:
        yield running


@pytest.fixture(
    params=[
        pytest.param((width, script), marks=[] if (width, script) == (320, False) else [pytest.mark.slow])
        for width in (320, 1280)
        for script in (False, True)
    ],
    ids=lambda look: f"{look[0]} px, JavaScript {'on' if look[1] else 'off'}",
)
def page(here: Town, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    here.afresh()
    width, script = request.param
    context = browser.new_context(viewport={"width": width, "height": 700}, locale="fr-FR", java_script_enabled=script)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {
    name: (at.innerText || at.getAttribute('aria-label') || (at.labels && at.labels[0] && at.labels[0].innerText) || '').replace(/\\s+/g, ' ').trim(),
    value: at.value || '', ours: location.pathname.startsWith('/_gateway/'), page: at === document.body,
    outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    top: box.top + scrollY, left: box.left,
  };
}"""


class Keys:
    """One who never touches the mouse: what the focus passed on the page, in order."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.passed: list[dict[str, Any]] = []

    def tab_to(self, name: str, *, value: str = "") -> None:
        """Tab until the focus is on what says this; it must be seen wherever it goes on our pages."""
        self.passed = []
        for _ in range(AT_MOST):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(FOCUSED)
            self.passed.append(at)
            if at["ours"] and not at["page"]:
                assert at["outline"] >= 2, at
                assert at["inside"], at
            if at["name"].startswith(name) and (not value or at["value"] == value):
                return
        raise AssertionError(f"Tab does not reach «{name}»: {[each['name'] for each in self.passed]}")

    def enter(self, name: str, *, value: str = "") -> None:
        self.tab_to(name, value=value)
        before = self.page.url
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: url != before)
        self.page.wait_for_load_state()

    def goes_down(self) -> bool:
        """The focus goes as one reads: down, and up again only to the top of the next column."""
        ours = [each for each in self.passed if each["ours"] and not each["page"]]
        return all(b["top"] >= a["top"] - 60 or b["left"] > a["left"] for a, b in pairwise(ours))


def _reviewed(here: Town, page: Page) -> Keys:
    keys = Keys(page)
    page.goto(here.url + "/relu/")
    keys.enter(FRANCECONNECT)
    assert keys.goes_down(), keys.passed
    keys.enter("Angela", value=MATCHING)
    keys.enter("Continuer vers")
    expect(page.get_by_role("heading", level=1)).to_have_text("Je relis avant de transmettre")
    return keys


def test_from_the_protected_page_to_the_application(here: Town, page: Page) -> None:
    keys = _reviewed(here, page)
    keys.enter("Continuer")
    assert keys.goes_down(), keys.passed
    assert rows(page)["X-Caf-Quotient"] == "2550"
    assert page.url == here.url + "/relu/"


def test_from_the_review_to_the_receipt_of_a_contest(here: Town, page: Page) -> None:
    keys = _reviewed(here, page)
    keys.enter("Ce n’est pas exact")
    assert keys.goes_down(), keys.passed
    keys.tab_to("Ce qui n’est pas exact")
    page.keyboard.type("Mes revenus ont baissé.")
    keys.enter("Contester cette donnée")
    assert keys.goes_down(), keys.passed
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre contestation est enregistrée")
    expect(page.get_by_text("Référence :")).to_be_visible()
    keys.enter("Revenir à mes données")
    expect(page.get_by_text("Contestée : cette donnée n’est plus transmise").first).to_be_visible()


def test_from_the_protected_page_to_the_path_without_franceconnect(here: Town, page: Page) -> None:
    keys = Keys(page)
    page.goto(here.url + "/relu/")
    keys.enter("Je préfère fournir un justificatif")
    assert keys.goes_down(), keys.passed
    expect(page.get_by_role("heading", name="Déposer un justificatif")).to_be_visible()
