"""The real gateway signs people in and out with OpenID providers that others wrote."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from gateway.relying_party.client_auth import client_jwk
from gateway.sandbox.identities import MATCHING, MISMATCHING
from tests.browser import Person
from tests.e2e.chromium import CHROMIUM, started
from tests.processes import until
from tests.providers.gateways import Site, Start, with_franceconnect, with_plain
from tests.providers.processes import idpyoidc, missing, oidc_provider
from tests.providers.setups import AGENT

LEVEL = "acr_map: {'1': eidas1}"


def headers_received(person: Person, path: str) -> dict[str, str]:
    answer = person.client.get(path, headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    assert answer.status_code == 200, answer.text
    return {name.lower(): value for name, value in answer.json()["headers"].items()}


def test_a_parent_comes_in_through_franceconnect_and_leaves_by_it(tmp_path: Path) -> None:
    with with_franceconnect(tmp_path) as site:
        parent = site.world.person()
        review = site.sign_in(parent, "/cantine/", MATCHING)
        assert review.path.startswith("/_gateway/review"), review.text
        page = parent.press(review, "Continuer")
        assert (page.path, "Signature valide" in page.text) == ("/cantine/", True)
        assert headers_received(parent, "/cantine/")["x-caf-statut"] == "verified"
        assert site.world.api.calls == 1
        left = site.sign_out(parent)
        assert urlsplit(left.url).path == "/_gateway/logged-out"
        assert "logout_state" not in site.world.logs.getvalue()
        assert not site.is_signed_in(parent, "/cantine/")
        again = parent.press(parent.visit("/compte/"), "S’identifier avec")
        assert "Choisir une identité" in again.text, "the provider's session is over too"
        assert site.provider.errors() == []


def test_franceconnect_is_shown_a_key_instead_of_a_secret_and_signs_rs256(tmp_path: Path) -> None:
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    (tmp_path / "client.pem").write_bytes(pem)
    changes = {
        "client_secret: {env: FC_CLIENT_SECRET}": "client_auth: private_key_jwt\n    client_key: {file: client.pem}",
        "signing_alg: ES256": "signing_alg: RS256",
    }
    registered = {
        "client_secret": None,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [client_jwk(pem)]},
    }
    with with_franceconnect(tmp_path, changes, registered) as site:
        parent = site.world.person()
        review = site.sign_in(parent, "/cantine/", MATCHING)
        assert site.provider.errors() == []
        page = parent.press(review, "Continuer")
        assert page.path == "/cantine/"
        assert urlsplit(site.sign_out(parent).url).path == "/_gateway/logged-out"
        assert site.provider.errors() == []


def test_a_household_of_somebody_else_is_a_mismatch_through_franceconnect_too(tmp_path: Path) -> None:
    with with_franceconnect(tmp_path) as site:
        page = site.sign_in(site.world.person(), "/cantine/", MISMATCHING)
        assert page.status == 403
        assert "justificatif" in " ".join(text for text, _ in page.links)


def test_who_goes_back_at_franceconnect_gets_one_button_to_begin_again(tmp_path: Path) -> None:
    with with_franceconnect(tmp_path) as site:
        person = site.world.person()
        page = person.press(person.visit("/compte/"), "S’identifier avec")
        page = person.press(page, "Revenir")
        assert page.buttons.count("Recommencer") + [text for text, _ in page.links].count("Recommencer") == 1
        assert not site.is_signed_in(person, "/compte/")


AUTHENTICATIONS = {
    "client_secret_basic": "client_secret: {env: FC_CLIENT_SECRET}",
    "client_secret_post": "client_auth: client_secret_post\nclient_secret: {env: FC_CLIENT_SECRET}",
    "private_key_jwt": "client_auth: private_key_jwt\nclient_key: {file: client.pem}",
}


def _comes_and_leaves(site: Site) -> None:
    person = site.world.person()
    page = site.sign_in(person)
    assert page.path == "/agents/", page.text
    received = headers_received(person, "/agents/")
    assert (received["x-usager-nom-usage"], received["x-usager-prenoms"]) == ("MARTIN", "Camille Rose")
    assert received["x-usager-courriel"] == "camille.martin@ville.example"
    assert (received["x-usager-fournisseur"], received["x-usager-acr"]) == ("annuaire", "eidas1")
    left = site.sign_out(person)
    assert urlsplit(left.url).path == "/_gateway/logged-out", left.text
    assert "logout_state" not in site.world.logs.getvalue()
    assert not site.is_signed_in(person)


PROVIDERS = [
    pytest.param(oidc_provider, id="oidc-provider"),
    pytest.param(idpyoidc, id="idpyoidc"),
]


@pytest.mark.parametrize("start", PROVIDERS)
@pytest.mark.parametrize("authentication", AUTHENTICATIONS)
def test_an_agent_comes_and_leaves_with_each_client_authentication(
    tmp_path: Path, authentication: str, start: Start
) -> None:
    (tmp_path / "client.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    with with_plain(tmp_path, start, AUTHENTICATIONS[authentication], LEVEL) as site:
        _comes_and_leaves(site)
        assert site.provider.errors() == []


@pytest.mark.parametrize("start", PROVIDERS)
def test_a_secret_that_is_not_the_registered_one_signs_nobody_in(tmp_path: Path, start: Start) -> None:
    """The twin of the one above: these providers do check what the gateway shows."""
    with with_plain(tmp_path, start, keys=LEVEL, registered={"client_secret": "z" * 64}) as site:
        person = site.world.person()
        page = site.sign_in(person)
        assert (page.status, urlsplit(page.url).path) == (400, "/_gateway/callback")
        assert not site.is_signed_in(person)
        assert '"login_failed"' in site.world.logs.getvalue()
        assert any("invalid_client" in error or "UnAuthorized" in error for error in site.provider.errors())


@pytest.mark.parametrize("start", PROVIDERS)
def test_an_address_that_is_not_registered_stops_at_the_provider(tmp_path: Path, start: Start) -> None:
    elsewhere = ["https://ville.example/_gateway/callback"]
    with with_plain(tmp_path, start, keys=LEVEL, registered={"redirect_uris": elsewhere}) as site:
        person = site.world.person()
        page = person.press(person.visit("/agents/"), "S’identifier avec")
        assert (page.status, page.url.startswith(site.provider.origin)) == (400, True)


@pytest.mark.parametrize("start", PROVIDERS)
def test_a_logout_at_the_provider_ends_the_session_here(tmp_path: Path, start: Start) -> None:
    with with_plain(tmp_path, start, keys=LEVEL) as site:
        person, other = site.world.person(), site.world.person()
        assert site.sign_in(person).path == "/agents/"
        assert site.sign_in(other).path == "/agents/"
        page = person.visit(f"{site.provider.issuer}/session/end")
        site.through(person, page)
        until(lambda: not site.is_signed_in(person))
        assert site.is_signed_in(other), "the session of another browser goes on"
        assert site.provider.errors() == []


FRAMED = {"backchannel_logout_uri": None, "frontchannel_logout_session_required": True}


@contextmanager
def _framing(folder: Path) -> Iterator[Site]:
    """idpyoidc alone: oidc-provider has no front-channel logout."""
    with with_plain(folder, idpyoidc, keys=LEVEL, registered=FRAMED, frontchannel=True) as site:
        yield site


def test_a_frame_in_the_providers_page_ends_the_session_here(tmp_path: Path) -> None:
    """Without a browser: what it would load, the frame's address as the library wrote it."""
    with _framing(tmp_path) as site:
        person, other = site.world.person(), site.world.person()
        assert site.sign_in(person).path == "/agents/"
        assert site.sign_in(other).path == "/agents/"
        page = person.press(person.visit(f"{site.provider.issuer}/session/end"), "Oui, me déconnecter")
        (frame,) = re.findall(r'<iframe src="([^"]+)">', page.response.text)
        assert frame.startswith(f"{site.world.url}/_gateway/frontchannel-logout?")
        # No cookie of ours goes into somebody else's frame.
        answer = httpx.get(frame, trust_env=False)
        assert (answer.status_code, site.is_signed_in(person)) == (200, False)
        assert site.is_signed_in(other), "the session of another browser goes on"
        assert site.provider.errors() == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="NOT TESTED: chromium is not installed")
