"""HTTP Message Signatures (RFC 9421) over the request as it goes upstream.

The audience, the decision and the policy's version are fields of their own, covered like every injected header. The
body is covered through Content-Digest (RFC 9530); one that streams has none, and `X-Gateway-Body: unbound` is covered.
"""

import base64

from gateway.core.errors import ValueRefused
from gateway.core.signing.bound import LIFETIME_S, MAX_SIGNATURE_BYTES, Bound, Signer, Statement, asserted

LABEL = "gw"
TAG = "gw-assert"

_ALGORITHMS = {"ES256": "ecdsa-p256-sha256", "EdDSA": "ed25519"}


class MessageSigner:
    def __init__(self, statement: Statement, signer: Signer) -> None:
        self._own = _own_fields(statement)
        covered = [_covered(name, value) for name, value in sorted([*asserted(statement), *_lower(self._own)])]
        names = b" ".join(name for name, _ in covered).decode("ascii")
        self._lines = b"".join(b"%b: %b\n" % each for each in covered)
        request = '"@method" "@authority" "@path" "@query"'
        self._bound = f'{LABEL}=({request} "content-digest" "x-gateway-decision" {names})'
        self._unbound = f'{LABEL}=({request} "x-gateway-body" "x-gateway-decision" {names})'
        self._end = f';keyid="{signer.kid}";alg="{_ALGORITHMS[signer.alg]}";tag="{TAG}"'
        self._sign = signer.sign

    def sign(self, bound: Bound, *, now: int, token_id: str, decision_id: str) -> list[tuple[bytes, bytes]]:
        decision = decision_id.encode("ascii")
        sha256 = bound.sha256
        body = (b"X-Gateway-Body", b"unbound") if sha256 is None else (b"Content-Digest", _digest(sha256))
        covered = self._unbound if sha256 is None else self._bound
        said = f'{covered};created={now};expires={now + LIFETIME_S};nonce="{token_id}"{self._end}'.encode("ascii")
        path, _, query = bound.target.partition(b"?")
        base = (
            b'"@method": %b\n"@authority": %b\n"@path": %b\n"@query": ?%b\n"%b": %b\n"x-gateway-decision": %b\n%b'
            % (
                bound.method.encode("ascii"),
                bound.authority.lower(),
                path,
                query,
                body[0].lower(),
                body[1],
                decision,
                self._lines,
            )
        )
        signature = base64.b64encode(self._sign(base + b'"@signature-params": ' + said[len(LABEL) + 1 :]))
        signed = b"%b=:%b:" % (LABEL.encode("ascii"), signature)
        if len(said) + len(signed) > MAX_SIGNATURE_BYTES:
            raise ValueRefused("assertion_too_large")
        return [
            *self._own,
            (b"X-Gateway-Decision", decision),
            body,
            (b"Signature-Input", said),
            (b"Signature", signed),
        ]


def _own_fields(statement: Statement) -> list[tuple[bytes, bytes]]:
    fields = [
        (b"X-Gateway-Audience", _visible(statement.audience)),
        (b"X-Gateway-Policy", statement.policy_version.encode("ascii")),
    ]
    return fields if statement.subject else [*fields, (b"X-Gateway-Anonymous", b"?1")]


def _lower(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in fields]


def _covered(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Identifier and value as the signature base has them: it is ASCII (§2.5), so other bytes are wrapped (§2.1.3)."""
    if value.isascii():
        return b'"%b"' % name, value
    return b'"%b";bs' % name, b":%b:" % base64.b64encode(value)


def _digest(sha256: bytes) -> bytes:
    return b"sha-256=:%b:" % base64.b64encode(sha256)


def _visible(text: str) -> bytes:
    """What is not visible ASCII as percent-encoded UTF-8: a field value is trimmed and has no other letters.

    `%` too: percent-decoding gives the audience back, and no two audiences look the same.
    """
    characters = (
        each if "!" <= each <= "~" and each != "%" else "".join(f"%{byte:02X}" for byte in each.encode())
        for each in text
    )
    return "".join(characters).encode("ascii")
