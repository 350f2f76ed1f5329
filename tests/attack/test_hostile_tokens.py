"""Tokens that a hostile or broken provider could send. Each is refused by its own code; the honest twin is accepted."""

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwe, jws
from joserfc.jwk import ECKey, RSAKey

from gateway.core.errors import LoginFailed
from gateway.core.model import Acr, VerifiedClaims
from gateway.jose import Keys, SignatureMismatch, UnknownKey, import_keys
from gateway.relying_party import ProviderSettings, check_acr, read_token_response, verify_id_token, verify_userinfo

NOW = 1_790_000_000
KID = "pkcs11:ES256:hsm"
KEY = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
NONCE = "n" * 64

SETTINGS = ProviderSettings(
    name="franceconnect",
    profile="franceconnect",
    issuer="https://fc.example/api/v2",
    client_id="client",
    client_secret="s" * 64,
    signing_alg="ES256",
    redirect_uri="https://ville.example/_gateway/callback",
    post_logout_redirect_uri="https://ville.example/_gateway/logged-out",
)


def _jwk(key: ECKey | RSAKey, **more: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "use": "sig", **more}


KEYS = import_keys({"keys": [_jwk(KEY, kid=KID, alg="ES256"), _jwk(RSA, kid="pkcs11:RS256:hsm", alg="RS256")]})

CLAIMS: dict[str, Any] = {
    "sub": "a" * 64 + "v1",
    "auth_time": NOW,
    "acr": "eidas1",
    "nonce": NONCE,
    "aud": "client",
    "exp": NOW + 60,
    "iat": NOW,
    "iss": SETTINGS.issuer,
}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signed(claims: dict[str, Any] | bytes, header: dict[str, Any] | bytes | None = None, key: ECKey = KEY) -> str:
    """A token with any header and any payload, whose ES256 signature is true."""
    head = header if header is not None else {"alg": "ES256", "kid": KID}
    raw_head = head if isinstance(head, bytes) else json.dumps(head).encode()
    raw_claims = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    message = f"{_b64(raw_head)}.{_b64(raw_claims)}"
    private = serialization.load_pem_private_key(key.as_pem(private=True), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{message}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _id_token(**changes: Any) -> str:
    return _signed({name: value for name, value in (CLAIMS | changes).items() if value is not ...})


def _verify(token: str, keys: Keys = KEYS, settings: ProviderSettings = SETTINGS) -> VerifiedClaims:
    return verify_id_token(token, keys, settings, nonce=NONCE, now=NOW)


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(LoginFailed) as caught:
        call()
    return caught.value.code


def test_the_honest_token_is_accepted() -> None:
    assert _verify(_id_token())["sub"] == CLAIMS["sub"]
    assert _verify(_signed(CLAIMS, {"alg": "ES256", "kid": KID, "typ": "JWT"}))
    assert _verify(_signed(CLAIMS, {"alg": "ES256"}))
    assert _verify(_id_token(aud=["client"]))
    assert _verify(_id_token(aud=["client", "other"], azp="client"))
    assert _verify(_id_token(iat=NOW - 20, exp=NOW - 20))
    assert _verify(_id_token(iat=NOW + 20))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"nonce": "x" * 64}, "claim_nonce", id="another nonce"),
        pytest.param({"nonce": ...}, "claim_missing_nonce", id="no nonce"),
        pytest.param({"nonce": ""}, "claim_type_nonce", id="an empty nonce"),
        pytest.param({"iss": "https://evil.example"}, "claim_iss", id="another issuer"),
        pytest.param({"iss": SETTINGS.issuer + "\n"}, "claim_iss", id="an issuer with a line end"),
        pytest.param({"iss": [SETTINGS.issuer]}, "claim_type_iss", id="an issuer in a list"),
        pytest.param({"iss": ...}, "claim_missing_iss", id="no issuer"),
        pytest.param({"aud": "other"}, "claim_aud", id="another audience"),
        pytest.param({"aud": ["client", "other"]}, "claim_azp", id="two audiences and no authorised party"),
        pytest.param({"aud": ["client"], "azp": "other"}, "claim_azp", id="another authorised party"),
        pytest.param({"aud": []}, "claim_type_aud", id="no audience in the list"),
        pytest.param({"aud": {"client": 1}}, "claim_type_aud", id="an audience that is an object"),
        pytest.param({"aud": ...}, "claim_missing_aud", id="no audience"),
        pytest.param({"sub": ...}, "claim_missing_sub", id="no subject"),
        pytest.param({"sub": ""}, "claim_type_sub", id="an empty subject"),
        pytest.param({"sub": ["a"]}, "claim_type_sub", id="a subject in a list"),
        pytest.param({"exp": ...}, "claim_missing_exp", id="no expiry"),
        pytest.param({"exp": True}, "claim_type_exp", id="an expiry that is true"),
        pytest.param({"exp": str(NOW + 60)}, "claim_type_exp", id="an expiry that is text"),
        pytest.param({"iat": ...}, "claim_missing_iat", id="no issue time"),
        pytest.param({"iat": NOW - 601, "exp": NOW + 60}, "id_token_iat", id="issued ten minutes ago"),
        pytest.param({"acr": 1}, "claim_type_acr", id="a level that is a number"),
        pytest.param({"auth_time": "now"}, "claim_type_auth_time", id="a time that is text"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused(changes: dict[str, Any], code: str) -> None:
    assert _code(lambda: _verify(_id_token(**changes))) == code


def test_an_expired_token_and_one_from_the_future_are_refused() -> None:
    assert _code(lambda: _verify(_id_token(exp=NOW - 31))).startswith("claim_")
    assert _code(lambda: _verify(_id_token(iat=NOW + 31))).startswith("claim_")


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "", "HS256", "RS256", "ES384", 7, None])
def test_only_the_algorithm_that_was_agreed_is_read(alg: object) -> None:
    head, payload = _b64(json.dumps({"alg": alg, "kid": KID}).encode()), _b64(json.dumps(CLAIMS).encode())
    for signature in ("", _b64(b"x" * 64)):
        assert _code(lambda s=signature: _verify(f"{head}.{payload}.{s}")) in {"token_alg", "token_base64"}  # type: ignore[misc]


