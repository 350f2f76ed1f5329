"""The worked example of docs/signatures.md is what the gateway writes, byte for byte."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from gateway.core.rules import SignatureForm
from gateway.core.signing import Signer
from gateway.core.signing.hmac_form import key_id
from tests.signatures import DECISION, ED25519, SECRET, TOKEN, bind, claims, signed, statement

PAGE = Path(__file__).resolve().parents[2] / "docs" / "signatures.md"
BODY = b"enfant=Zo%C3%AB"
REQUEST = bind("POST", b"ville.fr", b"/cantine/inscription?etape=2", BODY)


def _fields(fields: list[tuple[bytes, bytes]]) -> str:
    return "".join(f"{name.decode()}: {value.decode()}\n" for name, value in fields)


def _request() -> str:
    said = [(name.encode(), value) for name, value in statement().headers]
    framing = [(b"Content-Type", b"application/x-www-form-urlencoded"), (b"Content-Length", b"%d" % len(BODY))]
    head = f"{REQUEST.method} {REQUEST.target.decode()} HTTP/1.1\nHost: {REQUEST.authority.decode()}\n"
    return f"{head}{_fields([*framing, *said])}\n{BODY.decode()}\n"


def _mac_input() -> str:
    said = [part for name, value in sorted(statement().headers) for part in (name.lower(), value.decode())]
    body = hashlib.sha256(BODY).hexdigest()
    fields = [key_id(SECRET), statement().audience, "1790000100", TOKEN, DECISION, statement().policy_version]
    fields += ["POST", "ville.fr", REQUEST.target.decode(), body, str(len(said) // 2), *said]
    return "GWv1\n" + "".join(f"{len(field)}:{field}\n" for field in fields)


def _base() -> str:
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return b""

    signed(SignatureForm.RFC9421, statement(), REQUEST, Signer("EdDSA", ED25519.signer.kid, sign))
    return seen[0].decode("ascii") + "\n"


EXAMPLES = {
    "key": lambda: json.dumps(ED25519.jwks["keys"][0], indent=2) + "\n",
    "request": _request,
    "jwt": lambda: _fields(signed(SignatureForm.JWT, statement(), REQUEST)),
    "claims": lambda: json.dumps(claims(statement(), REQUEST), indent=2) + "\n",
    "hmac": lambda: _fields(signed(SignatureForm.HMAC, statement(), REQUEST)),
    "mac": _mac_input,
    "rfc9421": lambda: _fields(signed(SignatureForm.RFC9421, statement(), REQUEST)),
    "base": _base,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_shows_what_is_written(name: str) -> None:
    shown = re.search(rf"^```\w+ example-{name}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1] == EXAMPLES[name]()
