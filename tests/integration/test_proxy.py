"""Through the gateway and back: bodies, streams, failures, several hosts, the other ways to ask CAF."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import httpx
import pytest

from gateway.core.model import SessionId
from gateway.sandbox.identities import MATCHING, UNKNOWN, SandboxIdentity, identities
from gateway.web.cookies import Cookies
from tests.browser import Person
from tests.world import World, running

pytestmark = pytest.mark.usefixtures("lane")

JSON = {"accept": "application/json", "sec-fetch-mode": "cors"}


@pytest.fixture
def parent(world: World) -> Person:
    person = world.person()
    world.sign_in(person, "/compte/", MATCHING)
    return person


def test_a_body_is_covered_by_its_digest_and_arrives_whole(world: World, parent: Person) -> None:
    answer = parent.client.post("/compte/envoi?x=%E9&y[]=1", content=b"a=1&b=2", headers=JSON).json()
    assert answer["signature"] == "valid"
    assert answer["claims"]["bodm"] == "digest"
    assert answer["claims"]["htp"] == "/compte/envoi?x=%E9&y[]=1"
    assert answer["headers"]["content-length"] == "7"


def test_a_chunked_body_is_covered_too(world: World, parent: Person) -> None:
    answer = parent.client.post("/compte/", content=iter([b"a" * 10, b"b" * 10]), headers=JSON).json()
    assert (answer["signature"], answer["claims"]["bodm"]) == ("valid", "digest")


def test_a_body_over_the_limit_streams_and_says_that_it_is_unbound(world: World, parent: Person) -> None:
    body = b"x" * 1_500_000
    answer = parent.client.post("/compte/", content=body, headers=JSON).json()
    assert (answer["signature"], answer["claims"]["bodm"]) == ("valid", "unbound")
    assert answer["headers"]["content-length"] == str(len(body))


def test_a_request_without_a_body_says_so(world: World, parent: Person) -> None:
    assert parent.client.get("/compte/", headers=JSON).json()["claims"]["bodm"] == "empty"


def test_forged_headers_never_reach_the_application_on_any_route(world: World, parent: Person) -> None:
    forged = {
        "X-Usager-Nom": "FORGED",
        "x_usager_nom": "FORGED",
        "X.Usager.Nom": "FORGED",
        "HTTP_X_USAGER_NOM": "FORGED",
        "Remote-User": "FORGED",
        "X-Caf-Tranche": "FORGED",
        "X-Gateway-Assertion": "FORGED",
        "X-Original-URL": "/FORGED",
        "X-Forwarded-For": "6.6.6.6",
    }
    for path in ("/", "/compte/", "/cantine/justificatif"):
        for client in (parent.client, httpx.Client(base_url=world.url)):
            answer = client.get(path, headers=forged | JSON)
            assert "FORGED" not in answer.text
            assert "6.6.6.6" not in answer.text
            if client is not parent.client:
                client.close()


def test_the_gateways_own_cookies_stay_with_the_gateway(world: World, parent: Person) -> None:
    parent.client.cookies.set("app", "1")
    answer = parent.client.get("/compte/", headers=JSON).json()
    assert answer["headers"]["cookie"] == "app=1"


def test_a_folder_is_asked_for_with_its_slash(world: World) -> None:
    answer = httpx.get(world.url + "/cantine?a=1")
    assert (answer.status_code, answer.headers["location"]) == (308, "/cantine/?a=1")
    assert httpx.post(world.url + "/cantine").status_code == 404


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /pub/%2e%2e/compte/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /compte/..;/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET //compte/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Host\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 120 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"b" * 40_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n", 200),
    ],
)
def test_what_has_two_readings_is_refused_on_the_wire(world: World, raw: bytes, status: int) -> None:
    port = httpx.URL(world.url).port or 0
    with socket.create_connection(("127.0.0.1", port), 5) as wire:
        wire.sendall(raw)
        assert wire.recv(65_536).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_trailer_is_never_a_header(world: World) -> None:
    port = httpx.URL(world.url).port or 0
    raw = (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\na\r\n0\r\nX-Usager-Nom: FORGED\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), 5) as wire:
        wire.sendall(raw)
        answer = b""
        while b"path" not in answer:
            answer += wire.recv(65_536)
    assert b"FORGED" not in answer
    assert b"200 OK" in answer


def _down() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_an_application_that_is_down_is_said_without_its_address(tmp_path: Path) -> None:
    down = _down()  # held until the end: the port would be another test's otherwise
    address = next(down)
    routes = f'  - {{path: /bas/, upstream: "{address}", policy: public}}\n'
    with running(tmp_path, routes=routes) as world:
        page = world.person().visit("/bas/")
        assert page.status == 502
        assert "ne répond pas" in page.text
        assert "Référence" in page.text
        assert address.rpartition(":")[2] not in page.text
        problem = httpx.get(world.url + "/bas/", headers={"accept": "application/json"}).json()
        assert problem["code"] == "upstream_connect"


def test_a_body_over_the_routes_limit_is_413(tmp_path: Path) -> None:
    routes = '  - {path: /petit/, upstream: "UPSTREAM", policy: public, max_body_bytes: 10}\n'
    with running(tmp_path, routes=routes) as world:
        assert httpx.post(world.url + "/petit/", content=b"x" * 11, headers=JSON).status_code == 413
        assert httpx.post(world.url + "/petit/", content=iter([b"x" * 11]), headers=JSON).status_code == 413
        assert httpx.post(world.url + "/petit/", content=b"x" * 10, headers=JSON).status_code == 200


def test_prefixes_are_taken_away_and_added(tmp_path: Path) -> None:
    routes = '  - {path: /app/, upstream: "UPSTREAM", policy: public, strip_prefix: /app, add_prefix: /v2}\n'
    with running(tmp_path, routes=routes) as world:
        answer = httpx.get(world.url + "/app/page?a=1", headers=JSON).json()
        assert (answer["path"], answer["claims"]["htp"], answer["signature"]) == (
            "/v2/page",
            "/v2/page?a=1",
            "anonymous",
        )
        assert httpx.get(world.url + "/app/", headers=JSON).json()["path"] == "/v2/"


def test_a_route_may_allow_what_an_old_application_needs(tmp_path: Path) -> None:
    routes = '  - {path: /java/, upstream: "UPSTREAM", policy: public, allow_in_path: [semicolon]}\n'
    with running(tmp_path, routes=routes) as world:
        answer = httpx.get(world.url + "/java/page;jsessionid=1", headers=JSON).json()
        assert answer["claims"]["htp"] == "/java/page;jsessionid=1"
        assert httpx.get(world.url + "/page;jsessionid=1").status_code == 400


def test_a_value_that_the_encoding_cannot_carry_refuses_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = identities()[MATCHING]
    renamed = replace(someone, claims={**someone.claims, "family_name": "CŒUR"})
    monkeypatch.setitem(cast("dict[str, SandboxIdentity]", identities()), MATCHING, renamed)
    routes = '  - {path: /latin/, upstream: "UPSTREAM", policy: latin}\n'
    policy = (
        "purpose: Essai\nlegal_basis: mission\nretention: session\nlogin: {acr: eidas1}\nencoding: latin-1\n"
        "alternative: {url: /accueil, text: Accueil}\ninject: {X-Nom: identity.birth_name}\n"
    )
    with running(tmp_path, routes=routes, policies={"latin": policy}) as world:
        person = world.person()
        page = world.sign_in(person, "/latin/", MATCHING)
        assert page.status == 502
        assert '"code": "value_not_latin1"' in world.logs.getvalue()


def test_an_upstream_that_answers_without_end_is_cut_and_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        routes = f'  - {{path: /coupe/, upstream: "http://127.0.0.1:{server.getsockname()[1]}", policy: public}}\n'
        with running(tmp_path, routes=routes) as world, httpx.Client() as client:

            def answer() -> None:
                wire, _ = server.accept()
                wire.recv(65_536)
                wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                wire.close()

            threading.Thread(target=answer, daemon=True).start()
            with pytest.raises(httpx.RemoteProtocolError):
                client.get(world.url + "/coupe/")
            assert "upstream_cut" in world.logs.getvalue()


SECOND_HOST = '  - {host: 127.0.0.1, path: /enfance/, upstream: "UPSTREAM", policy: cantine}\n'


def test_a_login_is_carried_to_another_host_and_back(tmp_path: Path) -> None:
    with running(tmp_path, routes=SECOND_HOST) as world:
        other = world.url.replace("localhost", "127.0.0.1")
        person = world.person()
        login = person.visit(other + "/enfance/?a=1")
        assert login.url.startswith(world.url + "/_gateway/login")
        choice = person.press(login, "S’identifier avec")
        review = person.press(world.choose(person, choice, MATCHING), "Continuer")
        assert review.url.startswith(other + "/_gateway/review")
        page = person.press(review, "Continuer")
        assert page.url == other + "/enfance/?a=1"
        assert "Signature valide" in page.text


def test_a_ticket_to_another_host_is_worthless_in_another_browser(tmp_path: Path) -> None:
    with running(tmp_path, routes=SECOND_HOST) as world:
        other = world.url.replace("localhost", "127.0.0.1")
        person, thief = world.person(), world.person()
        choice = person.press(person.visit(other + "/enfance/"), "S’identifier avec")
        person.press(world.choose(person, choice, MATCHING), "Continuer")
        arrival = next(str(answer.url) for answer in person.seen if answer.url.path == "/_gateway/arrive")
        assert thief.visit(arrival).status == 400
        assert person.visit(arrival).status == 400


def test_identity_mode_asks_with_the_names_and_once(tmp_path: Path) -> None:
    changes = {"mode: franceconnect ": "mode: identity\n    token: {env: API_PARTICULIER_TOKEN} "}
    with running(tmp_path, changes=changes) as world:
        parent = world.person()
        page = parent.press(world.sign_in(parent, "/cantine/", MATCHING), "Continuer")
        assert "Signature valide" in page.text
        assert "T3" in page.text
        parent.visit("/cantine/")
        assert world.api.calls == 1
        unknown = world.person()
        assert world.sign_in(unknown, "/cantine/", UNKNOWN).status == 403


def test_identity_mode_asks_again_a_minute_after_an_outage(tmp_path: Path) -> None:
    changes = {"mode: franceconnect ": "mode: identity\n    token: {env: API_PARTICULIER_TOKEN} "}
    with running(tmp_path, changes=changes) as world:
        world.api.faults.next_status = 504
        parent = world.person()
        assert world.sign_in(parent, "/cantine/", MATCHING).status == 403
        assert parent.visit("/cantine/").status == 403
        world.clock.ahead_s += 61
        assert parent.visit("/cantine/").path.startswith("/_gateway/review")


def test_a_store_that_fails_opens_nothing_and_loses_no_public_page(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    with running(tmp_path) as world:
        assert httpx.get(world.url + "/_gateway/health/ready").status_code == 503
        assert httpx.get(world.url + "/_gateway/health/live").status_code == 200
        assert world.person().visit("/").status == 200
        person = world.person()
        page = person.press(person.visit("/compte/"), "S’identifier avec")
        assert page.status == 503
        assert "momentanément indisponible" in page.text
        ticket = Cookies(world.url, world.settings.sessions.secrets).set_session(SessionId("a" * 64))
        answer = httpx.get(world.url + "/compte/", headers=JSON | {"cookie": ticket.partition(";")[0]})
        assert (answer.status_code, answer.json()["code"]) == (503, "session_store_unavailable")
