"""A token read strictly, then its signature: nothing in a token chooses how it is verified (RFC 8725)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from joserfc import jwe, jws
from joserfc.jwk import ECKey, RSAKey, import_key

from gateway.core.errors import LoginFailed

TOKEN_BYTES_AT_MOST = 16_384
RSA_BITS_AT_LEAST = 2_048
_KID_AT_MOST = 256
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_CURVES = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None)}
_JWE_ALGORITHMS = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES")
_JWE_ENCRYPTION = "A256GCM"


class UnknownKey(LoginFailed):
    """No key of the set fits: it may have been replaced since it was fetched."""


class SignatureMismatch(LoginFailed):
    """The key of that name did not sign this: FranceConnect's labels survive a change of key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The provider's usable keys, by algorithm."""

    by_alg: Mapping[str, tuple[tuple[str | None, ECKey | RSAKey], ...]] = field(repr=False)


def import_keys(jwks: Mapping[str, Any]) -> Keys:
    """Keep the signature keys that can be used; a bad one among good ones is skipped (RFC 7517 §5)."""
    found: dict[str, list[tuple[str | None, ECKey | RSAKey]]] = {alg: [] for alg in _CURVES}
    entries = jwks.get("keys")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        for alg, (kty, curve) in _CURVES.items():
            if entry.get("kty") == kty and entry.get("crv") == curve and entry.get("alg", alg) == alg:
                _keep(entry, found[alg])
    return Keys({alg: tuple(keys) for alg, keys in found.items()})


def _keep(entry: dict[str, Any], keys: list[tuple[str | None, ECKey | RSAKey]]) -> None:
    kid = entry.get("kid")
    public = {name: value for name, value in entry.items() if name in {"kty", "crv", "x", "y", "n", "e"}}
    try:
        key = import_key(public)
    except Exception:  # noqa: BLE001 - whatever a library makes of a bad key, it is a key that we do not have
        return
    if isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS_AT_LEAST:
        return
    if isinstance(key, ECKey | RSAKey) and (kid is None or isinstance(kid, str)):
        keys.append((kid, key))


@dataclass(frozen=True, slots=True)
class Pinned:
    """What was agreed with the provider once; no token and no document can widen it."""

    alg: str
    sealed: bool
    """FranceConnect+: a signed token comes encrypted for us, or not at all."""
    encryption_key_pem: bytes | None = field(default=None, repr=False)


def verified_payload(
    token: str, keys: Keys, pinned: Pinned, *, types: frozenset[str] = frozenset({"JWT"})
) -> dict[str, Any]:
    """The claims of a token signed with the pinned algorithm; sealed first, where the profile seals.

    A token that says its type must say one of `types`.
    """
    if pinned.sealed:
        token = _opened(token, pinned)
    header, payload = _read(token)
    if header.get("alg") != pinned.alg:
        raise LoginFailed("token_alg")
    if header.get("typ") is not None and str(header["typ"]) not in types:
        raise LoginFailed("token_typ")
    if not header.keys() <= {"alg", "kid", "typ", "cty", "x5t", "x5t#S256"}:
        raise LoginFailed("token_header")
    _verify(token, header, keys, pinned.alg)
    return payload


def claimed(token: str) -> dict[str, Any]:
    """What an unverified token says: to choose whose keys to verify it with, and for nothing else."""
    return _read(token)[1]


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > TOKEN_BYTES_AT_MOST:
        raise LoginFailed("token_too_large")
    segments = token.split(".")
    if len(segments) != 3:
        raise LoginFailed("token_segments")
    header, payload, _ = (_decode(segment) for segment in segments)
    return read_json(header, "token_header"), read_json(payload, "token_payload")


def _decode(segment: str) -> bytes:
    """Canonical base64url only: two texts for one token would be two tokens for a replay check."""
    if not _SEGMENT.fullmatch(segment):
        raise LoginFailed("token_base64")
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise LoginFailed("token_base64") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != segment:
        raise LoginFailed("token_base64")
    return raw


def read_json(raw: bytes, code: str) -> dict[str, Any]:
    """A JSON object without a repeated name, and without NaN and Infinity; LoginFailed(code) otherwise."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    def never(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=once, parse_constant=never)
    except (ValueError, RecursionError):
        raise LoginFailed(code) from None
    if not isinstance(value, dict):
        raise LoginFailed(code)
    return value


def _verify(token: str, header: Mapping[str, Any], keys: Keys, alg: str) -> None:
    kid = header.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > _KID_AT_MOST):
        raise LoginFailed("token_kid")
    known = keys.by_alg[alg]
    candidates = [key for name, key in known if kid is None or name == kid]
    if not candidates:
        raise UnknownKey("token_key_unknown")
    if not any(_signed_by(token, key, alg) for key in candidates):
        raise SignatureMismatch("token_signature")


def _signed_by(token: str, key: ECKey | RSAKey, alg: str) -> bool:
    try:
        jws.deserialize_compact(token, key, algorithms=[alg])
    except Exception:  # noqa: BLE001 - joserfc raises more than its own errors; none of them is a signature
        return False
    return True


def _opened(token: str, pinned: Pinned) -> str:
    """FranceConnect+ seals its signed tokens for us (RFC 7516)."""
    segments = token.split(".")
    if len(token) > TOKEN_BYTES_AT_MOST or len(segments) != 5:
        raise LoginFailed("token_not_encrypted")
    header = read_json(_decode(segments[0]), "token_header")
    if header.get("alg") not in _JWE_ALGORITHMS or header.get("enc") != _JWE_ENCRYPTION:
        raise LoginFailed("token_encryption")
    if pinned.encryption_key_pem is None:
        raise LoginFailed("token_encryption_key")
    try:
        kind: Literal["RSA", "EC"] = "RSA" if str(header["alg"]).startswith("RSA") else "EC"
        key = import_key(pinned.encryption_key_pem, kind)
        opened = jwe.decrypt_compact(token, key, algorithms=[*_JWE_ALGORITHMS, _JWE_ENCRYPTION])
        return (opened.plaintext or b"").decode("ascii")
    except Exception:  # noqa: BLE001 - as above
        raise LoginFailed("token_not_for_us") from None
