"""What each profile sends, parameter by parameter. FranceConnect and ProConnect refuse whatever is not on their list."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey, import_key

from gateway.adapters.oidc import OidcProvider
from gateway.core.errors import LoginFailed
from gateway.core.model import Acr, LoginTransaction, VerifiedClaims
from gateway.relying_party import Endpoints, ProviderSettings, check_acr
from gateway.relying_party.authorization import authorization_url
from gateway.relying_party.callback import check_issuer
from gateway.relying_party.client_auth import client_jwk, code_form, refresh_form
from gateway.relying_party.logout import end_session_url
from gateway.relying_party.profiles import NAMED, PROFILES, ClientAuth
from gateway.relying_party.tokens import identity_claims

NOW = 1_790_000_000
ISSUER = "https://op.example"
ENDPOINTS = Endpoints(f"{ISSUER}/authorize", f"{ISSUER}/token", f"{ISSUER}/userinfo", f"{ISSUER}/jwks", f"{ISSUER}/end")
FRANCECONNECT = {"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "acr_values"}
PROCONNECT = FRANCECONNECT - {"acr_values"} | {"claims"}


def a_provider(profile: str, **changes: Any) -> ProviderSettings:
    plain = ProviderSettings(
        name=profile,
        profile=profile,
        issuer=ISSUER,
        client_id="client",
        client_secret="s+/ %" * 10,
        signing_alg=PROFILES[profile].signing_alg,
        redirect_uri="https://ville.example/_gateway/callback",
        post_logout_redirect_uri="https://ville.example/_gateway/logged-out",
    )
    return replace(plain, **changes)


def a_transaction(acr: Acr = Acr.EIDAS1, *scopes: str) -> LoginTransaction:
    wanted = scopes or ("openid", "given_name", "preferred_username", "email", "cnaf_quotient_familial")
    return LoginTransaction(
        "5" * 64, "a" * 64, "b" * 64, "op", acr, frozenset(wanted), "/", None, NOW, code_verifier="c" * 64
    )


def asked(settings: ProviderSettings, transaction: LoginTransaction | None = None) -> dict[str, str]:
    url = authorization_url(settings, ENDPOINTS, transaction or a_transaction())
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("profile", ["franceconnect", "franceconnect_plus"])
def test_franceconnect_receives_its_seven_parameters_and_no_other(profile: str) -> None:
    """Y030007 on FranceConnect's own page for one more, PKCE included."""
    sent = asked(a_provider(profile))
    assert sent.keys() == FRANCECONNECT
    assert sent["scope"] == "openid cnaf_quotient_familial email given_name preferred_username"


def test_franceconnect_is_asked_for_one_level() -> None:
    assert asked(a_provider("franceconnect"))["acr_values"] == "eidas1"
    plus = a_provider("franceconnect_plus")
    assert asked(plus)["acr_values"] == "eidas2", "it has nothing lower"
    assert asked(plus, a_transaction(Acr.EIDAS2))["acr_values"] == "eidas2"
    assert asked(plus, a_transaction(Acr.EIDAS3))["acr_values"] == "eidas3"


def test_proconnect_receives_what_its_documentation_lists_and_no_other() -> None:
    sent = asked(a_provider("proconnect"))
    assert sent.keys() == PROCONNECT
    assert sent["scope"] == "openid email given_name usual_name"
    assert len(sent["state"]) >= 32
    assert len(sent["nonce"]) >= 32


def test_proconnect_is_asked_for_levels_as_an_essential_claim() -> None:
    def levels(acr: Acr) -> Any:
        return json.loads(asked(a_provider("proconnect"), a_transaction(acr))["claims"])

    assert levels(Acr.EIDAS2) == {"id_token": {"acr": {"essential": True, "values": ["eidas2", "eidas3"]}}}
    assert levels(Acr.EIDAS1)["id_token"]["acr"]["values"] == ["eidas1", "eidas1-mfa", "eidas2", "eidas3"]


def test_a_self_declared_agent_is_refused_by_proconnect_unless_the_operator_says_otherwise() -> None:
    claims = VerifiedClaims({"acr": "eidas0"})
    with pytest.raises(LoginFailed, match="acr_unknown"):
        check_acr(claims, a_provider("proconnect"), Acr.EIDAS1)
    accepted = a_provider("proconnect", acr_map={"eidas0": Acr.EIDAS1})
    assert check_acr(claims, accepted, Acr.EIDAS1) is Acr.EIDAS1
    assert check_acr(VerifiedClaims({"acr": "eidas1-mfa"}), a_provider("proconnect"), Acr.EIDAS1) is Acr.EIDAS1


