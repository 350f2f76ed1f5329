"""From the server's key: where a person's disputes lie, and the cipher that opens them."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"1"
"""Of a record's form, its first byte. A new field with a default needs no other: see `codec.load_older`."""
_NONCE_BYTES = 12


class Keyed:
    """Names are HMACs, so that the store tells nobody's; each record opens under its own name alone."""

    def __init__(self, key: bytes) -> None:
        self._names = _derive(key, b"disputes name")
        self._cipher = AESGCM(_derive(key, b"disputes seal"))

    def name(self, *parts: str) -> str:
        """64 hex digits. No two lists of parts meet: each is counted."""
        counted = b"".join(b"%d:%b" % (len(part.encode()), part.encode()) for part in parts)
        return hmac.new(self._names, counted, hashlib.sha256).hexdigest()

    def close(self, name: str, content: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, content, VERSION + name.encode("ascii"))

    def open(self, name: str, blob: bytes) -> bytes | None:
        """The content, or None when it was not sealed with this key under this name."""
        nonce, sealed = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
        if blob[:1] != VERSION or len(nonce) != _NONCE_BYTES:
            return None
        try:
            return self._cipher.decrypt(nonce, sealed, VERSION + name.encode("ascii"))
        except InvalidTag:
            return None


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)
