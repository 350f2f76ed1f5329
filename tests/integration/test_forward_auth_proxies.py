"""The example configurations of `examples/forward-auth/`, run by the real nginx, HAProxy, Apache, Caddy and Envoy (and Traefik).

Behind each: a legacy application that verifies the assertion. Before each: a person with a browser, and worse.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from typing import Any, NamedTuple

import httpx
import pytest

from gateway.sandbox.identities import MATCHING, MISMATCHING
from tests.asking import FILES, NAVIGATION, PROGRAM, cookies_of, parent_of, through
from tests.attack.test_websocket import echo, handshake, masked
from tests.browser import Person
from tests.canary import Canary
from tests.integration.test_forward_auth import EVERY_COOKIE_OF_OURS
from tests.proxies import PROXIES, Ports, proxying, require
from tests.wire import Raw
from tests.world import World, free_port, running


class Site(NamedTuple):
    """The whole world behind a proxy; `world.url` is the proxy's own."""

    proxy: str
    world: World

    @property
    def port(self) -> int:
        return httpx.URL(self.world.url).port or 0


@pytest.fixture(scope="module", params=PROXIES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    require(request.param)
    port = free_port()
    behind = {"public_url: http://localhost:": f"public_url: http://localhost:{port} #"}
    files = FILES | {"changes": FILES["changes"] | behind}
    with running(tmp_path_factory.mktemp("world"), broker=True, **files) as world:
        upstream = world.settings.routes[0].upstreams[0]
        with proxying(request.param, Ports(port, world.settings.listen.port, upstream.port)):
            yield Site(request.param, world)


@pytest.fixture(scope="module")
def parent(site: Site) -> Person:
    return parent_of(site.world)


def _asked(site: Site, path: str, person: Person | None = None, method: str = "GET", **more: Any) -> httpx.Response:
    return through(site.world, path, person, method, **more)


def _raw(site: Site, head: str) -> bytes:
    """What comes back for these bytes, until the application has spoken or the connection ends."""
    with socket.create_connection(("127.0.0.1", site.port), 10) as wire:
        wire.sendall(head.replace("\n", "\r\n").replace("HOST", f"localhost:{site.port}").encode("latin-1"))
        received = b""
        while b'"signature"' not in received and (piece := wire.recv(65_536)):
            received += piece
            if received.startswith(b"HTTP/1.1 403 ") and b"\r\n\r\n" in received:
                break
    return received


def test_a_person_is_sent_to_the_login_and_comes_back_to_the_page(site: Site) -> None:
    person = site.world.person()
    login = person.visit("/compte/?a=1")
    assert login.path == "/_gateway/login?return_to=%2Fcompte%2F%3Fa%3D1"
    page = site.world.choose(person, person.press(login, "S’identifier avec"), MATCHING)
    arrived = person.press(page, "Continuer")
    assert (arrived.status, arrived.path) == (200, "/compte/?a=1")
    assert "Signature valide" in arrived.text


def test_the_review_is_shown_and_the_values_follow(site: Site) -> None:
    person = site.world.person()
    review = site.world.sign_in(person, "/cantine/", MATCHING)
    assert review.path.startswith("/_gateway/review")
    page = person.press(review, "Continuer")
    assert (page.path, "Signature valide" in page.text, "T3" in page.text) == ("/cantine/", True, True)
    answer = _asked(site, "/cantine/", person).json()
    assert (answer["signature"], answer["headers"]["x-caf-statut"]) == ("valid", "verified")


def test_the_application_receives_what_the_gateway_says_and_can_verify_it(site: Site, parent: Person) -> None:
    answer = _asked(site, "/compte/a~b?x=%E9&y[]=1", parent).json()
    assert (answer["signature"], answer["claims"]["bodm"]) == ("valid", "unbound")
    assert answer["claims"]["htp"] == "/compte/a~b?x=%E9&y[]=1"
    assert answer["headers"]["x-usager-nom"] == "DUBOIS"
    assert answer["headers"]["x-usager-id"] == answer["claims"]["sub"]
    client = ip_address(answer["headers"]["x-forwarded-for"])
    # For a peer on loopback Envoy writes the machine's own address.
    assert client.is_loopback or site.proxy == "envoy"
    assert answer["headers"]["host"] == f"localhost:{site.port}"


def test_a_header_that_the_policy_does_not_name_is_absent_and_not_empty(site: Site, parent: Person) -> None:
    received = _asked(site, "/compte/", parent).json()["headers"]
    assert [name for name in received if name.startswith("x-caf-")] == []
    assert {name for name in received if name.startswith("x-usager-")} == {
        "x-usager-id",
        "x-usager-nom",
        "x-usager-prenoms",
    }


def test_a_program_without_a_session_gets_a_401_and_no_redirect(site: Site) -> None:
    answer = _asked(site, "/compte/")
    assert (answer.status_code, answer.json()["code"]) == (401, "anonymous")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_public_page_needs_no_session_and_says_so_under_signature(site: Site, parent: Person) -> None:
    for person in (None, parent):
        answer = _asked(site, "/?a=1", person).json()
        assert answer["signature"] == "anonymous"
        assert [name for name in answer["headers"] if name.startswith("x-usager")] == []


NAMES = ["X-Usager-Nom", "X-Usager-Id", "X-Caf-Statut", "X-Caf-Quotient", "X-Gateway-Assertion", "X-Gateway-Signature",
         "X-Gateway-Decision", "Remote-User", "X-Remote-User", "Auth-User", "X-Auth-User", "X-Forwarded-User",
         "X-Original-Url", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Rewrite-Url", "X-Forwarded-For", "Forwarded"]  # fmt: skip


SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: name.lower(),
    lambda name: name.upper(),
    lambda name: name.swapcase(),
    lambda name: name.replace("-", "_"),
    lambda name: name.replace("-", "_", 1),
    lambda name: name.replace("-", "."),
    lambda name: name.replace("-", "-_"),
    lambda name: f"HTTP_{name.upper().replace('-', '_')}",
    lambda name: f"{name}_",
)


@pytest.mark.parametrize("path", ["/", "/compte/"])
@pytest.mark.parametrize("spell", SPELLINGS, ids=lambda spell: str(spell("X-A-b")))
def test_no_forged_identity_reaches_the_application_under_any_spelling(
    site: Site, parent: Person, spell: Callable[[str], str], path: str
) -> None:
    forged = [(spell(name), "FORGED") for name in NAMES]
    for person in (None, parent):
        for more in (forged, [*forged, *forged]):
            answer = _asked(site, path, person, headers=[*more, ("X-Legal", "kept")])
            assert "FORGED" not in answer.text
            if person or path == "/":
                assert answer.json()["headers"]["x-legal"] == "kept"
            else:
                assert answer.status_code == 401


def test_a_connection_field_takes_nothing_from_what_the_gateway_says(site: Site, parent: Person) -> None:
    nominated = [("Connection", "close, X-Usager-Nom, X-Gateway-Assertion")]
    answer = _asked(site, "/compte/", parent, headers=nominated)
    if answer.status_code == 200:
        assert (answer.json()["signature"], answer.json()["headers"]["x-usager-nom"]) == ("valid", "DUBOIS")
    else:
        assert answer.status_code == 400


def test_the_gateways_cookies_stay_with_the_gateway_and_the_applications_pass(site: Site, parent: Person) -> None:
    ours = cookies_of(parent)[0][1]
    for line in (f"a=1; {ours}; b=2", f"{ours}; a=1", f"a=1; b=gateway-session=2; {ours}"):
        received = _asked(site, "/compte/", headers=[("Cookie", line)]).json()["headers"]["cookie"]
        for pair in ours.split("; "):
            assert pair not in received
        assert "a=1" in received
        assert ("b=2" in received) == ("b=2" in line)
    assert _asked(site, "/compte/", parent).json()["headers"].get("cookie", "") == ""
    every = _asked(site, "/", headers=[("Cookie", f"a=1; {EVERY_COOKIE_OF_OURS}; b=2")]).json()
    assert every["headers"]["cookie"] == "a=1; b=2"
    assert "cookie" not in _asked(site, "/", headers=[("Cookie", EVERY_COOKIE_OF_OURS)]).json()["headers"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_passes_whole(site: Site, parent: Person, method: str) -> None:
    body = b"piece=" + b"x" * 1_500_000
    answer = _asked(site, "/compte/envoi", parent, method, content=body).json()
    assert answer["signature"] == "valid", answer
    assert answer["claims"]["htm"] == method
    assert answer["headers"]["content-length"] == str(len(body))
    chunked = _asked(site, "/compte/envoi", parent, method, content=iter([b"a" * 1000] * 5)).json()
    assert chunked["signature"] == "valid"


def test_a_body_without_a_session_reaches_nobody_and_harms_nothing(site: Site) -> None:
    answer = _asked(site, "/compte/", None, "POST", content=b"x" * 200_000)
    assert answer.status_code == 401


def test_a_head_is_answered_like_a_get(site: Site, parent: Person) -> None:
    assert _asked(site, "/compte/", parent, "HEAD").status_code == 200
    assert _asked(site, "/compte/", None, "HEAD").status_code == 401


def test_a_refusal_is_shown_as_the_gateways_own_page(site: Site) -> None:
    person = site.world.person()
    page = site.world.sign_in(person, "/majeurs/", MATCHING)
    assert (page.status, "Trop jeune." in page.text) == (403, True)
    problem = _asked(site, "/majeurs/", person)
    assert (problem.status_code, problem.headers["content-type"]) == (403, "application/problem+json")


def test_a_folder_is_asked_for_with_its_slash(site: Site) -> None:
    answer = httpx.get(f"{site.world.url}/cantine?a=1", headers=NAVIGATION, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "/cantine/?a=1")


def test_a_logout_counts_at_once(site: Site) -> None:
    person = parent_of(site.world)
    kept = cookies_of(person)
    assert _asked(site, "/compte/", headers=kept).status_code == 200
    person.press(person.visit("/_gateway/logout"), "Se déconnecter")
    assert _asked(site, "/compte/", headers=kept).status_code == 401
    assert person.visit("/compte/").path.startswith("/_gateway/login")


def test_a_session_ended_elsewhere_is_over_within_a_second(site: Site) -> None:
    person = parent_of(site.world)
    kept = cookies_of(person)
    assert _asked(site, "/compte/", headers=kept).status_code == 200
    site.world.clock.ahead_s += 30_000
    try:
        deadline = time.monotonic() + 1.5
        while _asked(site, "/compte/", headers=kept).status_code == 200:
            assert time.monotonic() < deadline
    finally:
        site.world.clock.ahead_s -= 30_000


def test_two_people_on_one_connection_never_mix(site: Site) -> None:
    alice, bob = parent_of(site.world), site.world.person()
    site.world.sign_in(bob, "/compte/", MISMATCHING)
    names = [_asked(site, "/compte/", each).json()["headers"]["x-usager-id"] for each in (alice, bob)]
    assert names[0] != names[1]
    with httpx.Client(base_url=site.world.url, trust_env=False) as shared:
        for number in range(24):
            person = (alice, bob, None)[number % 3]
            said = [*PROGRAM.items(), *(cookies_of(person) if person else [])]
            answer = shared.get("/compte/" if person else "/", headers=said).json()
            assert answer["headers"].get("x-usager-id") == (names[number % 3] if person else None)


@pytest.mark.parametrize(
    "target",
    ["/_gateway/auth", "/_gateway/auth?redirect=1", "/_gateway/%61uth", "/_gateway/auth;x", "/%5Fgateway/auth",
     "/_gateway//auth", "/_gateway/./auth", "/_gateway/x/../auth", "/_GATEWAY/auth", "//_gateway/auth",
     "/passerelle-decides"],
)  # fmt: skip
def test_nobody_outside_can_ask_the_question(site: Site, parent: Person, target: str) -> None:
    cookie = cookies_of(parent)[0][1]
    host = f"localhost:{site.port}"
    answer = _raw(
        site,
        f"GET {target} HTTP/1.1\nHost: HOST\nCookie: {cookie}\nX-Forwarded-Method: GET\nX-Forwarded-Host: {host}\n"
        "X-Forwarded-Uri: /compte/\nAccept: application/json\nConnection: close\n\n",
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"x-gateway-assertion" not in head.lower()
    assert b"x-usager" not in head.lower()
    assert b"DUBOIS" not in body


WRITTEN_ANEW = {("traefik", "/%63ompte/"): "/compte/", ("traefik", "/caf%c3%a9"): "/caf%C3%A9"}
"""Brought to the one canonical spelling before the gateway is asked: a single reading is left, and it is signed."""


@pytest.mark.parametrize(
    "target",
    ["//compte/", "/a/../compte/", "/a/%2e%2e/compte/", "/%63ompte/", "/compte;x/", "/..;/compte/", "/a%2Fcompte/",
     "/compte%5Ca", "/caf%c3%a9", "/./compte/", "/compte//", "/%252e%252e/compte/", "/?<x>"],
)  # fmt: skip
def test_a_target_with_two_readings_reaches_no_application(site: Site, parent: Person, target: str) -> None:
    cookie = cookies_of(parent)[0][1]
    ask = f"GET {target} HTTP/1.1\nHost: HOST\nCookie: {cookie}\nAccept: application/json\nConnection: close\n\n"
    answer = _raw(site, ask)
    if written := WRITTEN_ANEW.get((site.proxy, target)):
        assert f'"htp":"{written}"'.encode() in answer
        assert b'"signature":"valid"' in answer or b'"signature":"anonymous"' in answer
    else:
        assert answer[9:12] in {b"400", b"404", b"403"}, answer[:300]
        assert b'"signature"' not in answer
    good = ask.replace(target, "/compte/")
    assert b'"signature"' in _raw(site, good)


def test_a_host_that_no_route_names_is_refused(site: Site) -> None:
    answer = _raw(site, "GET / HTTP/1.1\nHost: evil.example\nAccept: application/json\nConnection: close\n\n")
    assert answer[9:12] in {b"421", b"404", b"400"}
    assert b'"signature"' not in answer


def test_a_websocket_from_a_foreign_page_reaches_no_application(site: Site, parent: Person) -> None:
    cookie = cookies_of(parent)[0][1]
    ask = (
        f"GET /salon/ HTTP/1.1\nHost: HOST\nCookie: {cookie}\nAccept: application/json\nConnection: Upgrade\n"
        "Upgrade: websocket\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\nOrigin: ORIGIN\n\n"
    )
    assert _raw(site, ask.replace("ORIGIN", "https://evil.example")).startswith(b"HTTP/1.1 403 ")
    # The application speaks no WebSocket: that it answers at all is what an allowed handshake looks like here.
    assert _raw(site, ask.replace("ORIGIN", site.world.url)).startswith(b"HTTP/1.1 200 ")


def test_a_websocket_is_open_both_ways_where_the_route_says_so(site: Site, parent: Person) -> None:
    ask = handshake(b"Cookie: " + cookies_of(parent)[0][1].encode(), b"Origin: ORIGIN", path=b"/salon/")
    ask = ask.replace(b"ORIGIN", site.world.url.encode()).replace(b"HOST", f"localhost:{site.port}".encode())
    canary, port = Canary(), free_port()
    with closing(canary), proxying(site.proxy, Ports(port, site.world.settings.listen.port, canary.port)):
        canary.forget()
        canary.script = echo
        with Raw(port) as raw:
            assert raw.send(ask).answer().status == 101
            for text in (b"bonjour", b"x" * 100):
                raw.send(masked(text))
                assert raw.exactly(2 + len(text)) == bytes([0x81, len(text)]) + text
        # A route that does not say `websocket: true`.
        with Raw(port) as raw:
            assert raw.send(ask.replace(b"/salon/", b"/compte/")).answer().status >= 400
        (seen,) = canary.seen
        assert seen.values("x-usager-id")
        assert seen.values("x-gateway-assertion")


@contextmanager
def _listening() -> Iterator[tuple[int, list[bytes]]]:
    """An application that writes down that it was reached."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    wire, _ = server.accept()
                except TimeoutError:
                    continue
                with wire:
                    heard.append(wire.recv(4096))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(server.getsockname()[1]), heard
        finally:
            done.set()
            thread.join(5)


@pytest.mark.parametrize("name", PROXIES)
def test_a_gateway_that_does_not_answer_opens_nothing(name: str) -> None:
    require(name)
    port, nobody = free_port(), free_port()
    with _listening() as (application, heard), proxying(name, Ports(port, nobody, application)):
        for path in ("/", "/compte/", "/_gateway/login"):
            began = time.monotonic()
            answer = httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=30)
            assert answer.status_code in {500, 502, 503, 504}, path
            assert time.monotonic() - began < 15
        assert heard == []
