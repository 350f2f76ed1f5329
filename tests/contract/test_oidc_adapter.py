"""The provider over HTTP, against the sandbox's FranceConnect."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from gateway.adapters.oidc import OidcProvider, http_client
from gateway.core.errors import DependencyFailed, GatewayError, LoginFailed
from gateway.core.model import Acr, LoginTransaction
from gateway.relying_party import ProviderSettings
from gateway.relying_party.client_auth import client_jwk
from gateway.relying_party.profiles import ClientAuth
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.identities import MATCHING, identities

ISSUER = "http://127.0.0.1:8101/api/v2"
SETTINGS = ProviderSettings(
    name="franceconnect",
    profile="franceconnect",
    issuer=ISSUER,
    client_id="client",
    client_secret="s" * 64,
    signing_alg="ES256",
    redirect_uri="https://ville.example/_gateway/callback",
    post_logout_redirect_uri="https://ville.example/_gateway/logged-out",
)
CLIENT = SandboxClient("client", "s" * 64, (SETTINGS.redirect_uri,), (SETTINGS.post_logout_redirect_uri,))
TRANSACTION = LoginTransaction(
    state="5" * 64,
    nonce="a" * 64,
    browser="b" * 64,
    provider="franceconnect",
    acr=Acr.EIDAS1,
    scopes=frozenset({"openid", "identite_pivot", "cnaf_quotient_familial"}),
    return_to="/cantine/",
    route="cantine",
    started_at=0,
)

pytestmark = pytest.mark.anyio


class World:
    """A sandbox and a provider that share a hand-moved clock; every call is counted by path."""

    def __init__(self, settings: ProviderSettings = SETTINGS, client: SandboxClient = CLIENT) -> None:
        self.client = client
        self.now = 1_790_000_000.0
        tokens = (f"{number:064x}" for number in range(1, 1_000))
        self.fc = SandboxFranceConnect(ISSUER, [client], lambda: self.now, lambda: next(tokens))
        self.calls: list[str] = []
        self.replace: dict[str, Callable[[httpx.Request], httpx.Response]] = {}
        self.http = httpx.AsyncClient(transport=_Wire(self))
        self.provider = OidcProvider(settings, self.http, lambda: self.now)

    def code(self) -> str:
        asked = {
            "scope": " ".join(TRANSACTION.scopes),
            "nonce": TRANSACTION.nonce,
            "redirect_uri": SETTINGS.redirect_uri,
        }
        return self.fc.tokens.confirm(self.client, identities()[MATCHING], asked)


class _Wire(httpx.AsyncBaseTransport):
    """The sandbox's own answer, or the test's, always as a stream not read yet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sandbox = httpx.ASGITransport(world.fc.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        world.calls.append(request.url.path.rpartition("/")[2])
        if world.calls[-1] in world.replace:
            answer = world.replace[world.calls[-1]](request)
        else:
            answer = await self._sandbox.handle_async_request(request)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content))


@pytest.fixture
def world() -> World:
    return World()


async def _failure(world: World, code: str | None = None) -> GatewayError:
    with pytest.raises((LoginFailed, DependencyFailed)) as caught:
        await world.provider.exchange(TRANSACTION, code or world.code())
    return caught.value


async def test_the_authorization_request_has_the_seven_parameters_and_no_other(world: World) -> None:
    url = urlsplit(await world.provider.authorization_url(TRANSACTION))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/authorize"
    assert parse_qs(url.query) == {
        "client_id": ["client"],
        "redirect_uri": [SETTINGS.redirect_uri],
        "response_type": ["code"],
        "scope": ["openid cnaf_quotient_familial identite_pivot"],
        "state": ["5" * 64],
        "nonce": ["a" * 64],
        "acr_values": ["eidas1"],
    }


async def test_a_code_becomes_a_verified_identity(world: World) -> None:
    signed_in = await world.provider.exchange(TRANSACTION, world.code())
    assert signed_in.userinfo["family_name"] == "DUBOIS"
    assert signed_in.id_claims["sub"] == signed_in.userinfo["sub"]
    assert signed_in.scopes == TRANSACTION.scopes
    assert world.calls == ["openid-configuration", "token", "jwks", "userinfo"]
    assert "DUBOIS" not in repr(signed_in)
    assert signed_in.access_token not in repr(signed_in)


async def test_a_key_is_shown_instead_of_a_secret_anew_each_time() -> None:
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    settings = replace(SETTINGS, client_secret="", client_auth=ClientAuth.PRIVATE_KEY_JWT, client_key_pem=pem)
    world = World(settings, replace(CLIENT, client_secret="", jwks={"keys": [client_jwk(pem)]}))
    for _ in range(2):
        assert (await world.provider.exchange(TRANSACTION, world.code())).userinfo["family_name"] == "DUBOIS"
    stranger = ECKey.generate_key("P-256").as_pem(private=True)
    world.provider = OidcProvider(replace(settings, client_key_pem=stranger), world.http, lambda: world.now)
    assert (await _failure(world)).code == "token_invalid_client"


async def test_static_endpoints_need_no_discovery() -> None:
    static = replace(
        SETTINGS,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        userinfo_endpoint=f"{ISSUER}/userinfo",
        jwks_uri=f"{ISSUER}/jwks",
    )
    world = World(static)
    await world.provider.exchange(TRANSACTION, world.code())
    assert "openid-configuration" not in world.calls
    assert await world.provider.end_session_url("t", "s") is None


