"""What Redis or redis-py raises → one word of ours for the operator."""

import ssl

from redis import exceptions
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, NoPermissionError

_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (AuthenticationError, "password"),
    (NoPermissionError, "rights"),
    (MasterNotFoundError, "service"),
)
_WITH_USERS = {"password", "rights"}
"""Sentinels have users of their own: whose it was is said too."""
_DEPTH = 6


class SentinelsRefused(exceptions.ConnectionError):
    """No sentinel answered; why one of them did not is its cause. It may pass, as any lost connection."""


def why(error: BaseException | None) -> str:
    """One word, or nothing: the address, or a server that is down.

    `certificate`, `tls`, `password`, `rights`, `service`, `sentinel_password`, `sentinel_rights`. redis-py wraps one
    error in another.
    """
    of_sentinel = False
    for _ in range(_DEPTH):
        of_sentinel = of_sentinel or isinstance(error, SentinelsRefused)
        for kind, word in _KINDS:
            if isinstance(error, kind):
                return f"sentinel_{word}" if of_sentinel and word in _WITH_USERS else word
        if error is None:
            break
        error = error.__cause__ or error.__context__
    return ""
