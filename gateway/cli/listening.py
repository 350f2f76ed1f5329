"""The sockets that clients connect to: bound once, before any worker, and kept while workers come and go."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError, Problem
from gateway.settings import Listen

BACKLOG = 2048

SOCKET_MODE = 0o660
"""The gateway's user and group: the proxy in front is in that group."""


_HINTS = {
    errno.EADDRINUSE: "is another gateway running there?",
    errno.EADDRNOTAVAIL: "this machine has no such address: write 127.0.0.1, 0.0.0.0 or one of its own",
    errno.EACCES: "let the gateway's user do so; a port below 1024 is the system's",
    errno.ENOENT: "make the folder of the socket first",
}

Sockets = list[socket.socket]


Where = Callable[[], tuple[str, int]]
"""The file and the line that name an address; read when there is something to say."""


def _somewhere() -> tuple[str, int]:
    return "gateway.yaml", 0


@contextmanager
def listening(listen: Listen, workers: int = 1, where: Where = _somewhere) -> Iterator[list[Sockets]]:
    """Each worker's sockets, which already queue clients, or `ConfigError`. A Unix socket's file goes when this ends.

    Over TCP each worker has its own, and the kernel spreads the connections evenly; of a socket that several share, the
    first to wake up takes all that wait. Those of a worker that died are kept here, and wait for its replacement.
    """
    try:
        shares = [[_unix(Path(listen.socket))] * workers] if listen.socket else _tcp(listen, workers)
    except OSError as error:
        why = error.strerror or str(error)
        hint = _HINTS.get(error.errno or 0, "an address of this machine, or unix:PATH of a socket that can be made")
        raise ConfigError([Problem(*where(), f"cannot listen on {listen}: {why}", hint)]) from None
    identity = _identity(listen.socket)
    try:
        yield [list(share) for share in zip(*shares, strict=True)]
    finally:
        _close(shares)
        # A gateway that was started meanwhile has put its own socket there.
        if listen.socket and _identity(listen.socket) == identity:
            Path(listen.socket).unlink()


def _tcp(listen: Listen, workers: int) -> list[Sockets]:
    """For each address of the name, one socket a worker."""
    found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    shares: list[Sockets] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            # Alone at first: a port that is shared could be shared with another gateway, unnoticed.
            _bound(family, address, shared=False).close()
            shares.append([])
            for _ in range(workers):
                shares[-1].append(_bound(family, address, shared=workers > 1))
    except OSError:
        _close(shares)
        raise
    return shares


def _bound(family: int, address: tuple[Any, ...], *, shared: bool) -> socket.socket:
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _close(shares: list[Sockets]) -> None:
    for share in shares:
        for each in share:
            each.close()


def _unix(path: Path) -> socket.socket:
    if path.is_socket():
        _remove_stale(path)
    bound = socket.socket(socket.AF_UNIX)
    # The mode is right from the first moment: a chmod afterwards would leave one for somebody else.
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        bound.bind(str(path))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound


def _remove_stale(path: Path) -> None:
    """A socket on which nobody listens is what a killed gateway left; one that answers is in use."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def _identity(path: str) -> tuple[int, int] | None:
    with suppress(OSError):
        found = os.stat(path) if path else None  # noqa: PTH116 - the empty path is no path
        return (found.st_dev, found.st_ino) if found else None
    return None
