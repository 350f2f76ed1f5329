"""HTTP to one provider: short, bounded, no redirects, nothing kept from one call to the next."""

import asyncio
from http.cookiejar import DefaultCookiePolicy

import httpx

from gateway.adapters.reuse import LIMITS
from gateway.adapters.trust import trust
from gateway.core.errors import DependencyFailed, LoginFailed
from gateway.jose import read_json
from gateway.relying_party import ProviderSettings, error_reference

ANSWER_BYTES_AT_MOST = 65_536
DOCUMENT_BYTES_AT_MOST = 262_144

ANSWER_S = 10
"""For the whole of an answer: one that drips never lets a read time out."""

_PATIENCE = frozenset({408, 429})
"""The provider says nothing about us, only that now is not the time."""

_KNOWN_ERRORS = frozenset(
    ["invalid_grant", "invalid_client", "invalid_request", "invalid_token", "server_error", "invalid_client_metadata"]
)


def http_client(settings: ProviderSettings) -> httpx.AsyncClient:
    """Short: the grant lives 30 s. No redirects, no environment proxies, no cookies."""
    client = httpx.AsyncClient(
        verify=trust(settings.ca_file),
        timeout=httpx.Timeout(8, connect=3),
        limits=LIMITS,
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return client


class Wire:
    """Calls to one provider, whose name is the dependency of every failure."""

    def __init__(self, name: str, http: httpx.AsyncClient) -> None:
        self.name = name
        self._http = http

    async def answer(self, where: str, method: str, url: str, **request: object) -> httpx.Response:
        """A 200 of the token or userinfo endpoint; anything else is a refusal or an outage, in codes."""
        response = await self._send(method, url, ANSWER_BYTES_AT_MOST, **request)
        if response.status_code != 200:
            raise self._refusal(where, response)
        return response

    async def document(self, url: str) -> dict[str, object]:
        """A JSON document that the provider publishes."""
        response = await self._send("GET", url, DOCUMENT_BYTES_AT_MOST, headers={"Accept": "application/json"})
        if response.status_code != 200:
            raise DependencyFailed(self.name, "provider_document_status")
        try:
            return read_json(response.content, "provider_document_malformed")
        except LoginFailed as error:
            raise DependencyFailed(self.name, error.code) from None

    async def _send(self, method: str, url: str, at_most: int, **request: object) -> httpx.Response:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._bounded(method, url, at_most, **request)
        except (httpx.TimeoutException, TimeoutError):
            raise DependencyFailed(self.name, "provider_timeout", 504) from None
        except httpx.HTTPError:
            raise DependencyFailed(self.name, "provider_unreachable", 503) from None

    async def _bounded(self, method: str, url: str, at_most: int, **request: object) -> httpx.Response:
        async with self._http.stream(method, url, **request) as response:  # type: ignore[arg-type]
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > at_most:
                    raise DependencyFailed(self.name, "provider_answer_too_large")
        # No other header: with its `Content-Encoding` httpx would unpack what we never asked for.
        headers = {"content-type": response.headers.get("content-type", "")}
        return httpx.Response(response.status_code, headers=headers, content=bytes(body))

    def _refusal(self, where: str, response: httpx.Response) -> LoginFailed | DependencyFailed:
        try:
            answer = read_json(response.content, "malformed")
        except LoginFailed:
            answer = {}
        reference = error_reference(answer.get("error_uri"))
        if response.status_code >= 500 or response.status_code in _PATIENCE or not answer:
            return DependencyFailed(self.name, f"{where}_{response.status_code}", 503, reference=reference)
        error = answer.get("error")
        return LoginFailed(f"{where}_{error if error in _KNOWN_ERRORS else 'refused'}", reference=reference)