def test_a_token_without_an_algorithm_is_refused() -> None:
    assert _code(lambda: _verify(_signed(CLAIMS, {"kid": KID}))) == "token_alg"


def test_an_hmac_keyed_with_the_public_key_is_refused() -> None:
    message = f"{_b64(json.dumps({'alg': 'HS256', 'kid': KID}).encode())}.{_b64(json.dumps(CLAIMS).encode())}"
    mac = hmac.new(KEY.as_pem(private=False), message.encode(), hashlib.sha256).digest()
    assert _code(lambda: _verify(f"{message}.{_b64(mac)}")) == "token_alg"


def test_a_true_rs256_signature_is_refused_where_es256_was_agreed() -> None:
    token = jws.serialize_compact(
        {"alg": "RS256", "kid": "pkcs11:RS256:hsm"}, json.dumps(CLAIMS), RSA, algorithms=["RS256"]
    )
    assert _code(lambda: _verify(token)) == "token_alg"


def test_another_key_under_the_same_label_is_a_signature_that_fails() -> None:
    with pytest.raises(SignatureMismatch):
        _verify(_signed(CLAIMS, key=ECKey.generate_key("P-256")))


@pytest.mark.parametrize("kid", ["unknown", "../../etc/passwd", "' OR 1=1"])
def test_an_unknown_label_is_a_key_that_is_not_there(kid: str) -> None:
    with pytest.raises(UnknownKey):
        _verify(_signed(CLAIMS, {"alg": "ES256", "kid": kid}))


@pytest.mark.parametrize("kid", [7, ["a"], "a" * 257])
def test_a_label_is_a_short_text(kid: object) -> None:
    assert _code(lambda: _verify(_signed(CLAIMS, {"alg": "ES256", "kid": kid}))) == "token_kid"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["b64"]},
        {"crit": None},
        {"b64": False},
        {"jwk": KEY.as_dict(private=False)},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/x5u"},
        {"x5c": ["MII"]},
    ],
)
def test_a_header_that_would_steer_the_verification_is_refused(header: dict[str, Any]) -> None:
    assert _code(lambda: _verify(_signed(CLAIMS, {"alg": "ES256", "kid": KID, **header}))) == "token_header"


@pytest.mark.parametrize("typ", ["gw-assert+jwt", "at+jwt", "logout+jwt", 7])
def test_a_token_of_another_type_is_refused(typ: object) -> None:
    assert _code(lambda: _verify(_signed(CLAIMS, {"alg": "ES256", "kid": KID, "typ": typ}))) == "token_typ"


def test_repeated_names_are_refused() -> None:
    twice = json.dumps(CLAIMS)[:-1] + ', "sub": "other"}'
    assert _code(lambda: _verify(_signed(twice.encode()))) == "token_payload"
    assert _code(lambda: _verify(_signed(CLAIMS, b'{"alg": "ES256", "alg": "none"}'))) == "token_header"


@pytest.mark.parametrize("payload", [b"[]", b"7", b'"a"', b"{", b"\xff", b"[" * 5000])
def test_a_payload_is_an_object(payload: bytes) -> None:
    assert _code(lambda: _verify(_signed(payload))) == "token_payload"


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "!!!!",
        lambda token: token + " ",
        lambda token: "\n" + token,
        lambda token: token.replace(".", "=.", 1),
        lambda token: token[:-1] + chr(ord(token[-1]) + 1),
    ],
)
def test_only_canonical_base64_is_read(change: Callable[[str], str]) -> None:
    assert _code(lambda: _verify(change(_id_token()))) in {"token_base64", "token_signature"}


