"""What a provider's documents and answers can do to the gateway on their way in: addresses, sizes, time, repetition."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from gateway.adapters.oidc import OidcProvider, wire
from gateway.adapters.oidc.documents import AGAIN_S
from gateway.core.errors import DependencyFailed, GatewayError, LoginFailed
from gateway.core.model import Acr
from gateway.jose import read_json
from gateway.relying_party import ProviderSettings
from tests.contract.test_oidc_adapter import SETTINGS, TRANSACTION

pytestmark = pytest.mark.anyio

ISSUER = "https://sso.ville.example/op"
PLAIN = replace(
    SETTINGS, name="annuaire", profile="generic", issuer=ISSUER, signing_alg="RS256", acr_map={"1": Acr.EIDAS1}
)
KEY = RSAKey.generate_key(2048)
JWKS = {"keys": [{**KEY.as_dict(private=False), "use": "sig", "alg": "RS256", "kid": "key-1"}]}

Answer = Callable[[httpx.Request], httpx.Response]


def _answered(status: int, body: object = None, **headers: str) -> httpx.Response:
    """Not read yet, like what comes from a network."""
    content = httpx.ByteStream(json.dumps(body).encode())
    return httpx.Response(status, headers={"content-type": "application/json", **headers}, stream=content)


class Provider:
    """Honest in all that `answers` does not replace, by the last word of the path."""

    def __init__(self, settings: ProviderSettings = PLAIN) -> None:
        self.now = 1_790_000_000.0
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.metadata: dict[str, Any] = {
            "issuer": settings.issuer,
            **{
                name: f"{settings.issuer}/{name}"
                for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
            },
        }
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer), follow_redirects=False)
        self.client = OidcProvider(settings, http, lambda: self.now)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        what = request.url.path.rpartition("/")[2]
        honest = {
            "openid-configuration": self.metadata,
            "jwks_uri": JWKS,
            "token_endpoint": {"access_token": "a", "token_type": "Bearer", "id_token": self.signed()},
            "userinfo_endpoint": {"sub": "agent-7"},
        }
        if what in self.answers:
            return self.answers[what](request)
        return _answered(200, honest[what])

    def signed(self, head: dict[str, Any] | None = None, **changes: Any) -> str:
        now = int(self.now)
        claims = {"iss": ISSUER, "sub": "agent-7", "aud": PLAIN.client_id, "iat": now, "exp": now + 60, "acr": "1"}
        claims |= {"nonce": TRANSACTION.nonce} | changes
        head = {"alg": "RS256", "kid": "key-1"} | (head or {})
        return jws.serialize_compact(head, json.dumps(claims).encode(), KEY, algorithms=["RS256"])

    async def sign_in(self) -> str:
        return str((await self.client.exchange(TRANSACTION, "code")).id_claims["sub"])

    async def code_of_failure(self) -> str:
        with pytest.raises((LoginFailed, DependencyFailed)) as caught:
            await self.sign_in()
        failure: GatewayError = caught.value
        return failure.code


async def test_the_honest_provider_signs_in() -> None:
    assert await Provider().sign_in() == "agent-7"


# --- where its documents send us


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"]
)
@pytest.mark.parametrize(
    "address",
    [
        "http://sso.ville.example/op/jwks",
        "http://127.0.0.1:9464/metrics",
        "http://localhost/",
        "http://[::1]/",
        "file:///etc/passwd",
        "//sso.ville.example/op",
        "https:///op",
        "https://gateway:secret@sso.ville.example/op",
        "https://sso.ville.example/op#part",
        "https://sso.ville.example; script-src 'unsafe-inline'/op",
        "https://sso.ville.example,evil.example/op",
        "https://*/op",
        "https://sso.ville.example\\@evil.example/",
        "https://sso.ville.example/op jwks",
        "https://sso.ville.example/op\r\nx: y",
        "https://sso.ville.exämple/op",
        "https://sso.ville.example:99999/op",
        ["https://sso.ville.example/op"],
    ],
)  # fmt: skip
async def test_an_endpoint_that_is_no_plain_address_is_refused_whole(name: str, address: object) -> None:
    """It is asked with a token or a secret, or goes into our pages' `form-action`; loopback is ours alone to write."""
    provider = Provider()
    provider.metadata[name] = address
    assert await provider.code_of_failure() == "provider_metadata_endpoint"
    assert provider.asked == [f"{ISSUER}/.well-known/openid-configuration"]
    assert provider.client.origins == (ISSUER,)


@pytest.mark.parametrize(
    "address", ["https://login.ville.example:8443/op?tenant=a", "https://[2001:db8::1]/op", "https://10.0.0.8/op"]
)
async def test_an_endpoint_may_be_on_another_secure_origin(address: str) -> None:
    provider = Provider()
    provider.metadata["end_session_endpoint"] = address
    assert await provider.sign_in() == "agent-7"
    assert address in provider.client.origins


async def test_a_provider_on_loopback_has_its_endpoints_there() -> None:
    provider = Provider(replace(PLAIN, issuer="http://127.0.0.1:8101/op"))
    await provider.client.prepare()
    assert provider.client.origins[1].startswith("http://127.0.0.1:8101/")


