"""The relying-party modules of the OpenID Foundation's suite, by name, in the strict reading: what is wrong is refused.

Each test is named after its module (`oidcc-client-test-…`). The wrong play ends on the page that starts again, without
a session; the honest play right after it, with the same gateway, signs in. Which modules do not apply, and why, is in
docs/openid.md.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from gateway.adapters.logs import configure_logging
from tests.browser import Page, Person
from tests.openid import PERSON, SECRET, SUB, Agents, Play, agents, b64, changed, hmac_signature, signature


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agents]:
    with agents(tmp_path_factory.mktemp("rp")) as started:
        yield started


@pytest.fixture
def op(kept: Agents) -> Agents:
    kept.provider.reset()
    # The log is the process's own: a test that started another gateway took it along.
    configure_logging(kept.world.logs)
    # Whatever another test did to the keys is long past.
    kept.clock.ahead_s += 700
    return kept


def _refused(op: Agents, code: str, **play: Any) -> Page:
    """The wrong play is refused with this code; its honest twin signs in."""
    op.provider.play = Play(**play)
    read = len(op.world.logs.getvalue())
    person, page = op.sign_in()
    assert page.status == 400, page.text[:300]
    assert ("Recommencer", "/_gateway/login?return_to=%2Fagents%2F") in page.links
    assert not op.is_signed_in(person)
    assert f'"code": "{code}' in op.world.logs.getvalue()[read:], op.world.logs.getvalue()[read:]
    op.provider.play = Play()
    _accepted(op)
    return page


def _accepted(op: Agents) -> tuple[Person, Page]:
    person, page = op.sign_in()
    assert page.status == 200, page.text[:300]
    assert op.is_signed_in(person)
    return person, page


def _accepted_as_played(op: Agents) -> tuple[Person, Page]:
    """Signed in while the provider goes on playing what it was told to."""
    person, page = op.sign_in()
    assert (page.status, page.path) == (200, "/agents/"), page.text
    return person, page


def _headers(person: Person) -> dict[str, str]:
    answer = person.client.get("/agents/", headers={"accept": "application/json"})
    return {name.lower(): value for name, value in answer.json()["headers"].items()}


def test_oidcc_client_test(op: Agents) -> None:
    person, page = _accepted(op)
    assert page.path == "/agents/"
    assert [method for method, _ in op.provider.seen.userinfo] == ["GET"]
    assert _headers(person)["x-usager-fournisseur"] == "annuaire"


def test_oidcc_client_test_client_secret_basic(op: Agents) -> None:
    _accepted(op)
    form, headers = op.provider.seen.token[-1]
    assert headers["authorization"].startswith("Basic ")
    assert not {"client_secret", "client_assertion"} & form.keys()


def test_oidcc_client_test_invalid_iss(op: Agents) -> None:
    _refused(op, "claim_iss", id_token=changed(iss="https://evil.example"))


def test_oidcc_client_test_missing_iss(op: Agents) -> None:
    _refused(op, "claim_missing_iss", id_token=changed(iss=...))


def test_oidcc_client_test_missing_sub(op: Agents) -> None:
    _refused(op, "claim_missing_sub", id_token=changed(sub=...))


def test_oidcc_client_test_invalid_aud(op: Agents) -> None:
    _refused(op, "claim_aud", id_token=changed(aud="another-client"))
    op.provider.reset()
    _refused(op, "claim_aud", id_token=changed(aud="another-client", azp="passerelle"))


def test_oidcc_client_test_missing_aud(op: Agents) -> None:
    _refused(op, "claim_missing_aud", id_token=changed(aud=...))


def test_oidcc_client_test_secondary_aud(op: Agents) -> None:
    """FAPI's addition: an audience besides ours needs `azp` to say that it is for us."""
    _refused(op, "claim_azp", id_token=changed(aud=["passerelle", "another-client"]))


def test_oidcc_client_test_missing_iat(op: Agents) -> None:
    _refused(op, "claim_missing_iat", id_token=changed(iat=...))