@pytest.mark.parametrize("profile", ["keycloak", "generic"])
def test_any_other_provider_receives_pkce_and_standard_scopes(profile: str) -> None:
    sent = asked(a_provider(profile, acr_map={"gold": Acr.EIDAS2, "silver": Acr.EIDAS1}, scopes=("offline_access",)))
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["code_challenge"]) == 43
    assert "code_verifier" not in sent
    assert sent["scope"] == "openid email offline_access profile"
    assert sent["acr_values"] == "silver gold"


def test_the_verifier_goes_along_with_the_code_where_there_is_pkce() -> None:
    for profile, rules in PROFILES.items():
        form = parse_qs(code_form(a_provider(profile), "code", "c" * 64, now=NOW, jti="j").body)
        assert ("code_verifier" in form) == rules.pkce, profile


@pytest.mark.parametrize("profile", NAMED)
def test_the_french_providers_receive_the_secret_in_the_form(profile: str) -> None:
    form = code_form(a_provider(profile), "code", "", now=NOW, jti="j")
    assert "Authorization" not in form.headers
    sent = {name: value for name, (value,) in parse_qs(form.body).items()}
    assert sent == {
        "grant_type": "authorization_code",
        "code": "code",
        "redirect_uri": "https://ville.example/_gateway/callback",
        "client_id": "client",
        "client_secret": "s+/ %" * 10,
    }


def test_basic_encodes_both_halves_before_joining_them() -> None:
    """RFC 6749 §2.3.1: a secret may hold a colon, a space or a percent sign."""
    form = code_form(a_provider("generic", client_id="a:b"), "code", "v", now=NOW, jti="j")
    name, _, secret = base64.b64decode(form.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (name, secret) == ("a%3Ab", "s%2B%2F+%25" * 10)
    assert "client_secret" not in form.body


@pytest.mark.parametrize(("key", "alg"), [(ECKey.generate_key("P-256"), "ES256"), (RSAKey.generate_key(2048), "RS256")])
def test_a_client_assertion_is_short_fresh_and_for_the_issuer(key: ECKey | RSAKey, alg: str) -> None:
    pem = key.as_pem(private=True)
    settings = a_provider("generic", client_auth=ClientAuth.PRIVATE_KEY_JWT, client_key_pem=pem, client_secret="")
    forms = [
        code_form(settings, "code", "v", now=NOW, jti="one"),
        refresh_form(settings, "refresh", now=NOW, jti="two"),
    ]
    for form, jti in zip(forms, ("one", "two"), strict=True):
        sent = {name: value for name, (value,) in parse_qs(form.body).items()}
        assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert "client_secret" not in sent
        assert "Authorization" not in form.headers
        public: Any = client_jwk(pem)
        assert "d" not in public
        found = jws.deserialize_compact(sent["client_assertion"], import_key(public), algorithms=[alg])
        assert found.headers()["kid"] == public["kid"]
        assert json.loads(found.payload) == {
            "iss": "client", "sub": "client", "aud": ISSUER, "jti": jti, "iat": NOW, "exp": NOW + 60
        }  # fmt: skip


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"not a key",
        ECKey.generate_key("P-384").as_pem(private=True),
        ECKey.generate_key("P-256").as_pem(private=False),
    ],
)
def test_a_key_that_cannot_authenticate_us_is_refused(pem: bytes) -> None:
    with pytest.raises(ValueError, match="neither"):
        client_jwk(pem)


def test_the_logout_request_of_each_profile() -> None:
    for profile, rules in PROFILES.items():
        url = end_session_url(a_provider(profile), ENDPOINTS, "token", "state") or ""
        sent = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
        expected = {"id_token_hint", "post_logout_redirect_uri", "state"}
        assert sent.keys() == expected | ({"client_id"} if rules.logout_client_id else set()), profile
        assert rules.logout_client_id == (profile not in NAMED)
    assert end_session_url(a_provider("generic"), replace(ENDPOINTS, end_session=None), "t", "s") is None
    queried = replace(ENDPOINTS, end_session=f"{ISSUER}/end?tenant=1")
    assert "?tenant=1&id_token_hint=t&" in (end_session_url(a_provider("generic"), queried, "t", "s") or "")


