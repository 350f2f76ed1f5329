"""An OpenID provider over HTTP: endpoints, keys, the exchange. The rules are in `relying_party`."""

import asyncio
import ssl
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import httpx

from gateway import relying_party
from gateway.core.errors import DependencyFailed, LoginFailed
from gateway.core.model import LoginTransaction, VerifiedClaims
from gateway.jose import Keys, SignatureMismatch, UnknownKey, import_keys, read_json
from gateway.ports import Clock, SignedIn
from gateway.relying_party import Endpoints, ProviderSettings

KEYS_S = 600
"""FranceConnect's own cache hint."""

REFETCH_S = 10
"""However many tokens fail, the keys are fetched at most this often."""

ANSWER_BYTES_AT_MOST = 65_536
DOCUMENT_BYTES_AT_MOST = 262_144

Verified = TypeVar("Verified")


def http_client(settings: ProviderSettings) -> httpx.AsyncClient:
    """Short: the grant lives 30 s. No redirects, no environment proxies, no cookies."""
    client = httpx.AsyncClient(
        verify=ssl.create_default_context(cafile=settings.ca_file),
        timeout=httpx.Timeout(8, connect=3),
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return client


class OidcProvider:
    """`ports.IdentityProvider`."""

    def __init__(self, settings: ProviderSettings, http: httpx.AsyncClient, clock: Clock) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._endpoints: Endpoints | None = _static(settings)
        self._keys: Keys | None = None
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def issuer(self) -> str:
        return self._settings.issuer

    async def authorization_url(self, transaction: LoginTransaction) -> str:
        return relying_party.authorization_url(self._settings, await self._resolved(), transaction)

    async def exchange(self, transaction: LoginTransaction, code: str) -> SignedIn:
        """Code → tokens → userinfo, at once and once: a code that is sent again revokes its grant."""
        endpoints = await self._resolved()
        tokens = await self._redeem(endpoints, transaction, code)
        id_claims = await self._verified(
            lambda keys: relying_party.verify_id_token(
                tokens.id_token, keys, self._settings, nonce=transaction.nonce, now=int(self._clock())
            )
        )
        userinfo = await self._userinfo(endpoints, tokens.access_token, id_claims)
        return SignedIn(id_claims, userinfo, tokens.id_token, tokens.access_token, tokens.scopes)

    async def end_session_url(self, id_token: str, state: str) -> str | None:
        end = (await self._resolved()).end_session
        if end is None:
            return None
        back = self._settings.post_logout_redirect_uri
        query = urlencode({"id_token_hint": id_token, "post_logout_redirect_uri": back, "state": state})
        return f"{end}?{query}"

    async def _redeem(
        self, endpoints: Endpoints, transaction: LoginTransaction, code: str
    ) -> relying_party.TokenResponse:
        body = relying_party.token_request(self._settings, code)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        response = await self._send("POST", endpoints.token, ANSWER_BYTES_AT_MOST, content=body, headers=headers)
        if response.status_code != 200:
            raise _refusal("token", response)
        return relying_party.read_token_response(response.content, transaction.scopes)

    async def _userinfo(self, endpoints: Endpoints, access_token: str, id_claims: VerifiedClaims) -> VerifiedClaims:
        headers = {"Authorization": f"Bearer {access_token}"}
        response = await self._send("GET", endpoints.userinfo, ANSWER_BYTES_AT_MOST, headers=headers)
        if response.status_code != 200:
            raise _refusal("userinfo", response)
        if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/jwt":
            raise LoginFailed("userinfo_not_signed")
        token = response.content.decode("ascii", "replace")
        return await self._verified(
            lambda keys: relying_party.verify_userinfo(
                token, keys, self._settings, sub=id_claims["sub"], now=int(self._clock())
            )
        )

    async def _verified(self, verify: Callable[[Keys], Verified]) -> Verified:
        """With the keys we hold; and once more with fresh ones, for an unknown key or a signature that fails."""
        keys = await self._current_keys()
        try:
            return verify(keys)
        except (UnknownKey, SignatureMismatch):
            fresh = await self._fresh_keys()
            if fresh is keys:
                raise
            return verify(fresh)

    async def _current_keys(self) -> Keys:
        if self._keys is not None and self._clock() - self._fetched_at < KEYS_S:
            return self._keys
        return await self._fresh_keys()

    async def _fresh_keys(self) -> Keys:
        async with self._fetching:
            if self._keys is not None and self._clock() - self._fetched_at < REFETCH_S:
                return self._keys
            try:
                document = await self._document((await self._resolved()).jwks)
                self._keys = import_keys(document)
            except DependencyFailed:
                if self._keys is None:
                    raise
            self._fetched_at = self._clock()
            return self._keys

    async def _resolved(self) -> Endpoints:
        if self._endpoints is None:
            url = f"{self._settings.issuer}/.well-known/openid-configuration"
            self._endpoints = _from_metadata(await self._document(url), self._settings)
        return self._endpoints

    async def _document(self, url: str) -> dict[str, object]:
        response = await self._send("GET", url, DOCUMENT_BYTES_AT_MOST, headers={"Accept": "application/json"})
        if response.status_code != 200:
            raise DependencyFailed("franceconnect", "provider_document_status")
        try:
            return read_json(response.content, "provider_document_malformed")
        except LoginFailed as error:
            raise DependencyFailed("franceconnect", error.code) from None

    async def _send(self, method: str, url: str, at_most: int, **request: object) -> httpx.Response:
        try:
            async with self._http.stream(method, url, **request) as response:  # type: ignore[arg-type]
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > at_most:
                        raise DependencyFailed("franceconnect", "provider_answer_too_large")
            return httpx.Response(response.status_code, headers=response.headers, content=bytes(body))
        except httpx.TimeoutException:
            raise DependencyFailed("franceconnect", "provider_timeout", 504) from None
        except httpx.HTTPError:
            raise DependencyFailed("franceconnect", "provider_unreachable", 503) from None


def _static(settings: ProviderSettings) -> Endpoints | None:
    written = (settings.authorization_endpoint, settings.token_endpoint, settings.userinfo_endpoint, settings.jwks_uri)
    if any(url is None for url in written):
        return None
    authorization, token, userinfo, jwks = (url or "" for url in written)
    return Endpoints(authorization, token, userinfo, jwks, settings.end_session_endpoint)


def _from_metadata(document: dict[str, object], settings: ProviderSettings) -> Endpoints:
    """What the operator wrote wins; the rest from a document that must be our issuer's own."""
    if document.get("issuer") != settings.issuer:
        raise DependencyFailed("franceconnect", "provider_metadata_issuer")

    def endpoint(name: str, *, needed: bool = True) -> str | None:
        url = getattr(settings, name) or document.get(name)
        if url is None and not needed:
            return None
        if not isinstance(url, str) or not _is_safe(url):
            raise DependencyFailed("franceconnect", "provider_metadata_endpoint")
        return url

    needed = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    authorization, token, userinfo, jwks = (endpoint(name) or "" for name in needed)
    return Endpoints(authorization, token, userinfo, jwks, endpoint("end_session_endpoint", needed=False))


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"})


def _refusal(where: str, response: httpx.Response) -> LoginFailed | DependencyFailed:
    try:
        answer = read_json(response.content, "malformed")
    except LoginFailed:
        answer = {}
    reference = relying_party.error_reference(answer.get("error_uri"))
    if response.status_code >= 500 or not answer:
        return DependencyFailed("franceconnect", f"{where}_{response.status_code}", 503, reference=reference)
    error = answer.get("error")
    known = {
        "invalid_grant",
        "invalid_client",
        "invalid_request",
        "invalid_token",
        "server_error",
        "invalid_client_metadata",
    }
    return LoginFailed(f"{where}_{error if error in known else 'refused'}", reference=reference)
