"""One OpenID provider: the exchange, the refresh, the logout, over its wire and its documents."""

import secrets

import httpx

from gateway.adapters.oidc.documents import REFETCH_UNASKED_S, KeySet, Metadata
from gateway.adapters.oidc.wire import Wire
from gateway.core.errors import LoginFailed
from gateway.core.model import Acr, LoginTransaction, VerifiedClaims
from gateway.ports import Clock, Refreshed, SignedIn
from gateway.relying_party import Endpoints, ProviderSettings, callback, logout, tokens
from gateway.relying_party.authorization import authorization_url
from gateway.relying_party.client_auth import Form, code_form, refresh_form
from gateway.relying_party.profiles import Userinfo


class OidcProvider:
    """`ports.IdentityProvider`."""

    def __init__(self, settings: ProviderSettings, http: httpx.AsyncClient, clock: Clock) -> None:
        self._settings = settings
        self._wire = Wire(settings.name, http)
        self._clock = clock
        self._metadata = Metadata(settings, self._wire, clock)
        self._keys = KeySet(self._metadata, self._wire, clock)

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def issuer(self) -> str:
        return self._settings.issuer

    @property
    def client_id(self) -> str:
        return self._settings.client_id

    @property
    def vouches(self) -> bool:
        return self._settings.vouches

    @property
    def origins(self) -> tuple[str, ...]:
        """Addresses that a form of ours may lead to, as far as they are known."""
        known = self._metadata.known
        found = (known.authorization, known.end_session) if known else (self._settings.authorization_endpoint,)
        return (self._settings.issuer, *(url for url in found if url))

    async def prepare(self) -> None:
        """Read what is left out of the configuration, if it was not yet."""
        await self._metadata.endpoints()

    async def authorization_url(self, transaction: LoginTransaction) -> str:
        return authorization_url(self._settings, await self._metadata.endpoints(), transaction)

    async def check_issuer(self, iss: str | None) -> None:
        callback.check_issuer(iss, self._settings, await self._metadata.endpoints())

    async def exchange(self, transaction: LoginTransaction, code: str) -> SignedIn:
        """Code → tokens → userinfo, at once and once: a code that is sent again revokes its grant."""
        settings, endpoints = self._settings, await self._metadata.endpoints()
        form = code_form(settings, code, transaction.code_verifier, now=self._now, jti=secrets.token_hex(16))
        answer = await self._redeem(endpoints, form)
        given = tokens.read_token_response(answer.content, transaction.scopes)
        if settings.recheck_s and not given.refresh_token:
            raise LoginFailed("refresh_token_missing")
        id_claims = await self._keys.verified(
            lambda keys: tokens.verify_id_token(
                given.id_token,
                keys,
                settings,
                nonce=transaction.nonce,
                now=self._now,
                access_token=given.access_token,
            )
        )
        acr = tokens.check_acr(id_claims, settings, transaction.acr)
        person = await self._person(endpoints, given.access_token, id_claims)
        # A token that opens nothing at API Particulier stays here, whatever scopes it boasts of.
        opens = settings.rules.opens_data
        return SignedIn(
            id_claims=id_claims,
            userinfo=tokens.identity_claims(person, settings),
            id_token=given.id_token,
            access_token=given.access_token if opens else "",
            scopes=given.scopes if opens else frozenset(),
            acr=acr,
            sid=tokens.sid_of(id_claims),
            refresh_token=given.refresh_token if settings.recheck_s else "",
        )

    async def refresh(self, refresh_token: str, sub: str, acr: Acr) -> Refreshed:
        """`LoginFailed`: the provider's session is over, fell below its level, or the answer is somebody else's."""
        form = refresh_form(self._settings, refresh_token, now=self._now, jti=secrets.token_hex(16))
        answer = await self._redeem(await self._metadata.endpoints(), form)
        given = tokens.read_token_response(answer.content, frozenset(), refreshed=True)
        if given.id_token:
            claims = await self._keys.verified(
                lambda keys: tokens.verify_refreshed(given.id_token, keys, self._settings, sub=sub, now=self._now)
            )
            if "acr" in claims:
                tokens.check_acr(claims, self._settings, acr)
        return Refreshed(given.refresh_token or refresh_token)

    async def end_session_url(self, id_token: str, state: str) -> str | None:
        return logout.end_session_url(self._settings, await self._metadata.endpoints(), id_token, state)

    async def read_logout_token(self, token: str) -> logout.LogoutToken:
        """Anybody may send one: fresh keys are fetched for it once a minute at most."""
        return await self._keys.verified(
            lambda keys: logout.verify_logout_token(token, keys, self._settings, now=self._now),
            at_most_every_s=REFETCH_UNASKED_S,
        )

    @property
    def _now(self) -> int:
        return int(self._clock())

    async def _redeem(self, endpoints: Endpoints, form: Form) -> httpx.Response:
        return await self._wire.answer("token", "POST", endpoints.token, content=form.body, headers=form.headers)

    async def _person(self, endpoints: Endpoints, access_token: str, id_claims: VerifiedClaims) -> VerifiedClaims:
        reads, settings, sub = self._settings.reads, self._settings, id_claims["sub"]
        if not reads.calls_the_endpoint:
            return id_claims
        response = await self._ask_userinfo(endpoints, access_token)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if reads is Userinfo.JSON:
            if kind != "application/json":
                raise LoginFailed("userinfo_not_json")
            return tokens.read_userinfo(response.content, sub=sub)
        if kind != "application/jwt":
            raise LoginFailed("userinfo_not_signed")
        token = response.content.decode("ascii", "replace")
        return await self._keys.verified(
            lambda keys: tokens.verify_userinfo(token, keys, settings, sub=sub, now=self._now)
        )

    async def _ask_userinfo(self, endpoints: Endpoints, access_token: str) -> httpx.Response:
        if self._settings.bearer_in_body:
            return await self._wire.answer("userinfo", "POST", endpoints.userinfo, data={"access_token": access_token})
        headers = {"Authorization": f"Bearer {access_token}"}
        return await self._wire.answer("userinfo", "GET", endpoints.userinfo, headers=headers)
