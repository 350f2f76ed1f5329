"""The streaming way to the legacy application, over httpx's transport and nothing above it.

No cookie jar, no redirect, no environment proxy, no decompression: those live in httpx's client, which is not used.
A connection carries one request: bytes left over by one answer can never reach another person.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import httpx

from gateway.core.errors import DependencyFailed
from gateway.core.rules import Timeouts
from gateway.ports import UpstreamRequest, UpstreamResponse

_FAILURES: tuple[tuple[type[Exception], str, int], ...] = (
    (httpx.ConnectTimeout, "upstream_connect_timeout", 504),
    (httpx.ConnectError, "upstream_connect", 502),
    (httpx.TimeoutException, "upstream_timeout", 504),
    (httpx.RemoteProtocolError, "upstream_protocol", 502),
    (httpx.TransportError, "upstream_broken", 502),
)


class HttpxUpstream:
    """One transport for all routes; what differs between them travels with each request."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self._transport = httpx.AsyncHTTPTransport(
            verify=ssl_context or ssl.create_default_context(),
            trust_env=False,
            retries=0,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def forward(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send the head and the body, return as soon as the answer's head is there."""
        response = await _translated(partial(self._transport.handle_async_request, _wire(request)))
        if response.status_code < 200 or response.status_code > 599:
            await response.aclose()
            raise DependencyFailed("upstream", "upstream_status")
        body = _chunks(response)
        return UpstreamResponse(response.status_code, response.headers.raw, body, response.aclose)

    async def close(self) -> None:
        await self._transport.aclose()


def _wire(request: UpstreamRequest) -> httpx.Request:
    upstream = request.route.upstream
    return httpx.Request(
        request.method,
        httpx.URL(scheme=upstream.scheme, host=upstream.host, port=upstream.port, path="/"),
        headers=list(request.headers),
        content=request.body,
        extensions={"target": request.target, "timeout": _timeouts(request.route.timeouts)},
    )


def _timeouts(timeouts: Timeouts) -> dict[str, float | None]:
    return {
        "connect": timeouts.connect_s,
        "read": timeouts.header_s,
        "write": timeouts.idle_s,
        "pool": timeouts.connect_s,
    }


async def _translated(call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    try:
        return await call()
    except httpx.TransportError as error:
        code, status = next((code, status) for kind, code, status in _FAILURES if isinstance(error, kind))
        raise DependencyFailed("upstream", code, status) from None


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx.TransportError:
        raise DependencyFailed("upstream", "upstream_cut") from None
