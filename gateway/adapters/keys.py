"""Signing keys: read once at start, published as a JWKS (RFC 7517), handed to the core as a function."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from awscrt.crypto import EC
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import import_key

from gateway.core.rules import Route
from gateway.core.signing import Sign, Signer

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey

_KEYGEN = "make one with: gateway keys make signing.pem (or openssl genpkey -algorithm ed25519)"
_P256_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningKeys:
    signer: Signer
    jwks: dict[str, list[dict[str, str]]] = field(repr=False)
    """Public halves only, the current key first."""


def load_signing_keys(current_pem: bytes, previous: Sequence[bytes]) -> SigningKeys:
    """Read the key that signs and those that signed before it; a `ValueError` says what is wrong and what to do.

    A previous key only verifies: its public half is enough.
    """
    private = _private_key(current_pem)
    jwk = _jwk(private.public_key())
    published = {jwk["kid"]: jwk}
    for pem in previous:
        old = _jwk(_public_key(pem))
        published.setdefault(old["kid"], old)
    return SigningKeys(Signer(_alg(private.public_key()), jwk["kid"], _sign(private)), {"keys": [*published.values()]})


def encryption_jwk(pem: bytes) -> dict[str, object]:
    """The public half of the key that opens FranceConnect+'s tokens, as FranceConnect+ fetches it."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ValueError("the encryption key is not a PEM private key without a password") from None
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    imported = import_key(public, "RSA" if isinstance(key, rsa.RSAPrivateKey) else "EC")
    alg = "RSA-OAEP-256" if isinstance(key, rsa.RSAPrivateKey) else "ECDH-ES"
    return {**imported.as_dict(private=False), "kid": imported.thumbprint(), "use": "enc", "alg": alg}


def certificate_ends(routes: Iterable[Route]) -> Iterator[tuple[str, float]]:
    """Each route that shows a certificate upstream, and the Unix second after which it no longer counts."""
    for route in routes:
        if not route.tls.client_cert:
            continue
        with suppress(OSError, ValueError):  # changed under our feet: whoever loads it next says so
            pem = Path(route.tls.client_cert).read_bytes()
            yield route.name, x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()


class KeyType(StrEnum):
    """What signs here."""

    ED25519 = "ed25519"
    P256 = "p256"

    @classmethod
    def of(cls, alg: str) -> "KeyType":
        """`EdDSA` or `ES256`."""
        return cls.ED25519 if alg == "EdDSA" else cls.P256


def generate_pem(kind: KeyType = KeyType.ED25519) -> bytes:
    """A new private key, PKCS#8, not encrypted."""
    ed = kind is KeyType.ED25519
    key = ed25519.Ed25519PrivateKey.generate() if ed else ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _private_key(pem: bytes) -> PrivateKey:
    if b"PUBLIC KEY" in pem:
        raise ValueError(f"the signing key must be a private key, and this one is public; {_KEYGEN}")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValueError("the signing key is encrypted; decrypt it, and let the file's rights protect it") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"the signing key is not a PEM private key; {_KEYGEN}") from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError(f"the signing key must be Ed25519 or P-256; {_KEYGEN}")


def _public_key(pem: bytes) -> PublicKey:
    if b"PUBLIC KEY" not in pem:
        return _private_key(pem).public_key()
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("a previous key is not a PEM key") from None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("a previous key must be Ed25519 or P-256, as the one that signed")


def _alg(key: PublicKey) -> Literal["ES256", "EdDSA"]:
    return "EdDSA" if isinstance(key, ed25519.Ed25519PublicKey) else "ES256"


def _sign(key: PrivateKey) -> Sign:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign

    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # A quarter quicker than OpenSSL (docs/decisions/0016).
    p256 = EC.new_key_from_der_data(der)

    def sign(message: bytes) -> bytes:
        # JWS wants r‖s, not DER (RFC 7518 §3.4).
        signature: bytes = p256.sign(hashlib.sha256(message).digest())
        pair: bytes = EC.decode_der_signature_to_padded_pair(signature, pad_to=_P256_BYTES)
        return pair

    return sign


def _jwk(key: PublicKey) -> dict[str, str]:
    members = _members(key)
    # RFC 7638: the required members only, in order, without spaces.
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode("ascii")
    return {**members, "kid": _b64(hashlib.sha256(canonical).digest()), "use": "sig", "alg": _alg(key)}


def _members(key: PublicKey) -> dict[str, str]:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": _b64(key.public_bytes_raw())}
    point = key.public_numbers()
    x, y = (_b64(number.to_bytes(_P256_BYTES, "big")) for number in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