def test_oidcc_client_test_old_iat(op: Agents) -> None:
    """FAPI's addition: issued a week ago, though it has not expired."""
    _refused(op, "id_token_iat", id_token=lambda claims: claims | {"iat": claims["iat"] - 7 * 86_400})


def test_oidcc_client_test_expired(op: Agents) -> None:
    _refused(op, "claim_", id_token=lambda claims: claims | {"exp": claims["iat"] - 60})


def test_oidcc_client_test_missing_exp(op: Agents) -> None:
    _refused(op, "claim_missing_exp", id_token=changed(exp=...))


def test_oidcc_client_test_kid_absent_single_jwks(op: Agents) -> None:
    op.provider.rotate(None)
    _accepted(op)
    op.provider.rotate("key-again")


def test_oidcc_client_test_kid_absent_multiple_jwks(op: Agents) -> None:
    """Every key of the agreed algorithm is tried, and no other."""
    mine = next(iter(op.provider.keys.values()))
    op.provider.keys = {"": mine, "other": RSAKey.generate_key(2048), "curve": ECKey.generate_key("P-256")}
    op.provider.kid = None
    _accepted(op)
    op.provider.play.sign = lambda message: signature(message, RSAKey.generate_key(2048))
    person, page = op.sign_in()
    assert page.status == 400
    assert not op.is_signed_in(person)
    op.provider.rotate("key-again")


def test_oidcc_client_test_idtoken_sig_rs256(op: Agents) -> None:
    _accepted(op)
    assert op.provider.alg == "RS256"


def test_oidcc_client_test_idtoken_sig_none(op: Agents) -> None:
    _refused(op, "token_", header=changed(alg="none", kid=...), sign=lambda message: "")
    op.provider.reset()
    _refused(op, "token_alg", header=changed(alg="none", kid=...))


def test_oidcc_client_test_invalid_sig_rs256(op: Agents) -> None:
    _refused(op, "token_signature", sign=lambda message: b64(bytes(256)))


def test_oidcc_client_test_invalid_sig_es256(tmp_path: Path) -> None:
    with agents(tmp_path, alg="ES256") as op:
        _refused(op, "token_signature", sign=lambda message: signature(message, ECKey.generate_key("P-256")))


def test_oidcc_client_test_invalid_sig_hs256(op: Agents) -> None:
    """HS256 is never agreed: neither a wrong signature nor a true one with our own secret counts."""
    for secret in ("x" * 64, SECRET):
        _refused(
            op, "token_alg", header=changed(alg="HS256"), sign=lambda message, key=secret: hmac_signature(message, key)
        )
        op.provider.reset()


def test_oidcc_client_test_userinfo_bearer_header(op: Agents) -> None:
    _accepted(op)
    method, sent = op.provider.seen.userinfo[-1]
    assert method == "GET"
    assert sent["authorization"].startswith("Bearer ")
    assert "access_token" not in sent


def test_oidcc_client_test_userinfo_bearer_body(tmp_path: Path) -> None:
    with agents(tmp_path, "bearer: body") as op:
        op.provider.play.accepts_body_bearer_only = True
        _accepted(op)
        method, sent = op.provider.seen.userinfo[-1]
        assert method == "POST"
        assert sent["access_token"]
        assert "authorization" not in sent


def test_oidcc_client_test_userinfo_invalid_sub(op: Agents) -> None:
    _refused(op, "userinfo_sub", userinfo=changed(sub="somebody-else"))


def test_oidcc_client_test_userinfo_missing_sub(op: Agents) -> None:
    _refused(op, "claim_missing_sub", userinfo=changed(sub=...))


