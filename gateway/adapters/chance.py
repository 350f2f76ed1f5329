"""Tokens nobody can guess: session ids, states, nonces, the names of requests."""

import os
import secrets

_DRAWN = 64
"""Asked of the system at once: each request takes two, and asking costs as much as routing."""


class Chance:
    """`ports.NewToken`: 64 hex characters, 256 bits of the system's randomness."""

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def __call__(self) -> str:
        if not self._drawn:
            drawn = secrets.token_hex(32 * _DRAWN)
            self._drawn = [drawn[at : at + 64] for at in range(0, len(drawn), 64)]
        return self._drawn.pop()

    def forget(self) -> None:
        """A process and its child must never draw the same."""
        self._drawn = []


new_token = Chance()
os.register_at_fork(after_in_child=new_token.forget)
