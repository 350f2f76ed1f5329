"""TLS towards an application: who it must be, who we are, and how an answer may end."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.core.rules import Route, Timeouts, Upstream, UpstreamTls
from tests.authorities import Authority
from tests.upstreams import OK, Canary, Peer, Script, a_client, a_request, always, ask, begin, canary
from tests.upstreams import both_loops as anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio

REFUSED = ("upstream_tls", 502)
NAME = "app.mairie.test"


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours", "Ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "theirs", "Theirs")


def _serving(authority: Authority, name: str = NAME, *, clients: Authority | None = None) -> ssl.SSLContext:
    context = authority.serving(name)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.file)
    return context


def _route(app: Canary, tls: UpstreamTls, **changes: object) -> Route:
    return app.route(upstreams=(Upstream("https", "127.0.0.1", app.port),), tls=tls, **changes)


async def _outcome(server: ssl.SSLContext, tls: UpstreamTls, script: Script | None = None) -> object:
    async with canary(script or always(OK), tls=server) as app, a_client() as client:
        return await ask(client, _route(app, tls))


async def test_an_application_with_the_right_authority_and_name_is_served_and_its_connection_kept(
    ours: Authority,
) -> None:
    async with canary(always(OK), tls=_serving(ours)) as app, a_client() as client:
        route = _route(app, UpstreamTls(ca_file=ours.file, server_name=NAME))
        assert [await ask(client, route) for _ in range(3)] == [(200, b"hello")] * 3
        assert app.connections == 1


async def test_the_name_asked_for_is_the_name_that_was_configured(ours: Authority) -> None:
    asked: list[str | None] = []
    server = _serving(ours)
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    assert await _outcome(server, UpstreamTls(ca_file=ours.file, server_name=NAME)) == (200, b"hello")
    assert asked == [NAME]


@pytest.mark.parametrize("name", ["other.mairie.test", "mairie.test", ""])
async def test_a_certificate_for_another_name_is_refused(ours: Authority, name: str) -> None:
    assert await _outcome(_serving(ours), UpstreamTls(ca_file=ours.file, server_name=name)) == REFUSED


async def test_a_certificate_of_another_authority_is_refused(ours: Authority, theirs: Authority) -> None:
    assert await _outcome(_serving(theirs), UpstreamTls(ca_file=ours.file, server_name=NAME)) == REFUSED


async def test_a_private_authority_must_be_named_to_be_believed(ours: Authority) -> None:
    assert await _outcome(_serving(ours), UpstreamTls(server_name=NAME)) == REFUSED


async def test_a_file_that_cannot_be_read_is_a_failure_of_tls(ours: Authority, tmp_path: Path) -> None:
    assert await _outcome(_serving(ours), UpstreamTls(ca_file=str(tmp_path / "none.pem"))) == REFUSED


async def test_our_certificate_is_shown_to_an_application_that_asks_for_it(ours: Authority, theirs: Authority) -> None:
    seen: list[object] = []

    async def script(peer: Peer) -> None:
        certificate = peer.writer.get_extra_info("peercert")
        seen.append(certificate["subject"])
        await always(OK)(peer)

    cert, key = theirs.issue("gateway.test")
    tls = UpstreamTls(ca_file=ours.file, client_cert=cert, client_key=key, server_name=NAME)
    assert await _outcome(_serving(ours, clients=theirs), tls, script) == (200, b"hello")
    assert seen == [((("commonName", "gateway.test"),),)]


async def test_without_our_certificate_that_application_is_a_failure_of_tls(ours: Authority, theirs: Authority) -> None:
    """In TLS 1.3 it says so after our handshake, when the request is on its way; asyncio's server would say nothing."""
    context = _serving(ours, clients=theirs)

    async def refuse(peer: Peer) -> None:
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(received, to_send, server_side=True)
        refused = False
        while not refused:
            received.write(await peer.reader.read(65_536))
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                refused = True
            await peer.say(to_send.read())
        await peer.is_closed()

    async with canary(refuse) as app, a_client() as client:
        route = _route(app, UpstreamTls(ca_file=ours.file, server_name=NAME))
        assert await ask(client, route) == REFUSED


async def test_a_key_under_a_password_is_refused_and_nobody_is_asked_for_it(ours: Authority) -> None:
    cert, key = ours.issue("gateway.test")
    loaded = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"secret")
    Path(key).write_bytes(loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed))
    tls = UpstreamTls(ca_file=ours.file, client_cert=cert, client_key=key, server_name=NAME)
    assert await _outcome(_serving(ours), tls) == REFUSED


async def test_an_application_that_does_not_speak_tls_is_a_failure_of_tls(ours: Authority) -> None:
    async def plain(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.say(OK * 10)

    async with canary(plain) as app, a_client() as client:
        assert await ask(client, _route(app, UpstreamTls(ca_file=ours.file))) == REFUSED


async def test_a_handshake_that_never_ends_is_given_up_after_the_time_to_connect(ours: Authority) -> None:
    async def silent(peer: Peer) -> None:
        await peer.reader.read()

    async with canary(silent) as app, a_client() as client:
        route = _route(app, UpstreamTls(ca_file=ours.file), timeouts=Timeouts(connect_s=0.1))
        assert await ask(client, route) == ("upstream_connect_timeout", 504)


async def test_routes_of_different_tls_identity_never_share_a_connection(ours: Authority, theirs: Authority) -> None:
    cert, key = theirs.issue("gateway.test")
    async with canary(always(OK), tls=_serving(ours)) as app, a_client() as client:
        known = UpstreamTls(ca_file=ours.file, client_cert=cert, client_key=key, server_name=NAME)
        for tls in (known, UpstreamTls(ca_file=ours.file, server_name=NAME)):
            assert await ask(client, _route(app, tls)) == (200, b"hello")
        assert await ask(client, _route(app, UpstreamTls(server_name=NAME))) == REFUSED
        assert app.connections == 2


@pytest.mark.parametrize(("announced", "outcome"), [(True, (200, b"all of it")), (False, ("upstream_cut", 502))])
async def test_an_answer_without_a_length_is_whole_only_when_tls_says_that_it_ends(
    ours: Authority, announced: bool, outcome: object
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await asyncio.sleep(0.02)
        if not announced:
            peer.writer.transport.abort()

    assert await _outcome(_serving(ours), UpstreamTls(ca_file=ours.file, server_name=NAME), script) == outcome


async def test_large_bodies_cross_tls_both_ways(ours: Authority) -> None:
    body = bytes(range(256)) * 8_192

    async def script(peer: Peer) -> None:
        request = await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        await peer.say(request.partition(b"\r\n\r\n")[2])

    async with canary(script, tls=_serving(ours)) as app, a_client() as client:
        route = _route(app, UpstreamTls(ca_file=ours.file, server_name=NAME))
        recorder = begin(client, a_request(route, "POST", len(body)))
        assert recorder.sending is not None
        recorder.sending.send(body)
        assert await recorder.outcome() == (200, body)


async def test_a_reload_reads_renewed_certificates(ours: Authority, theirs: Authority) -> None:
    async with canary(always(OK), tls=_serving(ours)) as app, a_client() as client:
        tls = UpstreamTls(ca_file=ours.file, server_name=NAME)
        assert await ask(client, _route(app, tls)) == (200, b"hello")
        Path(ours.file).write_bytes(Path(theirs.file).read_bytes())
        await client.open([])
        assert await ask(client, _route(app, tls)) == REFUSED
