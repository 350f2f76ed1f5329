"""HTTP Message Signatures (RFC 9421) over the request as it goes upstream: method, authority, path, query, body, headers.

The audience, the decision and the policy's version are fields of their own, covered like every injected header. The body
is covered through Content-Digest (RFC 9530); one that streams has none, and `X-Gateway-Body: unbound` is covered instead.
"""

import base64

from gateway.core.errors import ValueRefused
from gateway.core.signing.bound import LIFETIME_S, MAX_SIGNATURE_BYTES, Bound, Signer, Statement

LABEL = "gw"
TAG = "gw-assert"

_ALGORITHMS = {"ES256": "ecdsa-p256-sha256", "EdDSA": "ed25519"}


class MessageSigner:
    def __init__(self, statement: Statement, signer: Signer) -> None:
        anonymous = [("X-Gateway-Anonymous", b"?1")] if statement.subject is None else []
        self._own = [
            ("X-Gateway-Audience", _visible(statement.audience)),
            ("X-Gateway-Policy", _visible(statement.policy_version)),
            *anonymous,
        ]
        headers = sorted((name.lower(), value) for name, value in (*statement.headers, *self._own))
        if len({name for name, _ in headers}) != len(headers):
            raise ValueError("a header is injected twice")
        self._names = " ".join(f'"{name}"' for name, _ in headers)
        self._lines = b"".join(b'"%b": %b\n' % (name.encode("ascii"), value.strip(b" \t")) for name, value in headers)
        self._end = f';keyid="{signer.kid}";alg="{_ALGORITHMS[signer.alg]}";tag="{TAG}"'
        self._sign = signer.sign

    def sign(self, bound: Bound, *, now: int, token_id: str, decision_id: str) -> list[tuple[bytes, bytes]]:
        path, mark, query = bound.target.partition(b"?")
        body_name, body_value = _body(bound)
        decision = decision_id.encode("ascii")
        lines = (
            b'"@method": %b\n"@authority": %b\n"@path": %b\n"@query": ?%b\n"%b": %b\n"x-gateway-decision": %b\n%b'
            % (
                bound.method.encode("ascii"),
                bound.authority.lower(),
                path,
                query,
                body_name.lower(),
                body_value,
                decision,
                self._lines,
            )
        )
        covered = (
            f'"@method" "@authority" "@path" "@query" "{body_name.lower().decode()}" "x-gateway-decision" {self._names}'
        )
        params = f'({covered});created={now};expires={now + LIFETIME_S};nonce="{token_id}"{self._end}'
        base = lines + b'"@signature-params": ' + params.encode("ascii")
        signature = base64.b64encode(self._sign(base))
        value = f"{LABEL}={params}".encode("ascii")
        if len(value) + len(signature) > MAX_SIGNATURE_BYTES:
            raise ValueRefused("assertion_too_large")
        return [
            *((name.encode("ascii"), own) for name, own in self._own),
            (b"X-Gateway-Decision", decision),
            (body_name, body_value),
            (b"Signature-Input", value),
            (b"Signature", b"%b=:%b:" % (LABEL.encode("ascii"), signature)),
        ]


def _body(bound: Bound) -> tuple[bytes, bytes]:
    sha256 = bound.sha256
    if sha256 is None:
        return b"X-Gateway-Body", b"unbound"
    return b"Content-Digest", b"sha-256=:%b:" % base64.b64encode(sha256)


def _visible(text: str) -> bytes:
    """A field value; what is not visible ASCII is percent-encoded UTF-8."""
    return "".join(c if "!" <= c <= "~" else "".join(f"%{b:02X}" for b in c.encode("utf-8")) for c in text).encode(
        "ascii"
    )