def test_oidcc_client_test_userinfo_signed(tmp_path: Path) -> None:
    with agents(tmp_path, "userinfo: signed") as op:
        op.provider.play.userinfo_signed = True
        person, _ = _accepted(op)
        assert _headers(person)["x-usager-nom-usage"] == "MARTIN"
        for wrong in (
            {"userinfo": changed(aud="another-client")},
            {"userinfo": changed(iss="https://evil.example")},
            {"userinfo_raw": lambda token: token[:-8] + "AAAAAAAA"},
        ):
            op.provider.play = Play(userinfo_signed=True, **wrong)
            assert op.sign_in()[1].status == 400, wrong
        op.provider.play = Play()
        assert op.sign_in()[1].status == 400, "JSON where a signature was agreed"


def test_oidcc_client_test_userinfo_is_an_object_of_json(op: Agents) -> None:
    """The suite's content-type games: a JWT, an array or HTML where JSON was agreed."""
    _refused(op, "userinfo_not_json", userinfo_signed=True)
    op.provider.reset()
    _refused(op, "userinfo_malformed", userinfo_raw=lambda text: f"[{text}]")
    op.provider.reset()
    _refused(op, "userinfo_malformed", userinfo_raw=lambda text: text[:-1] + ', "sub": "somebody-else"}')


def test_oidcc_client_test_nonce_invalid(op: Agents) -> None:
    _refused(op, "claim_nonce", id_token=changed(nonce="x" * 64))
    op.provider.reset()
    _refused(op, "claim_missing_nonce", id_token=changed(nonce=...))


def test_oidcc_client_test_nonce_unless_code_flow(op: Agents) -> None:
    _accepted(op)
    _accepted(op)
    first, second = (asked["nonce"] for asked in op.provider.seen.authorize)
    assert len(first) >= 43
    assert first != second


def test_oidcc_client_test_scope_userinfo_claims(op: Agents) -> None:
    person, _ = _accepted(op)
    assert op.provider.seen.authorize[-1]["scope"].split() == ["openid", "email", "profile"]
    told = _headers(person)
    assert told["x-usager-nom-usage"] == "MARTIN"
    assert told["x-usager-prenoms"] == "Camille Rose"
    assert told["x-usager-courriel"] == PERSON["email"]
    assert told["x-usager-naissance"] == "1980-02-03"
    assert told["x-usager-acr"] == "eidas1"
    assert "x-usager-nom" not in told, "a family name is no birth name unless the operator says so"


