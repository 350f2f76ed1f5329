"""What is signed, byte for byte; the signature itself is a function handed in.

The assertion is a compact JWS (RFC 7515) over claims that name one request: method, authority, exact target, body.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from gateway.core.encodings import leaves, plain
from gateway.core.errors import ValueRefused
from gateway.core.model import Injected

ASSERTION_HEADER = "X-Gateway-Assertion"
ASSERTION_TYPE = "gw-assert+jwt"
LIFETIME_S = 30
EARLY_S = 2
"""How long before `iat` an assertion holds: legacy clocks run late by a second or two."""
MAX_CLAIM_CHARACTERS = 255
MAX_ASSERTION_BYTES = 4096

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


@dataclass(frozen=True, slots=True)
class Bound:
    """The one request that an assertion is good for, as it goes upstream."""

    method: str
    authority: str
    """The Host sent upstream."""
    target: str = field(repr=False)
    """The exact octets of the request target, query included."""
    mode: BodyMode
    digest: str | None = None
    """`sha-256:…` of the bytes forwarded; with mode `digest` only."""

    def __post_init__(self) -> None:
        if (self.mode is BodyMode.DIGEST) != (self.digest is not None):
            raise ValueError("a digest goes with mode `digest`, and only with it")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who signed in, as the application may know them."""

    sub: str = field(repr=False)
    acr: str
    auth_time: int
    """Unix seconds."""
    sid: str = field(repr=False)
    """A pseudonym of the session, never its id."""


def digest_label(sha256: bytes) -> str:
    """Write a raw SHA-256 as claims and headers have it."""
    return f"sha-256:{_b64(sha256).decode('ascii')}"


def bind(method: str, authority: str, target: bytes, body: bytes | None) -> Bound:
    """Bind a request whose body is at hand; None means a stream that stays unbound, and says so."""
    text = target.decode("ascii")
    if body is None:
        return Bound(method, authority, text, BodyMode.UNBOUND)
    if not body:
        return Bound(method, authority, text, BodyMode.EMPTY)
    return Bound(method, authority, text, BodyMode.DIGEST, digest_label(hashlib.sha256(body).digest()))


def assertion_claims(
    *,
    issuer: str,
    audience: str,
    now: int,
    token_id: str,
    bound: Bound,
    route: str,
    policy_version: str,
    decision_id: str,
    subject: Subject | None,
    values: Sequence[Injected],
    headers: Sequence[tuple[str, bytes]],
) -> dict[str, object]:
    """The claims of one request. Without a subject it says that nobody signed in (`anon`).

    `headers` are the injected ones as encoded: a verifier compares them with `hdr` before it trusts them.
    """
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "jti": token_id,
        "iat": now,
        "nbf": now - EARLY_S,
        "exp": now + LIFETIME_S,
        "htm": bound.method,
        "hta": bound.authority,
        "htp": bound.target,
        "bodm": str(bound.mode),
        "rid": route,
        "pol": policy_version,
        "dec": decision_id,
        **_subject_claims(subject),
        **_value_claims(values),
    }
    if bound.digest is not None:
        claims["bod"] = bound.digest
    if headers:
        claims["hdr"] = _header_digests(headers)
    if subject is None and "idn" in claims:
        raise ValueError("identity values without a subject")
    return claims


def _subject_claims(subject: Subject | None) -> dict[str, object]:
    if subject is None:
        return {"anon": True}
    return {"sub": subject.sub, "acr": subject.acr, "auth_time": subject.auth_time, "sid": subject.sid}


def _value_claims(values: Sequence[Injected]) -> dict[str, object]:
    """`idn`: who; `dat`: the rest under its full name, constants under their header's."""
    identity: dict[str, object] = {}
    data: dict[str, object] = {}
    for each in values:
        if each.fact.startswith("identity."):
            identity[each.fact.removeprefix("identity.")] = plain(each.value)
        else:
            data[each.header.lower() if each.fact == "const" else each.fact] = plain(each.value)
    parts: dict[str, object] = {"idn": identity, "dat": data}
    return {name: part for name, part in parts.items() if part}


def _header_digests(headers: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    digests = {name.lower(): digest_label(hashlib.sha256(value).digest()) for name, value in headers}
    if len(digests) != len(headers):
        raise ValueError("a header is injected twice")
    return digests


def sign_assertion(signer: Signer, claims: Mapping[str, object]) -> bytes:
    """The compact JWS. `ValueRefused` when a claim or the whole is too long: nothing is cut.

    The request target may be longer than a claim: it is the client's, and only the whole limits it.
    """
    texts = leaves({name: claim for name, claim in claims.items() if name != "htp"})
    if any(len(text) > MAX_CLAIM_CHARACTERS for text in texts):
        raise ValueRefused("assertion_claim_too_long")
    header = {"alg": signer.alg, "kid": signer.kid, "typ": ASSERTION_TYPE}
    signing_input = _b64(_canonical(header)) + b"." + _b64(_canonical(claims))
    assertion = signing_input + b"." + _b64(signer.sign(signing_input))
    if len(assertion) > MAX_ASSERTION_BYTES:
        raise ValueRefused("assertion_too_large")
    return assertion


def _canonical(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def _b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@dataclass(frozen=True, slots=True)
class Statement:
    issuer: str
    audience: str
    route: str
    policy_version: str
    subject: Subject | None
    values: tuple[Injected, ...]
    headers: tuple[tuple[str, bytes], ...]

class RequestSigner:
    def __init__(self, st, signer): self.st=st; self.signer=signer
    def sign(self, bound, *, now, token_id, decision_id):
        st=self.st
        from dataclasses import replace
        b=Bound(bound.method, bound.authority.decode(), bound.target.decode(), bound.mode, bound.digest)
        c=assertion_claims(issuer=st.issuer,audience=st.audience,now=now,token_id=token_id,bound=b,route=st.route,policy_version=st.policy_version,decision_id=decision_id,subject=st.subject,values=st.values,headers=st.headers)
        return [(b"X-Gateway-Assertion", sign_assertion(self.signer,c))]

def prepare(form, statement, *, signer, secret):
    return None if form == "none" else RequestSigner(statement, signer)
