"""The sandbox is as strict as the server it stands for."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.franceconnect.rules import CLAIMS_OF
from gateway.sandbox.identities import MATCHING, MISMATCHING, UNKNOWN, identities

ISSUER = "http://127.0.0.1:8101/api/v2"
CALLBACK = "https://ville.example/_gateway/callback"
GOODBYE = "https://ville.example/_gateway/logged-out"
CLIENT = SandboxClient("client", "s" * 64, (CALLBACK,), (GOODBYE,), scopes=frozenset(CLAIMS_OF) - {"cnaf_adresse"})
ASKED = {
    "client_id": "client",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid identite_pivot cnaf_quotient_familial",
    "state": "5" * 64,
    "nonce": "n" * 64,
    "acr_values": "eidas1",
}


class World:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        drawn = iter(range(1, 10_000))
        self.fc = SandboxFranceConnect(ISSUER, [CLIENT], lambda: self.now, lambda: f"{next(drawn):064x}")
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.fc.app), base_url="http://127.0.0.1:8101")

    async def authorize(self, **changes: Any) -> httpx.Response:
        asked = {name: value for name, value in (ASKED | changes).items() if value is not ...}
        return await self.http.get("/api/v2/authorize", params=asked)

    async def code(self, login: str = MATCHING, **changes: Any) -> str:
        page = await self.authorize(**changes)
        if "/choose/" in page.text:
            uid = page.text.split("/choose/")[1][:64]
            page = await self.http.post(f"/api/v2/choose/{uid}", data={"login": login})
        uid = page.text.split("/consent/")[1][:64]
        answer = await self.http.post(f"/api/v2/consent/{uid}")
        assert answer.status_code == 303
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    async def redeem(self, issued: str, **changes: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": issued,
            "redirect_uri": CALLBACK,
            "client_id": "client",
            "client_secret": "s" * 64,
        }
        return await self.http.post("/api/v2/token", data={n: v for n, v in (form | changes).items() if v is not ...})

    async def userinfo(self, token: str) -> httpx.Response:
        return await self.http.get("/api/v2/userinfo", headers={"authorization": f"Bearer {token}"})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.http.aclose()


def _payload(token: str) -> dict[str, Any]:
    segment = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))))


@pytest.mark.anyio
async def test_a_complete_request_is_offered_identities(world: World) -> None:
    page = await world.authorize()
    assert page.status_code == 200
    assert 'value="test"' in page.text
    assert '<html lang="fr">' in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize("name", sorted(ASKED))
@pytest.mark.anyio
async def test_each_missing_parameter_is_a_page_and_no_redirect(world: World, name: str) -> None:
    page = await world.authorize(**{name: ...})
    assert page.status_code == 400
    assert "Y030007" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "x" * 43, "code_challenge_method": "S256"},
        {"login_hint": "a"},
        {"max_age": "0"},
        {"response_mode": "query"},
        {"utm_source": "x"},
        {"nonce": "n" * 21},
        {"prompt": "none"},
        {"prompt": "select_account"},
        {"prompt": ""},
        {"scope": "profile"},
        {"state": ["a", "b"]},
    ],
)
@pytest.mark.anyio
async def test_the_list_of_parameters_is_closed(world: World, changes: dict[str, Any]) -> None:
    page = await world.authorize(**changes)
    assert page.status_code == 400
    assert "Y030007" in page.text


@pytest.mark.parametrize("changes", [{"prompt": "login consent"}, {"ui_locales": "fr"}, {"nonce": "@#&" * 22}])
@pytest.mark.anyio
async def test_what_franceconnect_tolerates_is_tolerated(world: World, changes: dict[str, Any]) -> None:
    assert (await world.authorize(**changes)).status_code == 200


@pytest.mark.anyio
async def test_unknown_clients_and_addresses_get_their_own_codes(world: World) -> None:
    assert "Y04EA6EF" in (await world.authorize(client_id="other")).text
    assert "Y04C013C" in (await world.authorize(redirect_uri=CALLBACK + "/")).text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"acr_values": "eidas2"}, "invalid_acr"),
        ({"idp_hint": "x"}, "invalid_idp_hint"),
        ({"scope": "openid cnaf_adresse"}, "invalid_scope"),
    ],
)
@pytest.mark.anyio
async def test_other_errors_come_back_to_the_service(world: World, changes: dict[str, Any], error: str) -> None:
    answer = await world.authorize(**changes)
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    query = parse_qs(address.fragment if error == "unsupported_response_type" else address.query)
    assert (query["error"], query["state"], query["iss"]) == ([error], ["5" * 64], [ISSUER])


@pytest.mark.anyio
async def test_a_scope_that_nobody_knows_is_ignored(world: World) -> None:
    answer = await world.redeem(await world.code(scope="openid nothing"))
    assert answer.json()["scope"] == "openid"


@pytest.mark.anyio
async def test_the_lowest_known_level_is_taken(world: World) -> None:
    assert (await world.authorize(acr_values="eidas2 eidas1")).status_code == 200
    assert (await world.authorize(acr_values="gold")).status_code == 200


@pytest.mark.anyio
async def test_a_token_answer_has_five_members_and_the_id_token_eight_claims(world: World) -> None:
    answer = await world.redeem(await world.code())
    body = answer.json()
    assert list(body) == ["access_token", "expires_in", "id_token", "scope", "token_type"]
    assert (body["expires_in"], body["token_type"], len(body["access_token"])) == (60, "Bearer", 43)
    claims = _payload(body["id_token"])
    assert list(claims) == ["sub", "auth_time", "acr", "nonce", "aud", "exp", "iat", "iss"]
    assert len(claims["sub"]) == 66
    assert claims["exp"] == claims["iat"] + 60


@pytest.mark.anyio
async def test_userinfo_is_signed_and_holds_what_the_scopes_open(world: World) -> None:
    token = (await world.redeem(await world.code("avec_nom_dusage"))).json()["access_token"]
    answer = await world.userinfo(token)
    assert answer.headers["content-type"] == "application/jwt; charset=utf-8"
    claims = _payload(answer.text)
    assert (claims["family_name"], claims["given_name_array"]) == ("MERCIER", ["Pierre"])
    assert "preferred_username" not in claims
    assert "email" not in claims
    assert "cnaf_quotient_familial" not in claims


@pytest.mark.anyio
async def test_a_code_is_used_once_and_its_reuse_kills_the_token(world: World) -> None:
    code = await world.code()
    token = (await world.redeem(code)).json()["access_token"]
    again = await world.redeem(code)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert "Y0416228" in again.json()["error_uri"]
    assert (await world.userinfo(token)).status_code == 401


@pytest.mark.parametrize(("after_s", "status"), [(30, 200), (31, 400)])
@pytest.mark.anyio
async def test_a_code_lives_thirty_seconds(world: World, after_s: int, status: int) -> None:
    code = await world.code()
    world.now += after_s
    assert (await world.redeem(code)).status_code == status


@pytest.mark.parametrize(("after_s", "status"), [(30, 200), (31, 401)])
@pytest.mark.anyio
async def test_the_grant_lives_thirty_seconds_for_userinfo(world: World, after_s: int, status: int) -> None:
    token = (await world.redeem(await world.code())).json()["access_token"]
    world.now += after_s
    assert (await world.userinfo(token)).status_code == status


@pytest.mark.parametrize(("after_s", "known"), [(60, True), (61, False)])
@pytest.mark.anyio
async def test_the_token_lives_sixty_seconds_for_data_providers(world: World, after_s: int, known: bool) -> None:
    token = (await world.redeem(await world.code())).json()["access_token"]
    world.now += after_s
    assert (world.fc.introspect(token) is not None) is known


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"client_secret": "x"}, 401, "Y0434A7B"),
        ({"client_id": "other"}, 401, "Y0434A7B"),
        ({"code": ...}, 400, "Y048017B"),
        ({"code": "unknown"}, 400, "Y049E20B"),
        ({"redirect_uri": CALLBACK + "/"}, 400, "Y04F8199"),
        ({"grant_type": "refresh_token"}, 400, "Y048017B"),
    ],
)
@pytest.mark.anyio
async def test_a_token_request_is_refused_by_its_code(
    world: World, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = await world.redeem(await world.code(), **changes)
    assert answer.status_code == status
    assert code in answer.json()["error_uri"]


@pytest.mark.anyio
async def test_userinfo_without_a_token_and_by_post(world: World) -> None:
    assert "Y04146A2" in (await world.http.get("/api/v2/userinfo")).json()["error_uri"]
    assert (await world.http.post("/api/v2/userinfo")).status_code == 405


@pytest.mark.anyio
async def test_the_person_who_goes_back_is_access_denied(world: World) -> None:
    page = await world.authorize()
    uid = page.text.split("/back/")[1][:64]
    answer = await world.http.get(f"/api/v2/back/{uid}")
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == ["access_denied"]


@pytest.mark.parametrize(("login", "error"), [("E010008", "access_denied"), ("E010011", "temporarily_unavailable")])
@pytest.mark.anyio
async def test_an_identity_that_franceconnect_keeps_shows_its_code_and_a_way_back(
    world: World, login: str, error: str
) -> None:
    page = await world.authorize()
    uid = page.text.split("/choose/")[1][:64]
    kept = await world.http.post(f"/api/v2/choose/{uid}", data={"login": login})
    assert kept.status_code == 403
    assert f"Y{login[1:]}" in kept.text
    answer = await world.http.get(kept.text.split('href="')[1].split('"')[0])
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == [error]


@pytest.mark.anyio
async def test_a_second_login_within_half_an_hour_asks_for_the_confirmation_only(world: World) -> None:
    await world.code()
    assert "/consent/" in (await world.authorize()).text
    world.now += 1801
    assert "/choose/" in (await world.authorize()).text


@pytest.mark.anyio
async def test_the_same_person_is_one_sub_for_one_client(world: World) -> None:
    subs = [_payload((await world.redeem(await world.code())).json()["id_token"])["sub"] for _ in range(2)]
    assert subs[0] == subs[1]


@pytest.mark.anyio
async def test_logout_needs_its_hint_and_a_registered_return(world: World) -> None:
    hint = (await world.redeem(await world.code())).json()["id_token"]
    world.now += 3600
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE, "state": "x"}
    done = await world.http.get("/api/v2/session/end", params=asked)
    assert (done.status_code, done.headers["location"]) == (303, f"{GOODBYE}?state=x")
    for changes, code in (
        ({"id_token_hint": ""}, "Y030007"),
        ({"extra": "x"}, "Y030007"),
        ({"id_token_hint": "a.b.c"}, "Y045AFAE"),
        ({"post_logout_redirect_uri": "https://evil.example"}, "Y04CFAEF"),
    ):
        assert code in (await world.http.get("/api/v2/session/end", params=asked | changes)).text
    plain = await world.http.get("/api/v2/session/end", params={"id_token_hint": hint})
    assert "déconnecté" in plain.text


@pytest.mark.anyio
async def test_revocation_refuses_a_hint(world: World) -> None:
    token = (await world.redeem(await world.code())).json()["access_token"]
    form = {"token": token, "client_id": "client", "client_secret": "s" * 64}
    assert (await world.http.post("/api/v2/token/revocation", data=form | {"token_type_hint": "a"})).status_code == 400
    assert (
        await world.http.post("/api/v2/token/revocation", data=form | {"client_secret": "x" * 64})
    ).status_code == 401
    assert (await world.http.post("/api/v2/token/revocation", data=form)).status_code == 200
    assert world.fc.introspect(token) is None


@pytest.mark.anyio
async def test_metadata_and_keys_are_what_the_real_one_publishes(world: World) -> None:
    document = (await world.http.get("/api/v2/.well-known/openid-configuration")).json()
    assert document["issuer"] == ISSUER
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "introspection_endpoint" not in document
    keys = (await world.http.get("/api/v2/jwks")).json()["keys"]
    assert [(key["alg"], key["use"], "d" in key) for key in keys] == [("ES256", "sig", False), ("RS256", "sig", False)]


def test_the_three_people_of_the_demo_are_there() -> None:
    people = identities()
    assert {MATCHING, MISMATCHING, UNKNOWN} <= people.keys()
    assert people["étranger_présumé_né_jour"].claims["birthdate"] == "1992-11-01"
    assert people["prénom_composé_avec_espace"].claims["given_name_array"] == ["Jean Philippe", "Pierre", "Louis"]
