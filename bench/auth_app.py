"""The application that a careful team would write behind `auth_request`: open a session, sign, answer twelve headers.

    AUTH_APP_KEY=HEX python -m bench.auth_app PORT            serve (bare ASGI, uvicorn, uvloop, httptools)

Its session is a cookie of about 1.5 KB sealed with AES-256-GCM; `X-Sign` (set by nginx, never by a browser) says
whether each answer is signed with ES256 or HMAC.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.provider import CLAIMS

COOKIE = "app-session"
_NAMES = {name: f"x-usager-{name.replace('_', '-')}".encode() for name in ("sub", *CLAIMS)}


def sealed_session(key: bytes) -> str:
    """A cookie's value for a new person, as a login would have set it."""
    session = {"sub": secrets.token_hex(32), **CLAIMS, "ends_at": int(time.time()) + 28_800, "id_token": "t" * 900}
    nonce = os.urandom(12)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, json.dumps(session).encode(), None)).decode()


class App:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._hmac_key = hashlib.sha256(b"hmac" + key).digest()
        self._ec_key = ec.generate_private_key(ec.SECP256R1())

    async def __call__(
        self, scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        session = self._session(headers.get(b"cookie", b""))
        answer: list[tuple[bytes, bytes]] = [(b"content-length", b"0")]
        if session is not None:
            answer += [(name, str(session[claim]).encode()) for claim, name in _NAMES.items()]
            answer.append((b"x-gateway-assertion", self._signed(headers, session)))
        await send({"type": "http.response.start", "status": 401 if session is None else 200, "headers": answer})
        await send({"type": "http.response.body", "body": b""})

    def _session(self, cookies: bytes) -> dict[str, Any] | None:
        for each in cookies.split(b"; "):
            name, _, value = each.partition(b"=")
            if name == COOKIE.encode():
                try:
                    sealed = base64.urlsafe_b64decode(value)
                    session: dict[str, Any] = json.loads(self._cipher.decrypt(sealed[:12], sealed[12:], None))
                except (ValueError, InvalidTag):
                    return None
                return session if session["ends_at"] > time.time() else None
        return None

    def _signed(self, headers: Mapping[bytes, bytes], session: Mapping[str, Any]) -> bytes:
        now = int(time.time())
        bound = {
            "htm": headers[b"x-original-method"].decode(),
            "hta": headers[b"host"].decode(),
            "htp": headers[b"x-original-uri"].decode(),
        }
        claims = {"iat": now, "exp": now + 30, "jti": secrets.token_hex(16), **bound, **{n: session[n] for n in _NAMES}}
        algorithm = b"HS256" if headers[b"x-sign"] == b"hmac" else b"ES256"
        signed = _b64(b'{"alg":"%b","typ":"gw-assert+jwt"}' % algorithm) + b"." + _b64(json.dumps(claims).encode())
        return signed + b"." + _b64(self._mac(signed) if algorithm == b"HS256" else self._signature(signed))

    def _mac(self, signed: bytes) -> bytes:
        return hmac.digest(self._hmac_key, signed, "sha256")

    def _signature(self, signed: bytes) -> bytes:
        r, s = decode_dss_signature(self._ec_key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


if __name__ == "__main__":
    app: Any = App(bytes.fromhex(os.environ["AUTH_APP_KEY"]))
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), ws="none", lifespan="off", access_log=False, log_level="warning"
    )