def test_a_browser_that_leaves_the_provider_is_signed_out_here_by_its_frame(tmp_path: Path) -> None:
    with _framing(tmp_path) as site, started() as chromium:
        page = chromium.new_context(locale="fr-FR").new_page()
        page.goto(f"{site.world.url}/agents/")
        page.get_by_role("button", name="S’identifier avec").click()
        page.locator(f'button[value="{AGENT}"]').click()
        page.wait_for_url(f"{site.world.url}/agents/")
        page.goto(f"{site.provider.issuer}/session/end")
        with page.expect_response("**/_gateway/frontchannel-logout?**") as framed:
            page.get_by_role("button", name="Oui, me déconnecter").click()
        assert framed.value.status == 200
        # A frame that the browser refuses holds a page of the browser's own.
        assert page.frame_locator("iframe").locator("title").text_content() == "Déconnexion"
        page.goto(f"{site.world.url}/agents/")
        page.get_by_role("button", name="S’identifier avec").wait_for()


RECHECK = "recheck_s: 60\nscopes: [offline_access]"


def _at_once(person: Person, requests: int) -> list[int]:
    """A page and its pictures: the same browser asks for all of them together."""

    def asked(number: int) -> int:
        cookie = "; ".join(f"{each.name}={each.value}" for each in person.client.cookies.jar)
        headers = {"accept": "application/json", "cookie": cookie}
        return httpx.get(f"{person.client.base_url}/agents/{number}", headers=headers, trust_env=False).status_code

    with ThreadPoolExecutor(requests) as pool:
        return list(pool.map(asked, range(requests)))


