"""For stacks without elliptic curves: `X-Gateway-Signature`, an HMAC-SHA-256 under a secret shared with one application.

`v1;kid=…;ts=…;jti=…;mac=…`. The MAC is over `GWv1` and a line feed, then each field as its length in decimal, a colon,
its bytes and a line feed: no two inputs give the same bytes. The fields, in this order:

    kid, audience, ts, jti, decision, policy version, method, host, request target,
    SHA-256 of the body in hex or `unbound`, number of headers,
    then name (lower case) and value of each injected header, sorted by name
"""

import hashlib
import hmac

from gateway.core.errors import ValueRefused
from gateway.core.signing.bound import MAX_SIGNATURE_BYTES, Bound, Statement

SIGNATURE_HEADER = b"X-Gateway-Signature"

_KID_CHARACTERS = 16


def key_id(secret: bytes) -> str:
    """Tells two secrets apart, and nothing about either."""
    return hashlib.sha256(b"gateway key id\n" + secret).hexdigest()[:_KID_CHARACTERS]


class HmacSigner:
    def __init__(self, statement: Statement, secret: bytes) -> None:
        self._secret = secret
        self._kid = key_id(secret)
        self._start = b"GWv1\n" + _fields(self._kid.encode("ascii"), statement.audience.encode("utf-8"))
        self._policy = _fields(statement.policy_version.encode("utf-8"))
        headers = sorted((name.lower().encode("ascii"), value) for name, value in statement.headers)
        if len({name for name, _ in headers}) != len(headers):
            raise ValueError("a header is injected twice")
        self._headers = _fields(b"%d" % len(headers), *(part for header in headers for part in header))
        if len(self._headers) > 2 * MAX_SIGNATURE_BYTES:
            raise ValueRefused("assertion_too_large")

    def sign(self, bound: Bound, *, now: int, token_id: str, decision_id: str) -> list[tuple[bytes, bytes]]:
        sha256 = bound.sha256
        decision = decision_id.encode("ascii")
        message = b"%b%b%b%b%b" % (
            self._start,
            _fields(b"%d" % now, token_id.encode("ascii"), decision),
            self._policy,
            _fields(
                bound.method.encode("ascii"),
                bound.authority,
                bound.target,
                b"unbound" if sha256 is None else sha256.hex().encode("ascii"),
            ),
            self._headers,
        )
        mac = hmac.digest(self._secret, message, "sha256").hex()
        value = f"v1;kid={self._kid};ts={now};jti={token_id};dec={decision_id};mac={mac}"
        return [(SIGNATURE_HEADER, value.encode("ascii"))]


def _fields(*values: bytes) -> bytes:
    return b"".join([b"%d:%b\n" % (len(value), value) for value in values])
