"""Each application behind a route: a connection, TLS, and its health where a route says how to ask."""

import asyncio
import ssl

import httpx

from gateway.adapters.upstream.dial import tls_context
from gateway.cli.check import shown_upstream
from gateway.cli.doctors.finding import Finding, good, wrong
from gateway.cli.doctors.reach import CALL_S, Reach, certificate_finding, unreached
from gateway.core.rules import Route, Upstream

_PREFIX = "upstream"


async def examine(routes: tuple[Route, ...], reach: Reach) -> list[Finding]:
    """Routes that lead to the same place by the same means are one question."""
    asked = {(upstream, route.tls, route.health, route.host): route for route in routes for upstream in route.upstreams}
    found = await asyncio.gather(*(_one(key[0], route, reach) for key, route in asked.items()))
    return list(dict.fromkeys(finding for each in found for finding in each))


async def _one(upstream: Upstream, route: Route, reach: Reach) -> list[Finding]:
    about = shown_upstream(upstream)
    try:
        context = tls_context(route.tls) if upstream.scheme == "https" else None
    except (OSError, ValueError):
        return [wrong("upstream_tls_files", about, "the files of `tls` cannot be used", "see `gateway check`")]
    try:
        async with asyncio.timeout(CALL_S):
            certificate = await _connected(upstream, route, context)
    except (OSError, ValueError) as error:  # TimeoutError and ssl.SSLError are OSErrors
        return [unreached(_PREFIX, about, error)]
    soon = certificate_finding(_PREFIX, about, certificate, reach.clock())
    found = [soon] if soon else []
    if route.health is None:
        return [*found, good(_PREFIX, about, "it takes a connection")]
    return [*found, await _health(upstream, route, context, reach)]


async def _connected(upstream: Upstream, route: Route, context: ssl.SSLContext | None) -> object:
    """Its certificate, if it has one."""
    name = (route.tls.server_name or upstream.host) if context else None
    if upstream.socket:
        _, writer = await asyncio.open_unix_connection(upstream.socket)
    else:
        _, writer = await asyncio.open_connection(upstream.host, upstream.port, ssl=context, server_hostname=name)
    secured = writer.get_extra_info("ssl_object")
    certificate = secured.getpeercert() if secured else None
    writer.close()
    return certificate


async def _health(upstream: Upstream, route: Route, context: ssl.SSLContext | None, reach: Reach) -> Finding:
    about, path = shown_upstream(upstream), route.health.path if route.health else "/"
    transport = httpx.AsyncHTTPTransport(verify=context or False, uds=upstream.socket or None)
    headers = {"host": route.host if route.preserve_host else upstream.authority, "user-agent": "gateway-doctor"}
    extensions = {"sni_hostname": route.tls.server_name} if route.tls.server_name else {}
    url = f"{upstream.scheme}://{upstream.authority}{path}"
    try:
        async with httpx.AsyncClient(transport=transport) as client:
            response = await reach.get(client, url, headers=headers, extensions=extensions)
    except httpx.HTTPError as error:
        return unreached("upstream_health", about, error)
    if not 200 <= response.status_code < 400:
        said = f"GET {path} answers {response.status_code}"
        return wrong("upstream_health", about, said, "the gateway would take it out of service: check `health.path`")
    return good("upstream_health", about, f"GET {path} answers {response.status_code}")