def test_oidcc_client_test_discovery_openid_config(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        assert op.provider.seen.metadata == 0
        _accepted(op)
        _accepted(op)
        assert op.provider.seen.metadata == 1


def test_oidcc_client_test_discovery_jwks_uri_keys(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        op.provider.play.metadata = changed(jwks_uri=f"{op.provider.issuer}/jwks-elsewhere")
        _accepted(op)
        assert op.provider.seen.jwks == 1


def test_oidcc_client_test_discovery_issuer_mismatch(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        op.provider.play.metadata = changed(issuer="https://evil.example")
        _, page = op.sign_in()
        assert page.status == 503
        assert op.provider.seen.authorize == []
        assert '"provider_metadata_issuer"' in op.world.logs.getvalue()
        op.provider.play = Play()
        op.clock.ahead_s += 6
        _accepted(op)


def test_oidcc_client_test_signing_key_rotation(op: Agents) -> None:
    _accepted(op)
    op.clock.ahead_s += 60
    op.provider.rotate("key-new")
    fetched = op.provider.seen.jwks
    _accepted(op)
    assert op.provider.seen.jwks == fetched + 1


def test_oidcc_client_test_signing_key_rotation_just_before_signing(op: Agents) -> None:
    """Refetched at once, but never more than once in ten seconds: a key that came and went within them is refused."""
    _accepted(op)
    op.clock.ahead_s += 11

    def rotated(claims: dict[str, Any]) -> dict[str, Any]:
        op.provider.rotate("key-just-now")
        return claims

    op.provider.play.id_token = rotated
    _accepted(op)
    op.provider.play = Play()
    op.provider.rotate("key-too-soon")
    assert op.sign_in()[1].status == 400
    op.clock.ahead_s += 11
    _accepted(op)


def test_oidcc_client_test_invalid_athash(op: Agents) -> None:
    _refused(op, "claim_at_hash", id_token=changed(at_hash=b64(bytes(16))))


def test_oidcc_client_test_missing_athash(op: Agents) -> None:
    """Not needed in the code flow: the token comes from the token endpoint."""
    op.provider.play.id_token = changed(at_hash=...)
    _accepted(op)


def test_fapi_client_test_invalid_callback_issuer(op: Agents) -> None:
    """RFC 9207: the metadata say that a callback always names its issuer."""
    _refused(op, "callback_issuer", callback=lambda answer: answer | {"iss": "https://evil.example"})
    assert len(op.provider.seen.token) == 1, "a code of somebody else's answer is never redeemed"


def test_fapi_client_test_missing_callback_issuer(op: Agents) -> None:
    _refused(op, "callback_issuer", callback=lambda answer: {"code": answer["code"], "state": answer["state"]})


def test_a_provider_that_announces_no_issuer_may_leave_it_out_and_not_lie(tmp_path: Path) -> None:
    with agents(tmp_path) as op:
        without = changed(authorization_response_iss_parameter_supported=...)
        op.provider.play = Play(metadata=without, callback=lambda answer: {k: answer[k] for k in ("code", "state")})
        _accepted(op)
        op.provider.play.callback = lambda answer: answer | {"iss": "https://evil.example"}
        assert op.sign_in()[1].status == 400


def test_an_operator_can_require_the_issuer(tmp_path: Path) -> None:
    with agents(tmp_path, "callback_iss: required") as op:
        op.provider.play.metadata = changed(authorization_response_iss_parameter_supported=...)
        _accepted(op)
        op.provider.play.callback = lambda answer: {k: answer[k] for k in ("code", "state")}
        assert op.sign_in()[1].status == 400


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda answer: {"code": answer["code"], "iss": answer["iss"]}, id="no state"),
        pytest.param(lambda answer: answer | {"state": "f" * 64}, id="another state"),
    ],
)
def test_fapi_client_test_invalid_state(op: Agents, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    op.provider.play.callback = change
    person, page = op.sign_in()
    assert page.status == 400
    assert op.provider.seen.token == []
    assert not op.is_signed_in(person)
    op.provider.play = Play()
    _accepted(op)


def test_pkce_s256_at_each_login(op: Agents) -> None:
    """The provider refuses a code without its verifier (RFC 7636); each login has a verifier of its own."""
    _accepted(op)
    _accepted(op)
    first, second = op.provider.seen.authorize
    assert first["code_challenge_method"] == "S256"
    assert first["code_challenge"] != second["code_challenge"]
    verifier = op.provider.seen.token[-1][0]["code_verifier"]
    assert 43 <= len(verifier) <= 128


@pytest.mark.parametrize("acr", ["0", "3", "", "eidas1", "1 ", 1, None])
def test_an_acr_that_nothing_maps_is_refused(op: Agents, acr: object) -> None:
    _refused(op, "acr_unknown" if isinstance(acr, str) and acr else "claim_type_acr", id_token=changed(acr=acr))


def test_an_absent_acr_is_refused_unless_the_operator_says_what_it_is_worth(op: Agents, tmp_path: Path) -> None:
    _refused(op, "acr_unknown", id_token=changed(acr=...))
    with agents(tmp_path, "acr_map: {absent: eidas1}") as other:
        other.provider.play.id_token = changed(acr=...)
        _accepted(other)
        assert "acr_values" not in other.provider.seen.authorize[-1]


def test_the_level_is_asked_for_in_the_providers_own_words(op: Agents) -> None:
    _accepted(op)
    assert op.provider.seen.authorize[-1]["acr_values"] == "1 2"


def test_an_address_that_the_provider_did_not_verify_is_not_told(op: Agents) -> None:
    for unsure in (False, "true", ...):
        op.provider.play.userinfo = changed(email_verified=unsure)
        person, _ = _accepted(op)
        assert "x-usager-courriel" not in _headers(person)
    op.provider.play = Play()
    person, _ = _accepted(op)
    assert "x-usager-courriel" in _headers(person)


def test_the_access_token_and_the_refresh_token_are_nowhere_to_be_found(op: Agents) -> None:
    tokens: list[str] = []

    def noted(body: dict[str, Any]) -> dict[str, Any]:
        tokens.extend([body["access_token"], body["refresh_token"]])
        return body

    op.provider.play.token = noted
    person, _ = _accepted(op)
    assert len(tokens) == 2
    said = op.world.written() + "".join(response.text + str(response.headers) for response in person.seen)
    assert not any(token in said for token in (*tokens, SUB))


# --- refresh: only to learn that the provider's session is over

RECHECK = "recheck_s: 300\nscopes: [offline_access]"
"""Without the quick lane: it may keep what it read for a second of real time, and these tests move the clock."""


def test_oidcc_client_test_refresh_token(tmp_path: Path) -> None:
    with agents(tmp_path, RECHECK, quick_lane=False) as op:
        person, _ = _accepted(op)
        asked = op.provider.seen.authorize[-1]
        # Core §11: without this prompt a server ignores the scope, or refuses.
        assert ("offline_access" in asked["scope"].split(), asked["prompt"]) == (True, "consent")
        op.clock.ahead_s += 301
        assert op.is_signed_in(person)
        form, headers = op.provider.seen.token[-1]
        assert form["grant_type"] == "refresh_token"
        assert form["refresh_token"]
        assert headers["authorization"].startswith("Basic ")
        op.provider.play.token_status = 400
        op.clock.ahead_s += 301
        assert not op.is_signed_in(person)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(changed(iss="https://evil.example"), id="test_oidcc_client_test_refresh_token_invalid_issuer"),
        pytest.param(changed(sub="somebody-else"), id="test_oidcc_client_test_refresh_token_invalid_sub"),
        pytest.param(changed(aud="another-client"), id="another audience"),
        pytest.param(lambda claims: claims | {"iat": claims["iat"] - 7 * 86_400}, id="issued long ago"),
        pytest.param(changed(acr="0"), id="a level that nothing maps"),
    ],
)
def test_a_refreshed_id_token_is_of_the_same_issuer_person_and_client(tmp_path: Path, wrong: Any) -> None:
    with agents(tmp_path, RECHECK, quick_lane=False) as op:
        person, _ = _accepted(op)
        op.clock.ahead_s += 301
        assert op.is_signed_in(person), "the honest twin"
        op.provider.play.id_token = wrong
        op.clock.ahead_s += 301
        assert not op.is_signed_in(person)


