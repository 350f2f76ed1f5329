"""Questions to a shielded application: signed as the gateway signs them, and sent straight to it."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from gateway.adapters.keys import SigningKeys
from gateway.core.headers import fold
from tests.shims import Shielded
from tests.signatures import ED25519, Requests, decoded
from tests.verifiers import Arrived
from tests.wire import Answered, Raw

SAID = {"xusagernom": "DUBOIS", "xcaftranche": "T2", "xportail": "famille"}
"""What `tests.signatures.statement` says, by folded name."""


class Before(Requests):
    """One shim under one form: signs requests as the gateway does, and sends them straight to the application."""

    def __init__(self, shield: Shielded, keys: SigningKeys = ED25519) -> None:
        super().__init__(shield.form, keys)
        self.shield = shield
        # Other tests have sent to the same application.
        self._made = time.monotonic_ns()

    def made(self, **changes: Any) -> Arrived:
        return self.arrived(**{"now": int(time.time()), **changes})

    def ask(self, request: Arrived) -> Answered:
        lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in request.fields)
        length = b"Content-Length: %d\r\n" % len(request.body) if request.body or request.method == "POST" else b""
        form = (
            b"Content-Type: application/x-www-form-urlencoded\r\n" if length and b"Content-Type" not in lines else b""
        )
        head = request.method.encode() + b" " + request.target + b" HTTP/1.1\r\n" + lines + form + length
        return self.sent(head + b"Connection: close\r\n\r\n" + request.body)

    def sent(self, message: bytes) -> Answered:
        with Raw(self.shield.port) as raw:
            return raw.send(message).answer()

    def served(self, request: Arrived) -> dict[str, Any]:
        """What the application saw. It ran, and once."""
        ran = self.shield.ran()
        answer = self.ask(request)
        assert answer.status == 200, (answer, self.shield.said())
        assert self.shield.ran() == ran + 1
        seen: dict[str, Any] = json.loads(answer.body)
        seen["identity"] = {fold(name).removeprefix("http"): value for name, value in seen["identity"].items()}
        return seen

    def refused(self, request: Arrived, *codes: str) -> None:
        """403, one line with the code and no value, and nothing of the application."""
        ran = self.shield.ran()
        self.shield.said()
        answer = self.ask(request)
        assert (answer.status, answer.values("cache-control")) == (403, [b"no-store"]), answer
        assert b"passerelle" in answer.body
        assert self.shield.ran() == ran
        said = self._said()
        assert any(f"code={code}" in said for code in codes), (codes, said)
        assert said.count("passerelle: refused") == 1
        assert not [value for value in ("DUBOIS", "famille", "ville.fr", "FORGED") if value in said]

    def _said(self) -> str:
        """A server may write its log a moment after the answer."""
        deadline = time.monotonic() + 2
        said = self.shield.said()
        while "code=" not in said and time.monotonic() < deadline:
            time.sleep(0.005)
            said += self.shield.said()
        return said

    def expected(self, **changed: str) -> dict[str, str]:
        """The identity as the application sees it."""
        seen = {**SAID, **changed}
        return {**seen, "remoteuser": seen["xusagernom"]} if self.shield.stack.remote_user else seen


def token(header: dict[str, Any], good: bytes, sign: Callable[[bytes], bytes] = lambda _: b"") -> bytes:
    """The claims of a good assertion under another header, signed anew."""
    segments = [base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"="), good.split(b".")[1]]
    signature = base64.urlsafe_b64encode(sign(b".".join(segments))).rstrip(b"=")
    return b".".join([*segments, signature])


def stated(made: Arrived, changes: dict[str, Any]) -> Arrived:
    """The same request under other claims (None: without this one), truly signed."""
    header, payload, _ = made.value("X-Gateway-Assertion").split(b".")
    claims = {name: value for name, value in {**decoded(payload), **changes}.items() if value is not None}
    written = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    assertion = token(decoded(header), b"." + written + b".", ED25519.signer.sign)
    return made.without("X-Gateway-Assertion").with_field("X-Gateway-Assertion", assertion)
