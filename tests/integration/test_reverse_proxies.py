"""The examples of `examples/reverse-proxy/`: the real nginx, Apache, Caddy and HAProxy end TLS, the gateway proxies behind them."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.sandbox.identities import MATCHING
from tests.asking import LISTED, PROGRAM
from tests.attack.test_event_streams import Events
from tests.attack.test_websocket import ACCEPT, echo, handshake, masked
from tests.authorities import Authority
from tests.browser import Person
from tests.canary import Canary, Exchange, Seen, polite
from tests.fronted import Fronted, gateway_at
from tests.processes import answering
from tests.proxies import IN_FRONT, Doors, ending_tls, require
from tests.wire import Answered, Raw
from tests.world import free_port

HOST, OTHER = "services.ville.fr", "enfance.ville.fr"
PUBLIC = {"public_url: http://localhost:": f"public_url: https://{HOST} #"}
ROUTES = f"""
  - {{host: {OTHER}, path: /, upstream: "http://127.0.0.1:CANARY", policy: public}}
"""
PROXIES = sorted(folder.name for folder in IN_FRONT.iterdir())


class AsDnsHasIt(httpx.HTTPTransport):
    """What is for the public names goes to the proxy on this machine, and its certificate is looked at."""

    def __init__(self, doors: Doors, trust: ssl.SSLContext) -> None:
        super().__init__(verify=trust, trust_env=False)
        self._ports = {"https": doors.tls, "http": doors.plain}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.host in {HOST, OTHER}:
            here = url.copy_with(host="127.0.0.1", port=self._ports[url.scheme])
            known = {**request.extensions, "sni_hostname": url.host}
            request = httpx.Request(
                request.method, here, headers=request.headers, stream=request.stream, extensions=known
            )
        return super().handle_request(request)


@dataclass(frozen=True)
class Site:
    """A proxy of that name, and what is behind it: the gateway, and a canary as its application."""

    proxy: str
    doors: Doors
    trust: ssl.SSLContext
    fronted: Fronted

    @property
    def canary(self) -> Canary:
        return self.fronted.canary

    def raw(self, name: str = HOST) -> Raw:
        return Raw(self.doors.tls, self.trust, name)

    def ask(self, head: str, *, method: str = "GET", body: bytes = b"", name: str = HOST) -> Answered:
        with self.raw(name) as raw:
            return raw.send(head.replace("\n", "\r\n").encode() + b"\r\n" + body).answer(method)

    def client(self) -> httpx.Client:
        """A program."""
        return httpx.Client(base_url=f"https://{HOST}", transport=AsDnsHasIt(self.doors, self.trust), headers=PROGRAM)


class Secured:
    """A certificate for both hosts, and who trusts it."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder / "authority", "Autorité d'essai")
        self.certificate, self.key = (Path(file).read_text(encoding="ascii") for file in authority.issue(HOST, OTHER))
        self.trust = ssl.create_default_context(cafile=authority.file)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    return Secured(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module", params=PROXIES)
def running_site(
    request: pytest.FixtureRequest, secured: Secured, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    require(request.param)
    with gateway_at(tmp_path_factory.mktemp("world"), routes=ROUTES, changes=LISTED | PUBLIC) as fronted:
        doors = Doors(free_port(), free_port(), fronted.world.settings.listen.port)
        fronted.world.transport = AsDnsHasIt(doors, secured.trust)
        with ending_tls(request.param, doors, secured.certificate, secured.key):
            yield Site(request.param, doors, secured.trust, fronted)
            # A proxy that is to end would wait for them.
            for person in fronted.world.people:
                person.client.close()


@pytest.fixture
def site(running_site: Site) -> Site:
    running_site.fronted.forget()
    return running_site


@pytest.fixture(scope="module")
def parent(running_site: Site) -> Person:
    """Somebody who has signed in through the proxy."""
    person = running_site.fronted.world.person()
    login = person.visit("/app/page?a=1")
    assert login.url == f"https://{HOST}/_gateway/login?return_to=%2Fapp%2Fpage%3Fa%3D1"
    chosen = running_site.fronted.world.choose(person, person.press(login, "S’identifier avec"), MATCHING)
    page = person.press(chosen, "Continuer")
    assert (page.status, page.url) == (200, f"https://{HOST}/app/page?a=1")
    return person


def _only(site: Site) -> Seen:
    (seen,) = site.canary.seen
    return seen


def test_who_has_signed_in_reaches_the_application_and_keeps_cookies_of_https(site: Site, parent: Person) -> None:
    assert parent.visit("/app/a~b?x=%E9&y[]=1").status == 200
    seen = _only(site)
    assert (seen.target, seen.values("x-usager-nom")) == (b"/app/a~b?x=%E9&y[]=1", [b"DUBOIS"])
    ours = [cookie for cookie in parent.client.cookies.jar if "gateway-" in cookie.name and cookie.domain == HOST]
    assert ours
    assert all(cookie.secure and cookie.name.startswith("__Host-") for cookie in ours)


def test_a_program_without_a_session_gets_the_gateways_own_401(site: Site) -> None:
    with site.client() as client:
        answer = client.get("/app/")
    assert (answer.status_code, answer.json()["code"]) == (401, "anonymous")
    assert site.canary.seen == []


def test_nothing_that_a_client_says_of_where_it_comes_from_is_believed(site: Site) -> None:
    for more in ("", "X-Forwarded-For: 198.51.100.8, 127.0.0.1\n"):
        site.ask(
            f"GET /pub/ HTTP/1.1\nHost: {HOST}\nX-Forwarded-For: 198.51.100.7\n{more}X-Forwarded-Host: evil.example\n"
            "X-Forwarded-Proto: http\nX-Forwarded-Port: 1\nX-Real-Ip: 198.51.100.7\nForwarded: for=198.51.100.7;host=evil\n"
        )
    for seen in site.canary.seen:
        said = {name: value for name, value in seen.fields if name.startswith(("x-forwarded", "forwarded"))}
        assert said["x-forwarded-for"] == b"127.0.0.1"
        assert (said["x-forwarded-host"], said["x-forwarded-proto"]) == (HOST.encode(), b"https")
        assert not any(b"198.51.100" in value or b"evil" in value for _, value in seen.fields)
    assert len(site.canary.seen) == 2


def test_each_host_has_its_own_routes(site: Site) -> None:
    answer = site.ask(f"GET /own HTTP/1.1\nHost: {OTHER}\n", name=OTHER)
    assert (answer.status, _only(site).values("host")) == (200, [OTHER.encode()])


def test_http_leads_to_https_on_the_same_host_and_address(site: Site) -> None:
    for host in (HOST, OTHER):
        answer = httpx.get(
            f"http://127.0.0.1:{site.doors.plain}/app/a~b?x=%E9", headers={"Host": host}, trust_env=False
        )
        # Caddy names a port of https that is not 443.
        assert answer.headers["location"].replace(f":{site.doors.tls}", "") == f"https://{host}/app/a~b?x=%E9"
        assert answer.status_code in {301, 308}
    assert site.canary.seen == []


@pytest.mark.parametrize("target", ["/_gateway/auth", "/_gateway/auth?redirect=1"])
def test_no_browser_can_ask_what_forward_auth_asks(site: Site, parent: Person, target: str) -> None:
    asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Host": HOST, "X-Forwarded-Uri": "/app/"}
    answer = parent.client.get(target, headers=asked)
    assert answer.status_code in {403, 404}
    assert not {"x-gateway-assertion", "x-usager-nom"} & set(answer.headers)


def test_a_websocket_is_open_both_ways_where_the_route_says_so(site: Site) -> None:
    site.canary.script = echo
    ask = handshake(b"Origin: https://HOST").replace(b"HOST", HOST.encode())
    with site.raw() as raw:
        answer = raw.send(ask).answer()
        assert (answer.status, answer.values("sec-websocket-accept")) == (101, [ACCEPT])
        for text in (b"bonjour", b"x" * 100):
            raw.send(masked(text))
            assert raw.exactly(2 + len(text)) == bytes([0x81, len(text)]) + text
    with site.raw() as raw:
        assert raw.send(ask.replace(b"/ws/", b"/pub/")).answer().status == 501
    with site.raw() as raw:
        assert (
            raw.send(ask.replace(b"Origin: https://" + HOST.encode(), b"Origin: https://evil.example")).answer().status
            == 403
        )


def test_an_upload_begins_to_arrive_before_it_is_whole(site: Site) -> None:
    piece = b"x" * 1_000_000
    with site.raw() as raw:
        raw.send(f"POST /stream/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {20 * len(piece)}\r\n\r\n".encode())
        raw.send(piece)
        site.canary.wait(lambda: len(site.canary.seen) == 1 and len(site.canary.received) > 500_000)
        for _ in range(19):
            raw.send(piece)
        assert raw.answer("POST").status == 200
    seen = _only(site)
    assert (seen.whole, len(seen.body)) == (True, 20 * len(piece))


def test_a_body_in_chunks_passes_whole(site: Site) -> None:
    with site.client() as client:
        assert client.post("/stream/", content=iter([b"a" * 1000] * 5)).status_code == 200
    assert len(_only(site).body) == 5000


def test_how_large_a_body_may_be_is_the_routes_to_say(site: Site) -> None:
    head = f"POST /narrow/ HTTP/1.1\nHost: {HOST}\nAccept: application/json\nContent-Length: 5000\n"
    answer = site.ask(head, method="POST", body=b"x" * 5000)
    assert (answer.status, answer.problem["code"]) == (413, "body_too_large")


def test_an_event_arrives_at_once(site: Site) -> None:
    site.canary.script = events = Events(chunked=True)
    with site.raw() as raw:
        raw.send(f"GET /pub/ HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode())
        raw.until(b"\r\n\r\n")
        for number in range(3):
            events.tell()
            assert raw.until(b"\n\n").endswith(b"data: %d" % number)
    # A proxy that writes nothing may not see that the client has left, and would wait at its own end.
    site.canary.drop()


@pytest.mark.parametrize("name", [HOST, "unknown.example", "127.0.0.1"])
def test_a_host_that_nobody_gave_is_refused(site: Site, name: str) -> None:
    """Whatever name the certificate was asked for."""
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    try:
        with Raw(site.doors.tls, careless, name) as raw:
            raw.send(b"GET /pub/ HTTP/1.1\r\nHost: unknown.example\r\n\r\n")
            assert raw.answer().status == 421
    except ssl.SSLError:
        assert name != HOST
    answer = httpx.get(f"http://127.0.0.1:{site.doors.plain}/", headers={"Host": "unknown.example"}, trust_env=False)
    assert site.canary.seen == []
    assert answer.status_code == 421 or "location" not in answer.headers or site.proxy == "caddy"


ODD = {
    "two hosts": f"GET /pub/ HTTP/1.1\nHost: {HOST}\nHost: {OTHER}\n",
    "two lengths": f"POST /pub/ HTTP/1.1\nHost: {HOST}\nContent-Length: 4\nContent-Length: 5\n",
    "a head over 32 KB": f"GET /pub/ HTTP/1.1\nHost: {HOST}\n" + "".join(f"X-{n}: {'x' * 7000}\n" for n in range(6)),
    "a target over 8 KB": f"GET /pub/{'x' * 9000} HTTP/1.1\nHost: {HOST}\n",
    "a path with two readings": f"GET /pub//../app/ HTTP/1.1\nHost: {HOST}\n",
    "an encoded slash": f"GET /pub/a%2Fb HTTP/1.1\nHost: {HOST}\n",
    "CONNECT": f"CONNECT {HOST}:443 HTTP/1.1\nHost: {HOST}\n",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_request_is_refused(site: Site, name: str) -> None:
    answer = site.ask(f"{ODD[name]}Connection: close\n")
    assert 400 <= answer.status < 500 or (name == "CONNECT" and answer.status == 501), answer
    assert site.canary.seen == []


def test_of_a_request_with_two_readings_the_gateway_is_told_one_or_none(site: Site) -> None:
    """RFC 9112 lets a proxy write anew what it read by the stronger of two fields (§3.2.2, §6.3)."""
    framed = f"POST /pub/ HTTP/1.1\nHost: {HOST}\nContent-Length: 4\nTransfer-Encoding: chunked\nConnection: close\n"
    site.ask(framed, method="POST", body=b"0\r\n\r\nGET /pub/smuggled HTTP/1.1\r\n\r\n")
    site.ask(f"GET https://{OTHER}/pub/ HTTP/1.1\nHost: evil.example\nConnection: close\n")
    assert all(seen.target == b"/pub/" and seen.body == b"" for seen in site.canary.seen)
    assert {value for seen in site.canary.seen for value in seen.values("host")} <= {HOST.encode(), OTHER.encode()}
    assert not site.canary.mangled


@contextmanager
def _before(proxy: str, gateway: int, secured: Secured) -> Iterator[httpx.Client]:
    """A program before a proxy that takes what listens on that port for the gateway."""
    require(proxy)
    doors = Doors(free_port(), free_port(), gateway)
    transport = AsDnsHasIt(doors, secured.trust)
    with (
        ending_tls(proxy, doors, secured.certificate, secured.key),
        httpx.Client(base_url=f"https://{HOST}", transport=transport) as client,
    ):
        yield client


def _hangs_up(exchange: Exchange) -> bool:
    """A gateway that has the whole request and dies."""
    if exchange.seen.method == "GET":
        polite(exchange)
        return False
    exchange.body()
    exchange.stream.sock.shutdown(socket.SHUT_RDWR)
    return True


@pytest.mark.parametrize("proxy", PROXIES)
def test_no_request_is_sent_twice_and_connections_are_kept(proxy: str, secured: Secured) -> None:
    with closing(Canary()) as canary, _before(proxy, canary.port, secured) as client:
        canary.forget()
        canary.script = _hangs_up
        for method, body in (("POST", b"once"), ("PUT", b"once"), ("DELETE", b"")):
            assert [client.get("/").status_code for _ in range(2)] == [200, 200]
            # Apache and HAProxy hang up as the gateway did: whether it was done is not theirs to know.
            with suppress(httpx.RemoteProtocolError):
                assert client.request(method, "/", content=body).status_code in {502, 503}
        assert [seen.method for seen in canary.seen if seen.method != "GET"] == ["POST", "PUT", "DELETE"]
        assert len({seen.connection for seen in canary.seen}) == 3


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_gateway_that_comes_back_is_served_from_at_once(proxy: str, secured: Secured) -> None:
    port = free_port()
    with _before(proxy, port, secured) as client:
        assert client.get("/").status_code in {502, 503}
        with answering("127.0.0.1", b"back", port):
            assert client.get("/").text == "back"
