"""The sockets that clients connect to: bound once, before any worker, and kept while workers come and go."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.core.errors import ConfigError, Problem
from gateway.settings import Listen

BACKLOG = 2048

SOCKET_MODE = 0o660
"""The gateway's user and group: the proxy in front is in that group."""


@contextmanager
def listening(listen: Listen) -> Iterator[list[socket.socket]]:
    """Bound sockets that already queue clients, or `ConfigError`. A Unix socket's file goes when this ends."""
    try:
        sockets = [_unix(Path(listen.socket))] if listen.socket else _tcp(listen)
    except OSError as error:
        why = error.strerror or str(error)
        hint = "is another gateway running there?"
        raise ConfigError([Problem("gateway.yaml", 0, f"cannot listen on {listen}: {why}", hint)]) from None
    identity = _identity(listen.socket)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()
        # A gateway that was started meanwhile has put its own socket there.
        if listen.socket and _identity(listen.socket) == identity:
            Path(listen.socket).unlink()


def _tcp(listen: Listen) -> list[socket.socket]:
    """One socket for each address of the name."""
    found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sockets.append(bound := socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind(address)
            bound.listen(BACKLOG)
    except OSError:
        for each in sockets:
            each.close()
        raise
    return sockets


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
