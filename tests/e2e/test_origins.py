"""Where forms of ours may lead, as Chromium judges it: it follows the redirects of a form, and checks each of them."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.agents import AGENT, office
from tests.e2e.chromium import NEEDS_CHROMIUM
from tests.openid import agents, changed

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Ends with what the browser refused, which is nothing."""
    context = browser.new_context(locale="fr-FR")
    context.set_default_timeout(8_000)
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    assert [line for line in said if "Content Security Policy" in line] == []


def _origin(url: str) -> str:
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"


@pytest.mark.parametrize("asked_first", ["agents", "agents/dispute?reference=inconnue"])
def test_an_agent_comes_and_leaves_through_endpoints_that_are_on_another_origin_than_the_issuer(
    tmp_path: Path, page: Page, asked_first: str
) -> None:
    with office(tmp_path, endpoints_host="localhost") as town:
        url = town.world.url
        page.goto(f"{url}/_gateway/{asked_first}")
        page.locator('form[action="/_gateway/agents/login"] button').click()
        page.locator(f'button[value="{AGENT}"]').wait_for()
        assert _origin(page.url) not in {_origin(url), _origin(town.proconnect.issuer)}
        page.locator(f'button[value="{AGENT}"]').click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Contestations à traiter")
        with page.expect_request("**/session/end?**") as asked:
            page.get_by_role("button", name="Se déconnecter").click()
        assert _origin(asked.value.url) == _origin(town.proconnect.issuer).replace("127.0.0.1", "localhost")
        page.wait_for_url(f"{url}/_gateway/logged-out**")
        expect(page.get_by_role("heading", level=1)).to_have_text("Vous êtes déconnecté")


ELSEWHERE = '  - {host: 127.0.0.1, path: /agents/, upstream: "UPSTREAM", policy: agents}\n'


def test_a_provider_that_knows_the_person_sends_them_on_at_once_to_another_host_of_ours(
    tmp_path: Path, page: Page
) -> None:
    """One chain of redirects from the button to the application, over three origins besides the page's own."""
    with agents(tmp_path, routes=ELSEWHERE) as op:
        elsewhere = op.provider.issuer.replace("127.0.0.1", "localhost")
        op.provider.play.metadata = changed(authorization_endpoint=f"{elsewhere}/authorize")
        there = op.world.url.replace("localhost", "127.0.0.1") + "/agents/"
        page.goto(there)
        assert _origin(page.url) == op.world.url, "the provider knows one callback host"
        page.get_by_role("button", name="S’identifier avec Annuaire").click()
        page.wait_for_url(there)
        expect(page.get_by_text("Signature valide")).to_be_visible()
        page.goto(there.replace("/agents/", "/_gateway/logout"))
        page.get_by_role("button", name="Se déconnecter").click()
        page.wait_for_url(f"{op.world.url}/_gateway/logged-out**")
