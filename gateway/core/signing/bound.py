"""The words that the three forms of signature share: who says what to whom, about which one request."""

import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from gateway.core.decision import Injected
from gateway.core.encodings import leaves, plain
from gateway.core.errors import ValueRefused
from gateway.core.headers import fold

LIFETIME_S = 30
EARLY_S = 2
"""How long before `iat` an assertion holds: legacy clocks run late by a second or two."""
MAX_CLAIM_CHARACTERS = 255
MAX_SIGNATURE_BYTES = 4096
"""Of what the gateway says in one signature: Tomcat allows 8 KB of headers in all. Nothing is ever cut."""

Sign = Callable[[bytes], bytes]
"""Signing input → raw signature (RFC 7518 §3.4 for ES256, RFC 8037 for EdDSA). Core never holds a key."""


@dataclass(frozen=True, slots=True)
class Signer:
    alg: Literal["ES256", "EdDSA"]
    kid: str
    """RFC 7638 thumbprint."""
    sign: Sign = field(repr=False)


class BodyMode(StrEnum):
    DIGEST = "digest"
    UNBOUND = "unbound"
    EMPTY = "empty"


class Bound:
    """The one request that a signature is good for, as it goes upstream. Never changed once it is made."""

    __slots__ = ("authority", "digest", "method", "mode", "target")

    def __init__(
        self, method: str, authority: bytes, target: bytes, mode: BodyMode, digest: bytes | None = None
    ) -> None:
        self.method = method
        self.authority = authority
        """The Host sent upstream."""
        self.target = target
        """The exact octets of the request target, query included."""
        self.mode = mode
        self.digest = digest
        """Raw SHA-256 of the bytes forwarded; with mode `digest`, and only with it."""

    def __repr__(self) -> str:
        return f"Bound({self.method!r}, mode={str(self.mode)!r})"

    def at(self, authority: bytes) -> "Bound":
        """The same request under another Host."""
        return Bound(self.method, authority, self.target, self.mode, self.digest)

    @property
    def sha256(self) -> bytes | None:
        """Of the body that is bound, an empty one included; None when it is unbound.

        `ValueError` for a mode that the digest contradicts: a digest gone astray must not read as a body that streams.
        """
        if (self.mode is BodyMode.DIGEST) is (self.digest is None):
            raise ValueError("mode `digest` has a digest, and no other mode has one")
        return _EMPTY_SHA256 if self.mode is BodyMode.EMPTY else self.digest


_EMPTY_SHA256 = hashlib.sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Subject:
    """Who signed in, as the application may know them."""

    sub: str = field(repr=False)
    acr: str
    auth_time: int
    """Unix seconds."""
    sid: str = field(repr=False)
    """A pseudonym of the session, never its id."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the gateway says, as far as it does not depend on the request."""

    issuer: str
    audience: str
    route: str
    policy_version: str
    subject: Subject | None
    """None: nobody signed in."""
    values: tuple[Injected, ...] = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    """The injected ones as encoded. A header is injected once."""


class RequestSigner(Protocol):
    """A statement made ready: what is the same for each request was worked out once."""

    def sign(self, bound: Bound, *, now: int, token_id: str, decision_id: str) -> list[tuple[bytes, bytes]]:
        """The fields to add; `ValueRefused` when they would be too long, `RequestRejected` when the target alone is.

        `now`: Unix seconds. `token_id`: 32 hex characters, unique. `decision_id`: the audit line's.
        """
        ...


def check(statement: Statement) -> None:
    """Refuse what no form may sign.

    `ValueRefused`: a text over 255 characters. `ValueError`, a defect: a header injected twice, an identity of nobody.
    """
    if len({fold(name) for name, _ in statement.headers}) != len(statement.headers):
        raise ValueError("a header is injected twice")
    if statement.subject is None and any(value.fact.startswith("identity.") for value in statement.values):
        raise ValueError("identity values without a subject")
    who = [statement.subject.sub, statement.subject.acr, statement.subject.sid] if statement.subject else []
    what = [plain(value.value) for value in statement.values]
    texts = [statement.issuer, statement.audience, statement.route, statement.policy_version, who, what]
    if any(len(text) > MAX_CLAIM_CHARACTERS for text in leaves(texts)):
        raise ValueRefused("assertion_claim_too_long")


def asserted(statement: Statement) -> list[tuple[bytes, bytes]]:
    """The injected headers, names in lower case and sorted, for the forms that sign them as they are.

    `ValueRefused` when names and values are longer than a signature may be.
    """
    headers = sorted((name.lower().encode("ascii"), value) for name, value in statement.headers)
    if sum(len(name) + len(value) for name, value in headers) > MAX_SIGNATURE_BYTES:
        raise ValueRefused("assertion_too_large")
    return headers


def digest_label(sha256: bytes) -> str:
    """Write a raw SHA-256 as claims have it."""
    return f"sha-256:{b64url(sha256).decode('ascii')}"


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def b64url(raw: bytes) -> bytes:
    """RFC 7515 §2: URL-safe, without padding."""
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")
