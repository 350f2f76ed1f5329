"""Several providers at once: FranceConnect for people, a plain OpenID provider for agents."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, import_key

from gateway.core.model import Absent, HouseholdStatus, Need, Source
from gateway.core.rules import Mode
from gateway.ports import HouseholdRequest
from gateway.sandbox.identities import MATCHING
from gateway.web import enquiry
from tests.builders import ANGELA
from tests.openid import CLIENT_ID, Play, agents, changed


def test_each_page_offers_the_providers_that_its_policy_accepts(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        person = op.world.person()
        ours = person.visit("/agents/")
        assert [label for label in ours.buttons if "identifier" in label] == ["S’identifier avec Annuaire"]
        theirs = person.visit("/cantine/")
        assert not any("Annuaire" in label for label in theirs.buttons)
        assert any("FranceConnect" in label for label in theirs.buttons)
        both = person.visit("/_gateway/login")
        assert len([label for label in both.buttons if "identifier" in label]) == 2


def test_signed_in_with_one_provider_is_not_signed_in_with_the_other(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        person = op.world.person()
        assert op.world.sign_in(person, "/compte/", MATCHING).status == 200
        page = person.visit("/agents/")
        assert urlsplit(page.url).path == "/_gateway/login"
        assert op.provider.seen.authorize == []
        _, page = op.sign_in(person)
        assert page.path == "/agents/"
        assert urlsplit(person.visit("/compte/").url).path == "/_gateway/login"


def test_a_form_cannot_choose_a_provider_that_the_policy_does_not_accept(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        person = op.world.person()
        page = person.visit("/agents/")
        form = next(form for form in page.forms if form.fields.get("provider") == "annuaire")
        form.fields["provider"] = "franceconnect"
        assert person.send(page, form, {}).path == "/agents/"
        assert len(op.provider.seen.authorize) == 1


def test_franceconnect_is_named_to_whom_it_concerns_alone(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        op.provider.play = Play(id_token=changed(nonce="x" * 64))
        assert "FranceConnect" not in op.sign_in()[1].text
        op.provider.play = Play(metadata_status=500, token_status=500)
        assert "FranceConnect" not in op.sign_in()[1].text
        op.world.franceconnect.faults.token_status = 500
        assert "FranceConnect" in op.world.sign_in(op.world.person(), "/compte/", MATCHING).text


def test_a_callback_of_one_provider_does_not_end_the_login_at_the_other(tmp_path: Path) -> None:
    """Mix-up (RFC 9700 §4.4): FranceConnect's answer brought to the login that left for the plain provider."""
    with agents(tmp_path) as op:
        franceconnect = op.world.settings.providers[0].issuer
        op.provider.play.callback = lambda answer: answer | {"iss": franceconnect, "code": "a-code-of-franceconnect"}
        person, page = op.sign_in()
        assert page.status == 400
        assert op.provider.seen.token == [], "the code goes to nobody"
        assert not op.is_signed_in(person)
        op.provider.play = Play()
        assert op.sign_in(person)[1].status == 200


def test_a_form_may_lead_to_endpoints_that_the_metadata_name(tmp_path: Path) -> None:
    """A browser checks where a form is redirected to; the operator wrote the issuer alone."""
    with agents(tmp_path) as op:
        elsewhere = op.provider.issuer.replace("127.0.0.1", "localhost")
        op.provider.play.metadata = changed(
            authorization_endpoint=f"{elsewhere}/authorize", end_session_endpoint=f"{elsewhere}/end"
        )
        person = op.world.person()
        page = person.visit("/agents/")
        origin = elsewhere.removesuffix("/op")
        assert origin in page.response.headers["content-security-policy"].partition("form-action")[2].split()
        op.sign_in(person)
        page = person.visit("/_gateway/logout")
        assert origin in page.response.headers["content-security-policy"].partition("form-action")[2].split()
        other = person.visit("/_gateway/mes-donnees")
        assert origin not in other.response.headers["content-security-policy"]