@pytest.mark.parametrize("what", ["openid-configuration", "jwks_uri", "token_endpoint", "userinfo_endpoint"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_outage_and_never_followed(what: str, status: int) -> None:
    provider = Provider()
    provider.answers[what] = lambda request: _answered(status, location="http://127.0.0.1:9464/")
    assert await provider.code_of_failure() in {"provider_document_status", f"token_{status}", f"userinfo_{status}"}
    assert all(each.startswith(ISSUER) for each in provider.asked)


# --- how much, and how long


@pytest.mark.parametrize("what", ["openid-configuration", "jwks_uri", "token_endpoint", "userinfo_endpoint"])
async def test_a_compressed_answer_is_never_unpacked(what: str) -> None:
    """We asked for none (`Accept-Encoding: identity`): ten kilobytes of it are ten megabytes."""
    provider, unpacked = Provider(), json.dumps({"keys": [], "filler": " " * 8_000_000}).encode()
    packed = gzip.compress(unpacked, mtime=0)
    assert len(packed) < 60_000
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    provider.answers[what] = lambda request: httpx.Response(200, headers=headers, stream=httpx.ByteStream(packed))
    code = await provider.code_of_failure()
    assert code in {"provider_document_malformed", "token_response_malformed", "userinfo_malformed"}


class Drip(httpx.AsyncByteStream):
    """A byte now and then: never long enough without one to be a timeout of reading."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0)


@pytest.mark.parametrize("what", ["openid-configuration", "jwks_uri", "token_endpoint", "userinfo_endpoint"])
async def test_an_answer_that_drips_ends_with_the_time_for_all_of_it(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_S", 0.05)
    monkeypatch.setattr(wire, "ANSWER_BYTES_AT_MOST", 10**9)
    monkeypatch.setattr(wire, "DOCUMENT_BYTES_AT_MOST", 10**9)
    provider = Provider()
    provider.answers[what] = lambda request: httpx.Response(200, stream=Drip())
    async with asyncio.timeout(5):
        assert await provider.code_of_failure() == "provider_timeout"
    del provider.answers[what]
    provider.now += AGAIN_S
    assert await provider.sign_in() == "agent-7", "nobody else waits behind it"


# --- how often


async def test_a_key_set_that_cannot_be_had_is_asked_for_every_few_seconds_and_not_by_each_token() -> None:
    """Anybody may send logout tokens; while the keys are unknown each of them would be a call of ours."""
    provider = Provider()
    provider.answers["jwks_uri"] = lambda request: _answered(503)
    for _ in range(20):
        with pytest.raises(DependencyFailed, match="provider_document_status"):
            await provider.client.read_logout_token(provider.signed())
    assert [each for each in provider.asked if each.endswith("jwks_uri")] == [f"{ISSUER}/jwks_uri"]
    del provider.answers["jwks_uri"]
    assert await provider.sign_in() == "agent-7", "a login waits for nothing"


async def test_labels_that_nobody_knows_are_one_call_a_minute_for_tokens_that_anybody_sends() -> None:
    provider = Provider()
    assert await provider.sign_in() == "agent-7"
    provider.now += 61
    for number in range(20):
        with pytest.raises(LoginFailed, match="token_key_unknown"):
            await provider.client.read_logout_token(provider.signed({"kid": f"unknown-{number}"}))
    assert len([each for each in provider.asked if each.endswith("jwks_uri")]) == 2


@pytest.mark.parametrize("status", [408, 429])
async def test_a_provider_that_asks_for_patience_ends_no_session(status: int) -> None:
    provider = Provider()
    provider.answers["token_endpoint"] = lambda request: _answered(status, {"error": "slow_down"})
    with pytest.raises(DependencyFailed):
        await provider.client.refresh("token", "agent-7", Acr.EIDAS1)
    provider.answers["token_endpoint"] = lambda request: _answered(400, {"error": "invalid_grant"})
    with pytest.raises(LoginFailed):
        await provider.client.refresh("token", "agent-7", Acr.EIDAS1)


# --- times that are no times


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400])
@pytest.mark.parametrize("name", ["exp", "iat"])
async def test_a_time_is_a_finite_number(name: str, number: str) -> None:
    """Nothing compares with NaN: such a token would never be too old."""
    provider = Provider()
    head = json.dumps({"alg": "RS256", "kid": "key-1"}).encode()
    claims = json.loads(_payload(provider.signed()))
    text = json.dumps(claims | {name: 0}).replace(f'"{name}": 0', f'"{name}": {number}').encode()
    token = jws.serialize_compact(json.loads(head), text, KEY, algorithms=["RS256"])
    body = {"access_token": "a", "token_type": "Bearer", "id_token": token}
    provider.answers["token_endpoint"] = lambda request: _answered(200, body)
    assert await provider.code_of_failure() in {"token_payload", f"claim_type_{name}"}


def _payload(token: str) -> bytes:
    return jws.deserialize_compact(token, KEY, algorithms=["RS256"]).payload


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
async def test_not_a_number_is_no_json(constant: str) -> None:
    with pytest.raises(LoginFailed, match="malformed"):
        read_json(b'{"a": %b}' % constant.encode(), "malformed")
    assert read_json(b'{"a": 1.5e3}', "malformed") == {"a": 1500.0}