def test_a_level_does_not_outlive_its_fall_at_the_provider(tmp_path: Path) -> None:
    """What the policies were opened with is not the person's any more; the same level, a higher one, or none said, is."""
    with agents(tmp_path, RECHECK, quick_lane=False) as op:
        op.provider.play.id_token = changed(acr="2")
        person, _ = _accepted_as_played(op)
        for said in ("2", ...):
            op.provider.play.id_token = changed(acr=said)
            op.clock.ahead_s += 301
            assert op.is_signed_in(person), "the honest twins"
        op.provider.play.id_token = changed(acr="1")
        op.clock.ahead_s += 301
        assert not op.is_signed_in(person)


def test_without_a_refresh_token_that_was_asked_for_nobody_is_signed_in(tmp_path: Path) -> None:
    with agents(tmp_path, RECHECK, quick_lane=False) as op:
        _refused(op, "refresh_token_missing", token=changed(refresh_token=...))


def test_offline_access_is_never_asked_for_without_being_written(op: Agents) -> None:
    person, _ = _accepted(op)
    assert "offline_access" not in op.provider.seen.authorize[-1]["scope"]
    assert "prompt" not in op.provider.seen.authorize[-1]
    op.clock.ahead_s += 1_500
    assert op.is_signed_in(person)
    assert [form["grant_type"] for form, _ in op.provider.seen.token] == ["authorization_code"]
