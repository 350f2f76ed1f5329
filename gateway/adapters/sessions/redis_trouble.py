"""What Redis or redis-py raises → one word of ours for the operator."""

import ssl

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, NoPermissionError

_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (AuthenticationError, "password"),
    (NoPermissionError, "rights"),
    (MasterNotFoundError, "service"),
)
_DEPTH = 6


def why(error: BaseException | None) -> str:
    """`certificate`, `tls`, `password`, `rights`, `service`, or nothing: the address, or a server that is down.

    redis-py wraps one error in another.
    """
    for _ in range(_DEPTH):
        for kind, word in _KINDS:
            if isinstance(error, kind):
                return word
        if error is None:
            break
        error = error.__cause__ or error.__context__
    return ""