@pytest.mark.parametrize("token", ["", "a", "a.b", "..", ".", "a.b.c.d", "." * 20_000, "a" * 17_000])
def test_a_token_has_three_segments_and_a_size(token: str) -> None:
    assert _code(lambda: _verify(token)) in {"token_segments", "token_base64", "token_too_large"}


def test_a_der_signature_and_a_zero_signature_are_refused() -> None:
    message, _, _ = _id_token().rpartition(".")
    private = serialization.load_pem_private_key(KEY.as_pem(private=True), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    der = private.sign(message.encode(), ec.ECDSA(hashes.SHA256()))
    for signature in (der, bytes(64), b"\x00" * 63 + b"\x01"):
        assert _code(lambda s=signature: _verify(f"{message}.{_b64(s)}")) == "token_signature"  # type: ignore[misc]


USERINFO: dict[str, Any] = {
    "sub": CLAIMS["sub"],
    "family_name": "DUBOIS",
    "aud": "client",
    "exp": NOW + 60,
    "iat": NOW,
    "iss": SETTINGS.issuer,
}


def _userinfo(token: str, sub: object = CLAIMS["sub"]) -> VerifiedClaims:
    return verify_userinfo(token, KEYS, SETTINGS, sub=sub, now=NOW)


def test_the_honest_userinfo_is_accepted() -> None:
    assert _userinfo(_signed(USERINFO))["family_name"] == "DUBOIS"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"sub": "b" * 64 + "v1"}, "userinfo_sub", id="about somebody else"),
        pytest.param({"aud": "other"}, "claim_aud", id="for another client"),
        pytest.param({"iss": "https://evil.example"}, "claim_iss", id="of another issuer"),
        pytest.param({"exp": NOW - 31}, "claim_exp", id="expired"),
    ],
)
def test_a_userinfo_that_is_not_ours_is_refused(changes: dict[str, Any], code: str) -> None:
    found = _code(lambda: _userinfo(_signed(USERINFO | changes)))
    assert found == code or (code == "claim_exp" and found.startswith("claim_"))


@pytest.mark.parametrize("name", ["sub", "aud", "iss", "exp"])
def test_a_userinfo_that_lacks_a_claim_is_refused(name: str) -> None:
    claims = {key: value for key, value in USERINFO.items() if key != name}
    assert _code(lambda: _userinfo(_signed(claims))) == f"claim_missing_{name}"


def test_a_plain_json_userinfo_is_no_token() -> None:
    assert _code(lambda: _userinfo(json.dumps(USERINFO))).startswith("token_")


def test_a_subject_that_is_no_text_is_nobody() -> None:
    assert _code(lambda: _userinfo(_signed(USERINFO), sub=None)) == "userinfo_sub"


@pytest.mark.parametrize(("acr", "floor"), [("eidas1", Acr.EIDAS2), ("eidas2", Acr.EIDAS3)])
def test_a_level_below_the_one_asked_for_is_refused(acr: str, floor: Acr) -> None:
    assert _code(lambda: check_acr(VerifiedClaims({"acr": acr}), SETTINGS, floor)) == "acr_too_low"
    assert check_acr(VerifiedClaims({"acr": acr}), SETTINGS, Acr.EIDAS1)


@pytest.mark.parametrize("claims", [{}, {"acr": "eidas9"}, {"acr": None}])
def test_a_level_that_is_missing_or_unknown_is_refused(claims: dict[str, object]) -> None:
    assert _code(lambda: check_acr(VerifiedClaims(claims), SETTINGS, Acr.EIDAS1)) == "acr_unknown"


ANSWER: dict[str, Any] = {
    "access_token": "a" * 43,
    "expires_in": 60,
    "id_token": "t",
    "scope": "openid",
    "token_type": "Bearer",
}


def test_the_honest_token_answer_is_read() -> None:
    answer = read_token_response(json.dumps(ANSWER).encode(), frozenset({"openid", "email"}))
    assert (answer.access_token, answer.scopes) == ("a" * 43, {"openid"})
    without = {name: value for name, value in ANSWER.items() if name != "scope"}
    assert read_token_response(json.dumps(without).encode(), frozenset({"email"})).scopes == {"email"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>", "token_response_malformed"),
        (b'{"access_token": "a"', "token_response_malformed"),
        (b'{"token_type": "Bearer", "token_type": "Bearer"}', "token_response_malformed"),
        (b"[]", "token_response_malformed"),
        (json.dumps(ANSWER | {"token_type": "DPoP"}).encode(), "token_type"),
        (json.dumps(ANSWER | {"token_type": None}).encode(), "token_type"),
        (json.dumps(ANSWER | {"id_token": None}).encode(), "id_token_missing"),
        (json.dumps(ANSWER | {"access_token": ""}).encode(), "access_token_missing"),
        (json.dumps(ANSWER | {"access_token": ["a"]}).encode(), "access_token_missing"),
    ],
)
def test_a_malformed_token_answer_is_refused(body: bytes, code: str) -> None:
    assert _code(lambda: read_token_response(body, frozenset())) == code


