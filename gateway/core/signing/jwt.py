"""The default form: `X-Gateway-Assertion`, a compact JWS (RFC 7515) over claims that name one request.

The members that do not depend on the request are written once. JSON (RFC 8259) gives their order no meaning.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii

from gateway.core.decision import Injected
from gateway.core.encodings import plain
from gateway.core.errors import RequestRejected, ValueRefused
from gateway.core.signing.bound import (
    EARLY_S,
    LIFETIME_S,
    MAX_CLAIM_CHARACTERS,
    MAX_SIGNATURE_BYTES,
    BodyMode,
    Bound,
    Signer,
    Statement,
    Subject,
    b64url,
    digest_label,
)

ASSERTION_HEADER = b"X-Gateway-Assertion"
ASSERTION_TYPE = "gw-assert+jwt"


class JwtSigner:
    def __init__(self, statement: Statement, signer: Signer) -> None:
        header = {"alg": signer.alg, "kid": signer.kid, "typ": ASSERTION_TYPE}
        claims = _json(standing_claims(statement))[:-1]
        # Base64 writes three bytes at a time: what is the same for each request is written once.
        whole = len(claims) - len(claims) % 3
        self._start = b64url(_json(header)) + b"." + b64url(claims[:whole])
        self._claims = claims[whole:]
        self._sign = signer.sign

    def sign(self, bound: Bound, *, now: int, token_id: str, decision_id: str) -> list[tuple[bytes, bytes]]:
        """The request target may be longer than a claim: it is the client's, and only the whole limits it.

        `RequestRejected` (414 `target_too_long`) when all would fit but for the target.
        """
        if len(bound.authority) > MAX_CLAIM_CHARACTERS:
            raise ValueRefused("assertion_claim_too_long")
        sha256 = bound.sha256
        body = "" if bound.mode is BodyMode.EMPTY or sha256 is None else f',"bod":"{digest_label(sha256)}"'
        claims = (
            f',"jti":"{token_id}","iat":{now},"nbf":{now - EARLY_S},"exp":{now + LIFETIME_S},"dec":"{decision_id}",'
            f'"htm":"{bound.method}","hta":{encode_basestring_ascii(bound.authority.decode("ascii"))},'
            f'"htp":{encode_basestring_ascii(bound.target.decode("ascii"))},"bodm":"{bound.mode}"{body}}}'
        )
        signing_input = self._start + b64url(self._claims + claims.encode("ascii"))
        assertion = signing_input + b"." + b64url(self._sign(signing_input))
        if len(assertion) > MAX_SIGNATURE_BYTES:
            raise _too_large(len(assertion), len(bound.target))
        return [(ASSERTION_HEADER, assertion)]


def _too_large(size_bytes: int, target_bytes: int) -> RequestRejected | ValueRefused:
    """Whose doing it is: base64 writes 3 bytes as 4, and the shortest target has one."""
    if size_bytes - (target_bytes - 1) * 4 // 3 <= MAX_SIGNATURE_BYTES:
        return RequestRejected("target_too_long", 414)
    return ValueRefused("assertion_too_large")


def standing_claims(statement: Statement) -> dict[str, object]:
    """What is the same for each request. Without a subject it says that nobody signed in (`anon`).

    `hdr` holds a digest of each injected header: a verifier compares before it trusts them.
    """
    claims: dict[str, object] = {
        "iss": statement.issuer,
        "aud": statement.audience,
        "rid": statement.route,
        "pol": statement.policy_version,
        **_subject_claims(statement.subject),
        **_value_claims(statement.values),
    }
    if statement.headers:
        claims["hdr"] = {name.lower(): digest_label(hashlib.sha256(raw).digest()) for name, raw in statement.headers}
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
    return {name: block for name, block in (("idn", identity), ("dat", data)) if block}


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
