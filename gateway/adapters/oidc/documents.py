"""What a provider publishes: its metadata and its keys, each fetched when needed and never more often than that."""

import asyncio
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.adapters.oidc.wire import Wire
from gateway.core.errors import DependencyFailed
from gateway.jose import Keys, SignatureMismatch, UnknownKey, import_keys
from gateway.ports import Clock
from gateway.relying_party import Endpoints, ProviderSettings

KEYS_S = 600
"""FranceConnect's own cache hint."""

REFETCH_S = 10
"""However many tokens of a login fail, the keys are fetched at most this often."""

REFETCH_UNASKED_S = 60
"""The same for tokens that anybody may send us (back-channel logout)."""

AGAIN_S = 5
"""Metadata and keys that could not be had are asked for again after this long, and not by each visitor."""

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:[/?][A-Za-z0-9/?:@!$&'()*+,;=._~%\[\]-]*)?"
)
"""No credentials, no fragment, nothing that means something in `form-action`, where its origin goes."""

_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})

_NEEDED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")

Verified = TypeVar("Verified")


class Failure:
    """The last one, believed for `AGAIN_S`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: DependencyFailed | None = None
        self._at = float("-inf")

    def raise_if_recent(self) -> None:
        if self._last is not None and self._clock() - self._at < AGAIN_S:
            raise DependencyFailed(self._last.dependency, self._last.code, self._last.status)

    def noted(self, error: DependencyFailed) -> DependencyFailed:
        """`error`, for whoever raises it. One that was only repeated does not last longer for it."""
        if self._clock() - self._at >= AGAIN_S:
            self._last, self._at = error, self._clock()
        return error


class Metadata:
    """The endpoints: written by the operator, or read once from the issuer's own document."""

    def __init__(self, settings: ProviderSettings, wire: Wire, clock: Clock) -> None:
        self._settings = settings
        self._wire = wire
        self._clock = clock
        self._endpoints = _static(settings)
        self._fetching = asyncio.Lock()
        self._failure = Failure(clock)

    @property
    def known(self) -> Endpoints | None:
        """Without asking."""
        return self._endpoints

    async def endpoints(self) -> Endpoints:
        if self._endpoints is not None:
            return self._endpoints
        async with self._fetching:
            if self._endpoints is None:
                self._endpoints = await self._fetched()
            return self._endpoints

    async def _fetched(self) -> Endpoints:
        self._failure.raise_if_recent()
        try:
            document = await self._wire.document(
                f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            )
            return _from_metadata(document, self._settings)
        except DependencyFailed as error:
            raise self._failure.noted(error) from None


class KeySet:
    """The provider's keys, kept warm: an outage of the key set does not end logins while the old keys verify."""

    def __init__(self, metadata: Metadata, wire: Wire, clock: Clock) -> None:
        self._metadata = metadata
        self._wire = wire
        self._clock = clock
        self._keys: Keys | None = None
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._failure = Failure(clock)

    async def verified(self, verify: Callable[[Keys], Verified], *, at_most_every_s: float = REFETCH_S) -> Verified:
        """With the keys we hold; and once more with fresh ones, for an unknown key or a signature that fails."""
        keys = await self._current(at_most_every_s)
        try:
            return verify(keys)
        except (UnknownKey, SignatureMismatch):
            fresh = await self._fresh(at_most_every_s)
            if fresh is keys:
                raise
            return verify(fresh)

    async def _current(self, at_most_every_s: float) -> Keys:
        if self._keys is not None and self._clock() - self._fetched_at < KEYS_S:
            return self._keys
        return await self._fresh(at_most_every_s)

    async def _fresh(self, at_most_every_s: float) -> Keys:
        async with self._fetching:
            if self._keys is not None and self._clock() - self._fetched_at < at_most_every_s:
                return self._keys
            try:
                if at_most_every_s > REFETCH_S:
                    # Anybody may send such a token; a login's came with a code, and is worth a call of its own.
                    self._failure.raise_if_recent()
                document = await self._wire.document((await self._metadata.endpoints()).jwks)
                self._keys = import_keys(document)
            except DependencyFailed as error:
                if self._keys is None:
                    raise self._failure.noted(error) from None
            self._fetched_at = self._clock()
            return self._keys


def _static(settings: ProviderSettings) -> Endpoints | None:
    written = (settings.authorization_endpoint, settings.token_endpoint, settings.userinfo_endpoint, settings.jwks_uri)
    if any(url is None for url in written):
        return None
    authorization, token, userinfo, jwks = (url or "" for url in written)
    return Endpoints(authorization, token, userinfo, jwks, settings.end_session_endpoint)


def _from_metadata(document: dict[str, object], settings: ProviderSettings) -> Endpoints:
    """What the operator wrote wins; the rest from a document that must be our issuer's own."""
    if document.get("issuer") != settings.issuer:
        raise DependencyFailed(settings.name, "provider_metadata_issuer")

    def endpoint(name: str, *, needed: bool = True) -> str | None:
        written: str | None = getattr(settings, name)
        url = written or document.get(name)
        if url is None and not needed:
            return None
        if not isinstance(url, str) or not (written or _is_safe(url, settings.issuer)):
            raise DependencyFailed(settings.name, "provider_metadata_endpoint")
        return url

    calls_userinfo = settings.reads.calls_the_endpoint
    authorization, token, userinfo, jwks = (
        endpoint(name, needed=name != "userinfo_endpoint" or calls_userinfo) or "" for name in _NEEDED
    )
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(authorization, token, userinfo, jwks, endpoint("end_session_endpoint", needed=False), names_itself)


def _is_safe(url: str, issuer: str) -> bool:
    """TLS; or loopback, for a provider that is there itself: no other one's document sends us to our own machine."""
    parts = _ADDRESS.fullmatch(url)
    if parts is None or not _has_port(url):
        return False
    return parts["scheme"] == "https" or (parts["host"] in _LOOPBACK and urlsplit(issuer).scheme == "http")


def _has_port(url: str) -> bool:
    """A port that exists, or none."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