def test_who_must_name_themselves_in_a_callback() -> None:
    for profile in PROFILES:
        settings = a_provider(profile)
        for endpoints in (ENDPOINTS, replace(ENDPOINTS, names_itself=True)):
            check_issuer(ISSUER, settings, endpoints)
            for wrong in ("https://evil.example", ISSUER + "/", ""):
                with pytest.raises(LoginFailed, match="callback_issuer"):
                    check_issuer(wrong, settings, endpoints)
        if profile in NAMED:
            with pytest.raises(LoginFailed, match="callback_issuer"):
                check_issuer(None, settings, ENDPOINTS)
        else:
            check_issuer(None, settings, ENDPOINTS)


CLAIMS = VerifiedClaims(
    {
        "sub": "s",
        "family_name": "MARTIN",
        "usual_name": "DURAND",
        "preferred_username": "cmartin",
        "given_name": "Camille",
        "given_name_array": ["Camille"],
        "email": "c@ville.example",
        "email_verified": False,
        "civil_name": "PETIT",
    }
)


def test_the_claims_that_each_profile_reads_as_which_fact() -> None:
    """`core.claims` reads `family_name` as the birth name and `preferred_username` as the usage name."""
    franceconnect = identity_claims(CLAIMS, a_provider("franceconnect"))
    assert (franceconnect["family_name"], franceconnect["preferred_username"]) == ("MARTIN", "cmartin")
    assert franceconnect["given_name_array"] == ["Camille"]
    proconnect = identity_claims(CLAIMS, a_provider("proconnect"))
    assert proconnect["preferred_username"] == "DURAND"
    assert proconnect["email"] == "c@ville.example"
    assert "family_name" not in proconnect
    keycloak = identity_claims(CLAIMS, a_provider("keycloak"))
    assert keycloak["preferred_username"] == "MARTIN", "the name that a person goes by, and never their login"
    assert not {"family_name", "email"} & keycloak.keys()
    told = a_provider("keycloak", claims={"birth_name": "civil_name"}, email_as_given=True)
    assert identity_claims(CLAIMS, told)["family_name"] == "PETIT"
    assert identity_claims(CLAIMS, told)["email"] == "c@ville.example"


def test_only_franceconnect_opens_data_and_vouches_for_civil_status() -> None:
    french = {"franceconnect", "franceconnect_plus"}
    assert {name for name, rules in PROFILES.items() if rules.opens_data} == french
    assert {name for name in PROFILES if a_provider(name).vouches} == french
    assert a_provider("keycloak", civil_status=True).vouches


@pytest.mark.anyio
async def test_a_token_that_opens_no_data_stays_in_the_adapter() -> None:
    """Whatever a provider says that it granted: only FranceConnect's token ever leaves for API Particulier."""
    key = ECKey.generate_key("P-256")
    claims = {"iss": ISSUER, "sub": "s", "aud": "client", "iat": NOW, "exp": NOW + 60, "nonce": "a" * 64, "acr": "1"}
    id_token = jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), key, algorithms=["ES256"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            told = {"access_token": "t", "token_type": "Bearer", "id_token": id_token}
            return httpx.Response(200, json=told | {"scope": "openid cnaf_quotient_familial", "refresh_token": "r"})
        if request.url.path == "/jwks":
            return httpx.Response(200, json={"keys": [key.as_dict(private=False)]})
        return httpx.Response(200, json={"sub": "s"})

    settings = a_provider(
        "generic",
        signing_alg="ES256",
        acr_map={"1": Acr.EIDAS1},
        civil_status=True,
        authorization_endpoint=ENDPOINTS.authorization,
        token_endpoint=ENDPOINTS.token,
        userinfo_endpoint=ENDPOINTS.userinfo,
        jwks_uri=ENDPOINTS.jwks,
    )
    async with httpx.AsyncClient(transport=_Streamed(answer)) as client:
        signed_in = await OidcProvider(settings, client, lambda: NOW).exchange(a_transaction(), "code")
    assert (signed_in.access_token, signed_in.scopes, signed_in.refresh_token) == ("", frozenset(), "")
    assert signed_in.acr is Acr.EIDAS1


class _Streamed(httpx.AsyncBaseTransport):
    """Answers as they come from a network: not read yet."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))