def test_unusable_keys_of_a_set_are_skipped() -> None:
    odd: list[Any] = [
        7,
        {"kty": "oct", "k": "AAAA", "kid": KID, "alg": "HS256"},
        {"kty": "EC", "crv": "P-256", "x": "!!", "y": "!!", "kid": KID},
        _jwk(KEY, kid=KID, alg="ES256") | {"use": "enc"},
        {**_jwk(KEY), "kid": 7},
    ]
    assert not any(import_keys({"keys": odd}).by_alg.values())
    assert not any(import_keys({"keys": "none"}).by_alg.values())
    assert _verify(_id_token(), import_keys({"keys": [*odd, _jwk(KEY, kid=KID)]}))


def _plus(key_pem: bytes | None) -> ProviderSettings:
    return replace(SETTINGS, profile="franceconnect_plus", encryption_key_pem=key_pem)


ENC = ECKey.generate_key("P-256")


def _sealed(token: str, alg: str = "ECDH-ES", enc: str = "A256GCM", key: ECKey = ENC) -> str:
    return jwe.encrypt_compact({"alg": alg, "enc": enc, "cty": "JWT"}, token, key, algorithms=[alg, enc])


def test_franceconnect_plus_opens_what_is_sealed_for_us() -> None:
    settings = _plus(ENC.as_pem(private=True))
    assert verify_id_token(_sealed(_id_token()), KEYS, settings, nonce=NONCE, now=NOW)
    rsa = RSAKey.generate_key(2048)
    sealed = jwe.encrypt_compact(
        {"alg": "RSA-OAEP-256", "enc": "A256GCM"}, _id_token(), rsa, algorithms=["RSA-OAEP-256", "A256GCM"]
    )
    assert verify_id_token(sealed, KEYS, _plus(rsa.as_pem(private=True)), nonce=NONCE, now=NOW)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(_id_token(), "token_not_encrypted", id="signed but not sealed"),
        pytest.param(_sealed(_id_token(), enc="A128GCM"), "token_encryption", id="another cipher"),
        pytest.param(_sealed(_id_token(), key=ECKey.generate_key("P-256")), "token_not_for_us", id="for another key"),
        pytest.param(_sealed(_id_token(nonce="x")), "claim_nonce", id="sealed around a bad token"),
        pytest.param("a.b.c.d.e", "token_base64", id="five segments of nothing"),
        pytest.param("." * 4, "token_base64", id="five empty segments"),
    ],
)
def test_franceconnect_plus_refuses_what_is_not(token: str, code: str) -> None:
    settings = _plus(ENC.as_pem(private=True))
    assert _code(lambda: verify_id_token(token, KEYS, settings, nonce=NONCE, now=NOW)) == code


def test_franceconnect_plus_without_our_key_is_refused() -> None:
    token = _sealed(_id_token())
    assert _code(lambda: verify_id_token(token, KEYS, _plus(None), nonce=NONCE, now=NOW)) == "token_encryption_key"


def test_an_oversized_token_is_not_even_parsed() -> None:
    assert _code(lambda: _verify(_id_token(padding="a" * 17_000))) == "token_too_large"
    assert _verify(_id_token(padding="a" * 9_000))


def test_trailing_bits_of_base64_are_refused() -> None:
    message, _, signature = _id_token().rpartition(".")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = letters[letters.index(signature[-1]) ^ 1]
    assert _code(lambda: _verify(f"{message}.{signature[:-1]}{twin}")) == "token_base64"


def test_a_key_of_a_thousand_bits_is_no_key() -> None:
    """RSA of 1024 bits can be factored by whoever cares enough (NIST SP 800-131A)."""
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1_024).public_key().public_numbers()
    entry = {"kty": "RSA", "kid": "short", "alg": "RS256"} | {
        name: _b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        for name, number in (("n", short.n), ("e", short.e))
    }
    with warnings.catch_warnings():
        # In production the library only warns of such a key.
        warnings.simplefilter("ignore")
        assert import_keys({"keys": [entry]}).by_alg["RS256"] == ()
    assert import_keys({"keys": [_jwk(RSA, kid="long")]}).by_alg["RS256"]
