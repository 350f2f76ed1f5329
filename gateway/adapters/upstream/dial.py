"""Opening a connection: TCP, a Unix socket, TLS with the route's authorities and our certificate. Always verified."""

import asyncio
import ssl

from gateway.adapters.upstream.connection import Connection
from gateway.core.errors import DependencyFailed
from gateway.core.rules import Upstream, UpstreamTls


def failure(code: str, status: int = 502) -> DependencyFailed:
    return DependencyFailed("upstream", code, status)


class Dialler:
    """Keeps one TLS context for each TLS identity: building one reads every authority of the system."""

    def __init__(self) -> None:
        self._contexts: dict[UpstreamTls, ssl.SSLContext] = {}

    def forget(self) -> None:
        """Read the certificates' files again, when next needed."""
        self._contexts.clear()

    async def dial(self, upstream: Upstream, tls: UpstreamTls, connect_s: float) -> Connection:
        """A fresh connection, TLS included; `DependencyFailed` within `connect_s` otherwise."""
        context = self._context(tls) if upstream.scheme == "https" else None
        try:
            async with asyncio.timeout(connect_s):
                return await _connect(upstream, context, (tls.server_name or upstream.host) if context else None)
        except TimeoutError:
            raise failure("upstream_connect_timeout", 504) from None
        except ssl.SSLError:
            raise failure("upstream_tls") from None
        except (OSError, ValueError, OverflowError):  # the last two: a name or a port that no address can have
            raise failure("upstream_connect") from None

    def _context(self, tls: UpstreamTls) -> ssl.SSLContext:
        found = self._contexts.get(tls)
        if found is None:
            try:
                found = self._contexts[tls] = tls_context(tls)
            except (OSError, ValueError):  # ssl.SSLError is an OSError
                raise failure("upstream_tls") from None
        return found


def tls_context(tls: UpstreamTls) -> ssl.SSLContext:
    """TLS 1.2 or later, the certificate and its name checked; raises `OSError` for a file that cannot be used."""
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    context.set_alpn_protocols(["http/1.1"])
    if tls.client_cert:
        context.load_cert_chain(tls.client_cert, tls.client_key or None, password="")  # or OpenSSL asks the terminal
    return context


async def _connect(upstream: Upstream, context: ssl.SSLContext | None, name: str | None) -> Connection:
    loop = asyncio.get_running_loop()
    if upstream.socket:
        _, connection = await loop.create_unix_connection(
            Connection, upstream.socket, ssl=context, server_hostname=name
        )
    else:
        _, connection = await loop.create_connection(
            Connection, upstream.host, upstream.port, ssl=context, server_hostname=name
        )
    return connection