def test_a_provider_that_does_not_publish_its_metadata_is_marked_and_asked_again_later(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        op.provider.play.metadata_status = 503
        person = op.world.person()
        page = person.visit("/agents/")
        assert "Annuaire ne répond pas" in page.text
        for _ in range(5):
            assert person.press(page, "S’identifier avec Annuaire").status == 503
        assert op.provider.seen.metadata == 1, "not once for each visitor"
        op.provider.play = Play()
        op.clock.ahead_s += 61
        assert op.sign_in(person)[1].status == 200


def test_an_outage_of_the_key_set_does_not_end_logins_that_the_known_keys_verify(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        assert op.sign_in()[1].status == 200
        op.clock.ahead_s += 601
        op.provider.play.jwks_status = 500
        assert op.sign_in()[1].status == 200
    (tmp_path / "again").mkdir()
    with agents(tmp_path / "again") as op:
        op.provider.play.jwks_status = 500
        assert op.sign_in()[1].status == 503


@pytest.mark.parametrize("document", [{"keys": []}, {"keys": "none"}, {"keys": [{}] * 50_000}, []])
def test_a_key_set_without_a_usable_key_signs_nobody_in(tmp_path: Path, document: Any) -> None:
    with agents(tmp_path) as op:
        op.provider.play.jwks = lambda: document
        assert op.sign_in()[1].status in {400, 503}
        op.provider.play = Play()
        op.clock.ahead_s += 61
        assert op.sign_in()[1].status == 200


def test_a_client_assertion_is_verified_with_what_the_gateway_publishes(tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    secret = "client_auth: private_key_jwt\n    client_key: {file: client.pem}"
    with agents(tmp_path, secret=secret) as op:
        assert op.sign_in()[1].status == 200
        form, headers = op.provider.seen.token[-1]
        assert "authorization" not in headers
        published = httpx.get(f"{op.world.url}/_gateway/client-keys", trust_env=False).json()["keys"]
        token = jws.deserialize_compact(form["client_assertion"], import_key(published[0]), algorithms=["ES256"])
        claims = json.loads(token.payload)
        assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT_ID, CLIENT_ID, op.provider.issuer)
        assert claims["exp"] - claims["iat"] == 60
        trusted = httpx.get(f"{op.world.url}/_gateway/keys", trust_env=False).json()["keys"]
        assert published[0]["kid"] not in {key["kid"] for key in trusted}, "applications believe those, and no other"
        op.sign_in()
        other = op.provider.seen.token[-1][0]["client_assertion"]
        assert json.loads(jws.extract_compact(other.encode()).payload)["jti"] != claims["jti"]


class _Counted:
    def __init__(self) -> None:
        self.asked = 0

    async def fetch(self, request: HouseholdRequest) -> Absent:
        self.asked += 1
        return Absent(HouseholdStatus.NOT_FOUND, "not_found")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("provider", "asked"),
    [
        (SimpleNamespace(vouches=True), 1),
        pytest.param(SimpleNamespace(vouches=False), 0, id="names that nobody checked"),
        pytest.param(None, 0, id="a provider that a reload took away"),
    ],
)
async def test_no_household_is_looked_up_for_names_that_nobody_vouches_for(provider: Any, asked: int) -> None:
    source = _Counted()
    providers = {"franceconnect": provider} if provider else {}
    metrics = SimpleNamespace(observe=lambda *_, **__: None)
    services: Any = SimpleNamespace(
        providers=providers, sources={Source.HOUSEHOLD: source}, clock=lambda: 0.0, metrics=metrics, lines={}
    )
    request = HouseholdRequest(Mode.IDENTITY, frozenset({Need.QUOTIENT}), None, ANGELA, None, Source.HOUSEHOLD)
    answer = await enquiry._ask(services, request, None)
    assert source.asked == asked
    assert isinstance(answer, Absent)
    assert answer.code == ("not_found" if asked else "identity_not_vouched")
