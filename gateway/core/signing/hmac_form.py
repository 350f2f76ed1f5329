"""`X-Gateway-Signature`, for stacks without elliptic curves: HMAC-SHA-256 under a secret shared with one application.

`v1;kid=…;ts=…;jti=…;dec=…;pol=…;mac=…`. The MAC is over `GWv1` and a line feed, then each field as its length in
decimal, a colon, its bytes and a line feed: no two inputs give the same bytes. The fields, in this order:

    kid, audience, ts, jti, decision, policy version, method, host, request target,
    SHA-256 of the body in hex or `unbound`, number of headers,
    then name (lower case) and value of each injected header, sorted by name
"""

import hashlib
import hmac

from gateway.core.signing.bound import Bound, Statement, asserted

SIGNATURE_HEADER = b"X-Gateway-Signature"

_KID_CHARACTERS = 16


def key_id(secret: bytes) -> str:
    """Tells two secrets apart, and nothing about either."""
    return hashlib.sha256(b"gateway key id\n" + secret).hexdigest()[:_KID_CHARACTERS]


class HmacSigner:
    def __init__(self, statement: Statement, secret: bytes) -> None:
        headers = asserted(statement)
        kid = key_id(secret).encode("ascii")
        policy = statement.policy_version.encode("ascii")
        start = b"GWv1\n" + _fields(kid, statement.audience.encode("utf-8"))
        self._begun = hmac.new(secret, start, "sha256")
        self._policy = _fields(policy)
        self._headers = _fields(b"%d" % len(headers), *(part for header in headers for part in header))
        self._kid_said = b"v1;kid=" + kid
        self._policy_said = b";pol=" + policy

    def sign(self, bound: Bound, *, now: int, token_id: str, decision_id: str) -> list[tuple[bytes, bytes]]:
        time, token, decision = b"%d" % now, token_id.encode("ascii"), decision_id.encode("ascii")
        sha256 = bound.sha256
        body = b"unbound" if sha256 is None else sha256.hex().encode("ascii")
        message = b"%b%b%b%b" % (
            _fields(time, token, decision),
            self._policy,
            _fields(bound.method.encode("ascii"), bound.authority, bound.target, body),
            self._headers,
        )
        mac = self._begun.copy()
        mac.update(message)
        said = (self._kid_said, time, token, decision, self._policy_said, mac.hexdigest().encode("ascii"))
        return [(SIGNATURE_HEADER, b"%b;ts=%b;jti=%b;dec=%b%b;mac=%b" % said)]


def _fields(*values: bytes) -> bytes:
    return b"".join([b"%d:%b\n" % (len(value), value) for value in values])
