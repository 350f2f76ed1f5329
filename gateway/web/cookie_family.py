"""Cookies of which a browser holds several: one for each login under way, one for each form that waits for a login."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from itsdangerous import BadSignature, Signer

_VALUE = re.compile(r"([0-9a-f]{64})-([0-9]{1,11})")
_SUFFIX = re.compile(r"[0-9a-f]{16}")


class _Held(NamedTuple):
    name: str
    value: str
    """64 hex characters; empty when it is not one of ours, or too old."""
    since: int


class CookieFamily:
    """At most `at_most` signed cookies that live `ttl_s` seconds; the oldest leaves when there is no room for one more.

    Each belongs to a key (a state, a target), whose digest ends its name: two of them never overwrite each other.
    """

    def __init__(self, name: str, attributes: str, signer: Signer, *, at_most: int, ttl_s: int) -> None:
        self._prefix = f"{name}-"
        self._attributes = attributes
        self._signer = signer
        self._at_most = at_most
        self._ttl_s = ttl_s

    def put(self, headers: Sequence[bytes], key: str, value: str, now: int) -> list[str]:
        """Set-Cookie lines: the new cookie, and the end of those that leave. `value` is 64 hex characters."""
        name = self._name(key)
        others = sorted(
            (held for held in self._held(headers, now) if held.name != name),
            key=lambda held: (bool(held.value), held.since),
        )
        leaving = [held for held in others if not held.value]
        leaving += [held for held in others if held.value][: max(0, len(others) - len(leaving) - self._at_most + 1)]
        signed = self._signer.sign(f"{value}-{now}").decode("ascii")
        fresh = f"{name}={signed}{self._attributes}; Max-Age={self._ttl_s}"
        return [fresh, *(self._end(held.name) for held in leaving)]

    def get(self, headers: Sequence[bytes], key: str, now: int) -> str | None:
        """The value that belongs to this key; repeated, unsigned, malformed or old counts as none."""
        name = self._name(key)
        found = [held for held in self._held(headers, now) if held.name == name]
        return found[0].value or None if len(found) == 1 else None

    def any(self, headers: Sequence[bytes]) -> bool:
        """Whether there may be one: cheap, and nothing is checked."""
        marked = self._prefix.encode("ascii")
        return any(marked in line for line in headers)

    def end(self, key: str) -> str:
        """The Set-Cookie line that takes one away."""
        return self._end(self._name(key))

    def end_all(self, headers: Sequence[bytes], now: int) -> list[tuple[str, str]]:
        """The value of each (empty when it is none of ours), with the line that takes it away."""
        return [(held.value, self._end(held.name)) for held in self._held(headers, now)]

    def _name(self, key: str) -> str:
        return self._prefix + hashlib.sha256(key.encode("utf-8")).hexdigest()[:16]

    def _end(self, name: str) -> str:
        return f"{name}={self._attributes}; Max-Age=0"

    def _held(self, headers: Sequence[bytes], now: int) -> Iterator[_Held]:
        marked = self._prefix.encode("ascii")
        for line in headers:
            if marked not in line:
                continue
            for pair in line.split(b";"):
                name, _, value = pair.strip(b" \t").partition(b"=")
                if name.startswith(marked) and _SUFFIX.fullmatch(suffix := name[len(marked) :].decode("latin-1")):
                    yield _Held(self._prefix + suffix, *self._read(value, now))

    def _read(self, signed: bytes, now: int) -> tuple[str, int]:
        try:
            found = _VALUE.fullmatch(self._signer.unsign(signed).decode("ascii"))
        except (BadSignature, UnicodeDecodeError):
            return "", 0
        if found is None or not 0 <= now - int(found[2]) < self._ttl_s:
            return "", 0
        return found[1], int(found[2])