@pytest.mark.parametrize("start", PROVIDERS)
def test_refresh_tokens_rotate_and_requests_that_come_together_ask_once(tmp_path: Path, start: Start) -> None:
    """61 s: it is time to ask. 200 s: the person was away, and nothing but this answer vouches for the session."""
    with with_plain(tmp_path, start, keys=f"{LEVEL}\n{RECHECK}", quick_lane=False) as site:
        person = site.world.person()
        assert site.sign_in(person).path == "/agents/"
        for asked, ahead_s in enumerate((61, 122, 322), 1):
            site.move_our_clock(ahead_s)
            assert _at_once(person, 8) == [200] * 8
            assert site.provider.refreshes() == asked
        assert site.provider.errors() == []


@pytest.mark.parametrize("start", PROVIDERS)
def test_a_refused_refresh_ends_the_session_on_the_page_that_signs_in_again(tmp_path: Path, start: Start) -> None:
    with with_plain(tmp_path, start, keys=f"{LEVEL}\n{RECHECK}", quick_lane=False) as site:
        person, other = site.world.person(), site.world.person()
        assert site.sign_in(person).path == "/agents/"
        site.move_our_clock(61)
        assert site.is_signed_in(person)
        site.provider.forget_refresh_tokens()
        site.move_our_clock(122)
        page = person.visit("/agents/dossier?n=7")
        assert [each for each in page.buttons if each.startswith("S’identifier")] == ["S’identifier avec Annuaire"]
        assert (site.provider.refreshes(), site.is_signed_in(person)) == (1, False)
        assert any("invalid_grant" in error or "token" in error for error in site.provider.errors())
        back = person.press(page, "S’identifier avec")
        if back.url.startswith(site.provider.origin):
            back = site.world.choose(person, back, AGENT) if "identifié" not in back.text else back
            back = person.press(back, "Continuer") if back.url.startswith(site.provider.origin) else back
        assert (back.path, back.status) == ("/agents/dossier?n=7", 200), "the way back is the page that was asked"
        assert not site.is_signed_in(other)


def test_a_provider_that_is_not_installed_is_an_error_where_everything_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(RuntimeError, match="real-parts"):
        missing("a provider")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        missing("a provider")
