"""The simulated API Particulier refuses what production refuses, in the same order."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.sandbox.api_particulier import SandboxApiParticulier
from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.identities import MATCHING, MISMATCHING, UNKNOWN, identities

SIRET = "13002526500013"
TOKEN = "habilitation" * 4
PATH = "/v3/dss/quotient_familial/france_connect"
EVERY = "openid identite_pivot cnaf_quotient_familial cnaf_allocataires cnaf_enfants cnaf_adresse"
CLIENT = SandboxClient("client", "s" * 64, ("https://ville.example/cb",), ())
PERSON = {
    "recipient": SIRET,
    "nomNaissance": "LEFEBVRE",
    "prenoms[]": ["ALEXIS", "GÉRÔME", "JEAN-PHILIPPE"],
    "anneeDateNaissance": "1982",
    "moisDateNaissance": "12",
    "jourDateNaissance": "27",
    "sexeEtatCivil": "F",
    "codeCogInseePaysNaissance": "99100",
    "codeCogInseeCommuneNaissance": "08480",
}

pytestmark = pytest.mark.anyio


class World:
    def __init__(self, **options: Any) -> None:
        self.now = 1_790_000_000.0
        drawn = iter(range(1, 100_000))
        self.fc = SandboxFranceConnect(
            "http://127.0.0.1/api/v2", [CLIENT], lambda: self.now, lambda: f"{next(drawn):064x}"
        )
        tokens = {TOKEN: ["cnaf_quotient_familial", "cnaf_allocataires"], "t" * 48: []}
        self.api = SandboxApiParticulier(self.fc, tokens, lambda: self.now, **options)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.api.app), base_url="http://127.0.0.1:8102")

    def fc_token(self, login: str = MATCHING, scope: str = EVERY) -> str:
        asked = {"scope": scope, "nonce": "n" * 64, "redirect_uri": "https://ville.example/cb"}
        grant = self.fc.tokens.by_code(self.fc.tokens.confirm(CLIENT, identities()[login], asked))
        assert grant is not None
        return str(self.fc.tokens.redeem(grant)["access_token"])

    async def by_franceconnect(self, token: str, **query: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return await self.http.get(PATH, params={"recipient": SIRET} | query, headers=headers)

    async def by_identity(self, token: str = TOKEN, **changes: Any) -> httpx.Response:
        query = {name: value for name, value in (PERSON | changes).items() if value is not ...}
        headers = {"authorization": f"Bearer {token}"}
        return await self.http.get("/v3/dss/quotient_familial/identite", params=query, headers=headers)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.http.aclose()


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


async def test_the_three_people_of_the_demo_get_their_three_answers(world: World) -> None:
    hers = await world.by_franceconnect(world.fc_token(MATCHING))
    assert hers.json()["data"]["allocataires"][0]["nom_naissance"] == "DUBOIS"
    somebody_elses = await world.by_franceconnect(world.fc_token(MISMATCHING))
    assert somebody_elses.json()["data"]["allocataires"][0]["nom_naissance"] == "CNAF"
    assert _code(await world.by_franceconnect(world.fc_token(UNKNOWN))) == (404, "37003")
    assert hers.headers["x-request-id"]


async def test_a_missing_scope_is_a_missing_key(world: World) -> None:
    answer = await world.by_franceconnect(world.fc_token(scope="openid identite_pivot cnaf_quotient_familial"))
    assert set(answer.json()["data"]) == {"quotient_familial"}


async def test_franceconnects_token_is_checked_before_the_recipient(world: World) -> None:
    assert _code(await world.by_franceconnect("x")) == (401, "50001")
    assert _code(await world.by_franceconnect("x" * 43, recipient="")) == (401, "50002")
    token = world.fc_token()
    world.now += 61
    assert _code(await world.by_franceconnect(token)) == (401, "50002")
    assert _code(await world.by_franceconnect(world.fc_token(scope="openid cnaf_enfants"))) == (401, "50003")
    assert _code(await world.by_franceconnect(world.fc_token(scope="openid identite_pivot"))) == (403, "00100")


@pytest.mark.parametrize(("recipient", "code"), [("", "00203"), ("123", "00210"), ("13002526500014", "00210")])
async def test_a_recipient_is_a_siret(world: World, recipient: str, code: str) -> None:
    answer = await world.by_franceconnect(world.fc_token(), recipient=recipient)
    assert _code(answer) == (422, code)
    assert answer.json()["errors"][0]["source"] == {"parameter": "recipient"}


async def test_thirty_franceconnect_calls_a_minute_and_no_more(world: World) -> None:
    for _ in range(30):
        assert (await world.by_franceconnect(world.fc_token())).status_code == 200
    refused = await world.by_franceconnect(world.fc_token())
    assert _code(refused) == (429, "00429")
    assert refused.headers["retry-after"] == "60"
    world.now += 61
    assert (await world.by_franceconnect(world.fc_token())).status_code == 200


async def test_an_identity_is_looked_up_whole(world: World) -> None:
    assert (await world.by_identity()).json()["data"]["quotient_familial"]["valeur"] == 2550
    assert (await world.by_identity(nomUsage="")).status_code == 200
    assert _code(await world.by_identity(jourDateNaissance="26")) == (404, "37003")
    assert "enfants" not in (await world.by_identity()).json()["data"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nomNaissance": "LEFŒVRE"}, "00420"),
        ({"nomNaissance": "LE’FEBVRE"}, "00420"),
        ({"nomNaissance": ...}, "00420"),
        ({"prenoms[]": ...}, "00421"),
        ({"prenoms[]": ["A", "B", "C", "D"]}, "00421"),
        ({"sexeEtatCivil": "X"}, "00366"),
        ({"codeCogInseePaysNaissance": "FR"}, "00400"),
        ({"codeCogInseeCommuneNaissance": ...}, "00365"),
        ({"inconnu": "1"}, "00401"),
        ({"recipient": ...}, "00203"),
    ],
)
async def test_a_malformed_identity_is_refused_before_the_lookup(
    world: World, changes: dict[str, Any], code: str
) -> None:
    assert _code(await world.by_identity(**changes)) == (422, code)


async def test_habilitation_tokens_and_their_quota(world: World) -> None:
    assert _code(await world.by_identity("x")) == (401, "00101")
    assert _code(await world.by_identity("t" * 48)) == (403, "00100")
    world.now += 5
    statuses = [(await world.by_identity()).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


async def test_the_number_routes_are_gone_and_a_broker_keeps_one(world: World) -> None:
    asked = {"numeroAllocataire": "4400101", "codePostal": "44100"}
    for path in ("/api/v2/composition-familiale", "/api/caf/famille"):
        gone = await world.http.get(path, params=asked)
        assert gone.status_code == 410
        assert gone.headers["content-type"].startswith("text/plain")
    broker = World(broker=True)
    async with broker.http as http:
        path, key = "/api/v2/composition-familiale", {"x-api-key": TOKEN}
        assert (await http.get(path, params=asked)).status_code == 401
        assert (await http.get(path, params=asked, headers=key)).json()["quotientFamilial"] == 600
        unknown = await http.get(path, params=asked | {"codePostal": "33000"}, headers=key)
        assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found")
