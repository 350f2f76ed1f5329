"""Signing keys: what is accepted, what is published, and that others can verify what they sign."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from gateway.adapters.keys import SigningKeys, encryption_jwk, generate_pem, load_signing_keys
from gateway.core.rules import SignatureForm
from tests.signatures import bind, signed, statement

_PKCS8, _PEM = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
_OPEN = serialization.NoEncryption()


def _pem(key: Any, encryption: serialization.KeySerializationEncryption = _OPEN) -> bytes:
    pem: bytes = key.private_bytes(_PEM, _PKCS8, encryption)
    return pem


def _public(pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(pem, password=None)
    return key.public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


P256 = _pem(ec.generate_private_key(ec.SECP256R1()))
ED25519 = generate_pem()


def _assertion(keys: SigningKeys, decision: str) -> bytes:
    bound = bind("GET", b"ville.fr", b"/", b"")
    [(_, assertion)] = signed(SignatureForm.JWT, statement(), bound, keys.signer, decision_id=decision)
    return assertion


def _verify(assertion: bytes, keys: SigningKeys) -> Any:
    key_set = KeySet.import_key_set(keys.jwks)  # type: ignore[arg-type]
    return json.loads(jws.deserialize_compact(assertion, key_set, algorithms=["EdDSA", "ES256"]).payload)


@pytest.mark.filterwarnings("ignore:EdDSA")
@pytest.mark.parametrize(("pem", "alg"), [(ED25519, "EdDSA"), (P256, "ES256")])
def test_another_library_verifies_with_the_published_key(pem: bytes, alg: str) -> None:
    keys = load_signing_keys(pem, [])
    assert keys.signer.alg == alg
    # r and s begin with a zero byte once in 128 signatures: a raw signature keeps it.
    assert {len(keys.signer.sign(b"%d" % number)) for number in range(2000)} == {64}
    for number in range(20):
        assert _verify(_assertion(keys, f"d{number}"), keys)["dec"] == f"d{number}"


def test_no_nonce_comes_twice() -> None:
    # Two signatures with one nonce tell the key, and r is the nonce's.
    sign = load_signing_keys(P256, []).signer.sign
    assert len({sign(b"the same")[:32] for _ in range(2000)}) == 2000


@pytest.mark.filterwarnings("ignore:EdDSA")
def test_a_signature_by_a_previous_key_still_verifies_and_one_by_a_stranger_does_not() -> None:
    old = load_signing_keys(P256, [])
    new = load_signing_keys(ED25519, [P256])
    assert _verify(_assertion(old, "d"), new)["dec"] == "d"
    forged = _assertion(old, "d").rsplit(b".", 1)[0] + b"." + b"A" * 86
    with pytest.raises(BadSignatureError):
        _verify(forged, new)


def test_the_key_set_is_public_with_the_current_key_first() -> None:
    keys = load_signing_keys(ED25519, [P256]).jwks["keys"]
    assert [key["alg"] for key in keys] == ["EdDSA", "ES256"]
    assert [set(key) for key in keys] == [
        {"kty", "crv", "x", "kid", "use", "alg"},
        {"kty", "crv", "x", "y", "kid", "use", "alg"},
    ]
    assert {key["use"] for key in keys} == {"sig"}


@pytest.mark.parametrize("pem", [ED25519, P256])
def test_a_kid_is_the_thumbprint_that_others_compute(pem: bytes) -> None:
    keys = load_signing_keys(pem, [])
    (key,) = KeySet.import_key_set(keys.jwks).keys  # type: ignore[arg-type]
    assert keys.signer.kid == key.thumbprint()


def test_the_thumbprint_is_the_one_of_rfc_8037_appendix_a() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    keys = load_signing_keys(_pem(ed25519.Ed25519PrivateKey.from_private_bytes(seed)), [])
    assert keys.signer.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_previous_key_may_be_its_public_half() -> None:
    assert load_signing_keys(ED25519, [_public(P256)]).jwks == load_signing_keys(ED25519, [P256]).jwks


def test_a_key_listed_twice_is_published_once() -> None:
    assert len(load_signing_keys(ED25519, [ED25519, _public(ED25519)]).jwks["keys"]) == 1


RSA = _pem(rsa.generate_private_key(65537, 2048))
P384 = _pem(ec.generate_private_key(ec.SECP384R1()))
ENCRYPTED = _pem(ed25519.Ed25519PrivateKey.generate(), serialization.BestAvailableEncryption(b"a passphrase"))


@pytest.mark.parametrize(
    ("pem", "taught"),
    [
        (RSA, "must be Ed25519 or P-256"),
        (P384, "must be Ed25519 or P-256"),
        (_pem(ed448.Ed448PrivateKey.generate()), "must be Ed25519 or P-256"),
        (ENCRYPTED, "is encrypted"),
        (_public(ED25519), "this one is public"),
        (b"", "is not a PEM private key"),
        (b"nonsense", "openssl genpkey"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is not a PEM private key"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_with_a_lesson(pem: bytes, taught: str) -> None:
    with pytest.raises(ValueError, match=taught) as caught:
        load_signing_keys(pem, [])
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("pem", "taught"),
    [
        (_public(RSA), "a previous key must be"),
        (_public(P384), "a previous key must be"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "a previous key is not a PEM key"),
        (RSA, "must be Ed25519 or P-256"),
        (b"nonsense", "is not a PEM private key"),
    ],
)
def test_a_previous_key_is_held_to_the_same_rules(pem: bytes, taught: str) -> None:
    with pytest.raises(ValueError, match=taught):
        load_signing_keys(ED25519, [pem])


def test_generated_keys_differ_and_are_not_shown() -> None:
    assert generate_pem() != generate_pem()
    assert "sign=" not in repr(load_signing_keys(ED25519, []))


@pytest.mark.parametrize(
    ("key", "alg"),
    [(rsa.generate_private_key(65537, 2048), "RSA-OAEP-256"), (ec.generate_private_key(ec.SECP256R1()), "ECDH-ES")],
)
def test_the_key_that_opens_sealed_tokens_is_published_without_its_secret(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, alg: str
) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    jwk = encryption_jwk(pem)
    assert (jwk["use"], jwk["alg"]) == ("enc", alg)
    assert not {"d", "p", "q"} & jwk.keys()
    with pytest.raises(ValueError, match="PEM"):
        encryption_jwk(b"nonsense")
