"""Statements, requests and keys for the tests of signatures, and a reader of the claims."""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gateway.adapters.keys import SigningKeys, load_signing_keys
from gateway.core.decision import Injected
from gateway.core.rules import SignatureForm
from gateway.core.signing import BodyMode, Bound, RequestSigner, Signer, Statement, Subject, prepare
from tests.verifiers import Arrived

SECRET = b"a secret of thirty-two bytes....".ljust(32, b".")
TOKEN = "0123456789abcdef" * 2
DECISION = "K7QM-2F4D"
ANGELA = Subject("s" * 66, "eidas1", 1_790_000_000, "pseudonym")


def _pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


# RFC 8032 §7.1, the first test vector: Ed25519 signatures are the same each time, so documentation can show one.
ED25519 = load_signing_keys(
    _pem(
        ed25519.Ed25519PrivateKey.from_private_bytes(
            bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        )
    ),
    [],
)
P256 = load_signing_keys(_pem(ec.generate_private_key(ec.SECP256R1())), [])
KEYS: dict[str, SigningKeys] = {"ed25519": ED25519, "p256": P256}


def bind(method: str, host: bytes, target: bytes, body: bytes | None) -> Bound:
    """`body` None: one that streams."""
    if body is None:
        return Bound(method, host, target, BodyMode.UNBOUND)
    if not body:
        return Bound(method, host, target, BodyMode.EMPTY)
    return Bound(method, host, target, BodyMode.DIGEST, hashlib.sha256(body).digest())


def statement(**changes: Any) -> Statement:
    plain: dict[str, Any] = {
        "issuer": "https://ville.fr",
        "audience": "https://ville.fr/cantine/",
        "route": "ville.fr/cantine/",
        "policy_version": "0123456789ab",
        "subject": ANGELA,
        "values": (
            Injected("X-Usager-Nom", "identity.birth_name", "DUBOIS"),
            Injected("X-Caf-Tranche", "brackets.name", "T2"),
            Injected("X-Portail", "const", "famille"),
        ),
        "headers": (("X-Usager-Nom", b"DUBOIS"), ("X-Caf-Tranche", b"T2"), ("X-Portail", b"famille")),
    }
    return Statement(**(plain | changes))


def prepared(form: SignatureForm, said: Statement, signer: Signer = ED25519.signer) -> RequestSigner:
    made = prepare(form, said, signer=signer, secret=SECRET)
    assert made is not None
    return made


def signed(
    form: SignatureForm, said: Statement, bound: Bound, signer: Signer = ED25519.signer, **changes: Any
) -> list[tuple[bytes, bytes]]:
    """The fields that the form adds for one request."""
    when: dict[str, Any] = {"now": 1_790_000_100, "token_id": TOKEN, "decision_id": DECISION}
    return prepared(form, said, signer).sign(bound, **(when | changes))


class Requests:
    """Requests of one form under one key, as the gateway sends them; each has an id of its own."""

    def __init__(self, form: SignatureForm, keys: SigningKeys) -> None:
        self.form = form
        self.keys = keys
        self._made = 0

    def arrived(
        self,
        method: str = "POST",
        host: bytes = b"ville.fr",
        target: bytes = b"/cantine/inscription?etape=2",
        body: bytes = b"enfant=Zo%C3%AB",
        *,
        said: Statement | None = None,
        unbound: bool = False,
        now: int = 1_790_000_100,
    ) -> Arrived:
        self._made += 1
        said = said or statement()
        bound = bind(method, host, target, None if unbound else body)
        token = f"{self._made:032x}"
        added = signed(self.form, said, bound, self.keys.signer, now=now, token_id=token, decision_id=DECISION)
        fields = [("Host", host), *said.headers, *((name.decode("ascii"), value) for name, value in added)]
        return Arrived(method, target, tuple(fields), body)


def decoded(segment: bytes) -> Any:
    return json.loads(base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))


def claims(said: Statement, bound: Bound, **changes: Any) -> dict[str, Any]:
    [(_, assertion)] = signed(SignatureForm.JWT, said, bound, **changes)
    payload: dict[str, Any] = decoded(assertion.split(b".")[1])
    return payload
