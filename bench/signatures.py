"""The gateway's signatures, verified as an application would: written apart from the gateway's own code."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bench.systems import Fields, Wrong

HEADER = {"jwt": "X-Gateway-Assertion", "hmac": "X-Gateway-Signature"}


@dataclass(frozen=True)
class Verifier:
    """What an application behind the gateway knows."""

    key: ec.EllipticCurvePublicKey
    secret: bytes
    audience: str
    policy_version: str
    injected: Sequence[str]
    body: str
    """What a request without a body is signed with: the hash of nothing in hex, or `unbound`."""

    def verify(self, form: str, fields: Fields, target: str) -> None:
        """A GET of `target`. Raises: Wrong."""
        if form == "none":
            return
        value = fields.get(HEADER[form].lower())
        if value is None:
            raise Wrong(f"the upstream saw no signature in {sorted(fields)}")
        if form == "jwt":
            self._assertion(value, fields["host"], target)
        else:
            self._mac(value, fields, target)

    def _assertion(self, assertion: str, host: str, target: str) -> None:
        signed, _, signature = assertion.rpartition(".")
        raw = _unb64(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            self.key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Wrong("the assertion does not verify") from None
        claims = json.loads(_unb64(signed.partition(".")[2]))
        if (claims["aud"], claims["htm"], claims["hta"], claims["htp"]) != (self.audience, "GET", host, target):
            raise Wrong(f"the assertion is bound to {claims}, not to {host}{target}")

    def _mac(self, value: str, fields: Fields, target: str) -> None:
        found = re.fullmatch(r"v1;kid=([^;]+);ts=(\d+);jti=([^;]+);dec=([^;]+);pol=([^;]+);mac=([0-9a-f]{64})", value)
        if found is None:
            raise Wrong(f"not a signature: {value}")
        kid, stamp, token_id, decision, version, mac = found.groups()
        headers = sorted((name.lower(), fields[name.lower()]) for name in self.injected)
        message = [kid, self.audience, stamp, token_id, decision, version, "GET", fields["host"], target]
        message += [self.body, str(len(headers)), *(part for header in headers for part in header)]
        raw = [text.encode("latin-1") for text in message]
        signed = b"GWv1\n" + b"".join(b"%d:%b\n" % (len(each), each) for each in raw)
        if not hmac.compare_digest(hmac.digest(self.secret, signed, "sha256").hex(), mac):
            raise Wrong("the signature does not verify")


def new_p256_pem() -> str:
    """A private key as `signing.key` wants it."""
    key = ec.generate_private_key(ec.SECP256R1())
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(kind, form, serialization.NoEncryption()).decode()


def public_key(jwks: bytes) -> ec.EllipticCurvePublicKey:
    """The first key of a published set."""
    jwk = json.loads(jwks)["keys"][0]
    x, y = (int.from_bytes(_unb64(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def body_hash(*, seen: bool) -> str:
    """Of no body, where the gateway sees bodies."""
    return hashlib.sha256(b"").hexdigest() if seen else "unbound"


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
