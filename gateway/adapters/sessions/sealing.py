"""From a ticket that only the browser holds: the name of a record, and the key that opens it."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_VERSION = b"1"
_NONCE_BYTES = 12


class Seal:
    """One ticket's record: `name` for the store; `close` and `open` for what it holds."""

    def __init__(self, ticket: str, kind: str) -> None:
        secret = bytes.fromhex(ticket)
        self.name = _derive(secret, f"{kind} name").hex()
        self._cipher = AESGCM(_derive(secret, f"{kind} key"))
        # The name is authenticated too: a record moved to another row does not open.
        self._bound_to = _VERSION + self.name.encode("ascii")

    def close(self, content: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, content, self._bound_to)

    def open(self, blob: bytes) -> bytes | None:
        """The content, or None when it is not what this ticket sealed."""
        nonce, sealed = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
        if blob[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
            return None
        try:
            return self._cipher.decrypt(nonce, sealed, self._bound_to)
        except InvalidTag:
            return None


def _derive(secret: bytes, purpose: str) -> bytes:
    # The ticket is 256 uniformly random bits: HKDF's extract step has nothing to extract (RFC 5869 §3.3).
    return HKDFExpand(algorithm=SHA256(), length=32, info=purpose.encode("ascii")).derive(secret)
