"""The keys that the gateway publishes, from a file or an address, and whether a signature holds by one of them."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

KEYS_ASKED_S, KEYS_RENEWED_S, KEYS_LAST_S = 60, 300, 3600
_IN_CLEAR = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]")
_log = logging.getLogger("passerelle")


class Refused(Exception):
    """Why a request is not believed: a short code, never a value."""


def require(holds: bool, code: str) -> None:
    if not holds:
        raise Refused(code)


def base64url(text: bytes | str) -> bytes:
    """Without padding, written the one canonical way."""
    written = text.encode() if isinstance(text, str) else text
    try:
        raw = base64.b64decode(written + b"=" * (-len(written) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise Refused("malformed") from None
    require(base64.urlsafe_b64encode(raw).rstrip(b"=") == written, "malformed")
    return raw


class Keys:
    """The published keys: a file, read again when it changes, or an address, asked at most once a minute."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._is_file = "://" not in source
        require(self._is_file or source.startswith("https://") or bool(_IN_CLEAR.match(source)), "configuration")
        self._read: object = None
        self._asked_at = self._got_at = float("-inf")
        self._keys: dict[str, Any] = {}
        self._lock = threading.Lock()

    def check_file(self) -> None:
        """At start. An address may come up later than the application."""
        if self._is_file:
            self._renew_file()
            require(bool(self._keys), "keys")

    def find(self, kid: object) -> Any:
        """`Refused` when it is unknown, or when there is no usable key at all."""
        with self._lock:
            self._renew_file() if self._is_file else self._renew(KEYS_RENEWED_S)
            if kid not in self._keys and not self._is_file:
                self._renew(0)
            require(bool(self._keys), "keys")
            require(isinstance(kid, str) and kid in self._keys, "kid")
            return self._keys[str(kid)]

    def _renew_file(self) -> None:
        try:
            status = Path(self._source).stat()
            read = (status.st_mtime_ns, status.st_size, status.st_ino)
            if read != self._read:
                self._keys = usable_keys(Path(self._source).read_bytes())
                self._read = read
        except (OSError, ValueError):
            self._read, self._keys = None, {}

    def _renew(self, after_s: float) -> None:
        now = time.monotonic()
        if now - self._got_at > after_s and now - self._asked_at >= KEYS_ASKED_S:
            self._asked_at = now
            try:
                self._keys = usable_keys(fetched(self._source))
                self._got_at = now
            except (OSError, ValueError):
                _log.warning("passerelle: the keys could not be fetched")
        if now - self._got_at > KEYS_LAST_S:
            self._keys = {}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def fetched(address: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=3) as answer:
        read: bytes = answer.read(65_536)
        return read


def usable_keys(jwks: bytes) -> dict[str, Any]:
    """P-256 and Ed25519 by `kid`; `ValueError` for what is no key set."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    keys: dict[str, Any] = {}
    try:
        for key in json.loads(jwks)["keys"]:
            if (key["kty"], key.get("crv")) == ("OKP", "Ed25519"):
                keys[key["kid"]] = ed25519.Ed25519PublicKey.from_public_bytes(base64url(key["x"]))
            elif (key["kty"], key.get("crv")) == ("EC", "P-256"):
                point = b"\x04" + base64url(key["x"]) + base64url(key["y"])
                keys[key["kid"]] = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (KeyError, TypeError, AttributeError, Refused) as error:
        raise ValueError("no key set") from error
    return keys


def signature_holds(key: Any, alg: object, signed: bytes, signature: bytes) -> bool:
    """The key says which algorithm it is for, never the assertion alone."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

    is_edwards = isinstance(key, ed25519.Ed25519PublicKey)
    require(alg == ("EdDSA" if is_edwards else "ES256"), "alg")
    try:
        if is_edwards:
            key.verify(signature, signed)
        else:
            halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
            key.verify(utils.encode_dss_signature(*halves), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return len(signature) == 64