async def test_logout_carries_the_hint_the_return_and_the_state(world: World) -> None:
    url = urlsplit(await world.provider.end_session_url("token", "state") or "")
    assert url.path == "/api/v2/session/end"
    assert parse_qs(url.query) == {
        "id_token_hint": ["token"],
        "post_logout_redirect_uri": [SETTINGS.post_logout_redirect_uri],
        "state": ["state"],
    }


async def test_keys_are_cached_and_fetched_again_after_ten_minutes(world: World) -> None:
    for _ in range(2):
        await world.provider.exchange(TRANSACTION, world.code())
    assert world.calls.count("jwks") == 1
    world.now += 601
    await world.provider.exchange(TRANSACTION, world.code())
    assert world.calls.count("jwks") == 2


async def test_a_key_replaced_under_the_same_label_is_fetched_at_once(world: World) -> None:
    await world.provider.exchange(TRANSACTION, world.code())
    world.now += 11
    world.fc.tokens.rotate_keys()
    await world.provider.exchange(TRANSACTION, world.code())
    assert world.calls.count("jwks") == 2


async def test_keys_are_never_fetched_twice_within_ten_seconds(world: World) -> None:
    await world.provider.exchange(TRANSACTION, world.code())
    world.fc.tokens.rotate_keys()
    for _ in range(5):
        assert (await _failure(world)).code == "token_signature"
    assert world.calls.count("jwks") == 1


async def test_an_unknown_label_is_looked_up_once(world: World) -> None:
    world.fc.faults.id_token_raw = lambda token: _with_header(token, {"alg": "ES256", "kid": "new"})
    await_code = await _failure(world)
    assert await_code.code == "token_key_unknown"
    assert world.calls.count("jwks") == 1
    world.now += 11
    assert (await _failure(world)).code == "token_key_unknown"
    assert world.calls.count("jwks") == 2


def _with_header(token: str, header: dict[str, Any]) -> str:
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join([head, *token.split(".")[1:]])


async def test_the_last_good_keys_survive_an_outage_of_the_key_set(world: World) -> None:
    await world.provider.exchange(TRANSACTION, world.code())
    world.now += 601
    world.replace["jwks"] = lambda request: httpx.Response(500)
    signed_in = await world.provider.exchange(TRANSACTION, world.code())
    assert signed_in.userinfo["family_name"] == "DUBOIS"


async def test_without_any_key_the_provider_is_down(world: World) -> None:
    world.replace["jwks"] = lambda request: httpx.Response(500)
    failure = await _failure(world)
    assert isinstance(failure, DependencyFailed)
    assert failure.dependency == "franceconnect"


async def test_a_code_used_twice_is_refused_with_the_reference_that_support_asks_for(world: World) -> None:
    code = world.code()
    await world.provider.exchange(TRANSACTION, code)
    failure = await _failure(world, code)
    assert failure.code == "token_invalid_grant"
    assert isinstance(failure, LoginFailed)
    assert failure.reference.startswith("Y0416228 ")


async def test_a_code_dies_after_thirty_seconds(world: World) -> None:
    code = world.code()
    world.now += 31
    failure = await _failure(world, code)
    assert isinstance(failure, LoginFailed)
    assert failure.reference.startswith("Y043F0A8 ")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(500, text="<html>"), "token_500"),
        (httpx.Response(200, text="<html>"), "token_response_malformed"),
        (httpx.Response(200, content=b"x" * 70_000), "provider_answer_too_large"),
        (httpx.Response(302, headers={"location": "https://evil.example"}), "token_302"),
        (httpx.Response(400, json={"error": "<script>"}), "token_refused"),
    ],
)
async def test_a_token_endpoint_that_misbehaves_ends_the_login(world: World, answer: httpx.Response, code: str) -> None:
    world.replace["token"] = lambda request: answer
    assert (await _failure(world)).code == code


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [(httpx.ReadTimeout("x"), "provider_timeout", 504), (httpx.ConnectError("x"), "provider_unreachable", 503)],
)
async def test_a_provider_that_does_not_answer_is_a_dependency(
    world: World, error: Exception, code: str, status: int
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    world.replace["userinfo"] = fail
    failure = await _failure(world)
    assert (failure.code, failure.status) == (code, status)


async def test_a_plain_json_userinfo_is_refused(world: World) -> None:
    world.fc.faults.userinfo_type = "application/json"
    assert (await _failure(world)).code == "userinfo_not_signed"


async def test_a_userinfo_about_somebody_else_is_refused(world: World) -> None:
    world.fc.faults.userinfo = lambda claims: claims | {"sub": "c" * 64 + "v1"}
    assert (await _failure(world)).code == "userinfo_sub"


async def test_a_refused_access_token_says_so(world: World) -> None:
    world.fc.faults.userinfo_status = 401
    assert (await _failure(world)).code == "userinfo_invalid_token"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"issuer": "https://evil.example"}, "provider_metadata_issuer"),
        ({"issuer": ISSUER}, "provider_metadata_endpoint"),
        ({"issuer": ISSUER, "authorization_endpoint": "http://evil.example/a"}, "provider_metadata_endpoint"),
        ([], "provider_document_malformed"),
    ],
)
async def test_metadata_that_is_not_our_issuers_is_refused(world: World, document: Any, code: str) -> None:
    world.replace["openid-configuration"] = lambda request: httpx.Response(200, json=document)
    with pytest.raises(DependencyFailed, match=code):
        await world.provider.authorization_url(TRANSACTION)


async def test_the_client_follows_nothing_and_keeps_nothing() -> None:
    async with http_client(SETTINGS) as client:
        assert not client.follow_redirects
        assert not client.trust_env
        assert client.timeout.connect == 3
