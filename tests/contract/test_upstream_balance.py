"""Several upstreams: who is asked, who is left out and for how long, who is tried next."""

import asyncio
from collections import Counter
from contextlib import ExitStack

import pytest

from gateway.adapters.upstream.balance import Group, Member
from gateway.adapters.upstream.pool import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker, Target
from gateway.core.http1.fields import CHUNKED
from gateway.core.rules import HealthCheck, Route, Timeouts, Upstream, UpstreamTls
from tests.builders import a_route
from tests.upstreams import (
    OK,
    Canary,
    Peer,
    a_client,
    a_request,
    always,
    ask,
    begin,
    canary,
    refusing_port,
    until,
)
from tests.upstreams import both_loops as anyio_backend  # noqa: F401 - a fixture

CIRCUIT_OPEN = ("upstream_circuit_open", 503)
REFUSED = ("upstream_connect", 502)


def _target(port: int = 1) -> Target:
    return Target(Upstream("http", "127.0.0.1", port), UpstreamTls())


def _group(*weights: int) -> Group:
    return Group(a_route(), tuple(Member(_target(port), weight) for port, weight in enumerate(weights)))


def _chosen(group: Group, times: int, now: float = 0) -> list[int]:
    found = [group.choose(now) for _ in range(times)]
    return [target.upstream.port for target in found if target is not None]


def _fail(breaker: Breaker, times: int, now: float = 0) -> None:
    for _ in range(times):
        breaker.failed(now)


def test_idle_upstreams_are_asked_as_often_as_their_weights_say_and_not_in_one_go() -> None:
    chosen = _chosen(_group(3, 1), 8)
    assert Counter(chosen) == {0: 6, 1: 2}
    assert chosen[:4].count(1) == 1


def test_the_upstream_with_the_fewest_requests_for_its_weight_is_asked() -> None:
    group = _group(1, 1, 4)
    for member, active in zip(group.members, (2, 1, 5), strict=True):
        member.target.active = active
    assert _chosen(group, 1) == [1]
    group.members[2].target.active = 3
    assert _chosen(group, 1) == [2]


def test_a_target_that_was_tried_is_not_chosen_again() -> None:
    group = _group(1, 1)
    first = group.choose(0)
    assert first is not None
    second = group.choose(0, (first,))
    assert second is not None
    assert second is not first
    assert group.choose(0, (first, second)) is None


def test_a_breaker_opens_only_after_several_failures_in_a_row() -> None:
    breaker = Breaker()
    _fail(breaker, FAILURES - 1)
    assert breaker.until == 0
    breaker.succeeded()
    _fail(breaker, FAILURES - 1)
    assert breaker.until == 0
    breaker.failed(0)
    assert breaker.until == FIRST_PAUSE_S


def test_many_failures_at_once_are_one_reason_to_pause() -> None:
    breaker = Breaker()
    _fail(breaker, FAILURES * 10)
    assert breaker.until == FIRST_PAUSE_S


def test_the_pause_grows_with_each_failed_probe_up_to_a_bound_and_a_success_ends_it() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    _fail(breaker, FAILURES)
    for _ in range(6):
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker.claim(now)
        breaker.failed(now)
    assert pauses == [0.5, 1.0, 2.0, 4.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    breaker.succeeded()
    assert breaker.until == 0


def test_an_open_breaker_lets_one_through_after_each_pause() -> None:
    group = _group(1)
    _fail(group.members[0].target.unreachable, FAILURES)
    assert _chosen(group, 5, now=FIRST_PAUSE_S / 2) == []
    assert _chosen(group, 5, now=FIRST_PAUSE_S) == [0]
    assert _chosen(group, 5, now=FIRST_PAUSE_S * 2) == [0]  # the probe was given up without a result


def test_an_unreachable_upstream_is_left_out_while_others_serve() -> None:
    group = _group(1, 1)
    _fail(group.members[0].target.unreachable, FAILURES)
    assert _chosen(group, 4) == [1] * 4


def test_an_upstream_with_faulty_answers_is_avoided_and_never_given_up() -> None:
    group = _group(1, 1)
    _fail(group.members[0].target.faulty, FAILURES)
    assert _chosen(group, 4) == [1] * 4
    _fail(group.members[1].target.faulty, FAILURES)
    assert len(_chosen(group, 4)) == 4


def _route(*upstreams: Upstream, **changes: object) -> Route:
    return a_route(upstreams=upstreams, **changes)


def _named(name: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name)


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_request_of_which_nothing_was_written_goes_to_another_upstream(method: str) -> None:
    async with canary(always(OK)) as app, a_client() as client:
        with refusing_port() as port:
            route = _route(Upstream("http", "127.0.0.1", port, weight=100), app.upstream)
            assert await ask(client, route, method) == (200, b"hello")


@pytest.mark.anyio
async def test_a_body_that_waited_for_the_connection_goes_to_the_other_upstream_whole() -> None:
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        received.append(await peer.request())
        await peer.say(OK)

    async with canary(script) as app, a_client() as client:
        with refusing_port() as port:
            route = _route(Upstream("http", "127.0.0.1", port, weight=100), app.upstream)
            recorder = begin(client, a_request(route, "POST", CHUNKED))
            assert recorder.sending is not None
            recorder.sending.send(b"abc")
            recorder.sending.finish()
            assert await recorder.outcome() == (200, b"hello")
            assert received[0].endswith(b"3\r\nabc\r\n0\r\n\r\n")


@pytest.mark.anyio
async def test_a_request_that_was_written_stays_where_it_was_sent() -> None:
    async def dies(peer: Peer) -> None:
        await peer.request()

    async with canary(dies) as first, canary(always(OK)) as second, a_client() as client:
        route = _route(Upstream("http", "127.0.0.1", first.port, weight=100), second.upstream)
        assert await ask(client, route) == ("upstream_broken", 502)
        assert second.connections == 0


@pytest.mark.anyio
async def test_each_upstream_is_tried_once_and_the_failure_is_told() -> None:
    async with a_client() as client:
        with ExitStack() as stack:
            ports = [stack.enter_context(refusing_port()) for _ in range(3)]
            route = _route(*(Upstream("http", "127.0.0.1", port) for port in ports))
            assert await ask(client, route) == REFUSED


@pytest.mark.anyio
async def test_a_name_that_dns_cannot_carry_is_a_failure_to_connect() -> None:
    async with a_client() as client:
        for name in ("a..b", "x" * 70):  # refused before any resolver is asked
            assert await ask(client, _route(Upstream("http", name, 80))) == REFUSED


@pytest.mark.anyio
async def test_a_dead_upstream_is_refused_at_once_after_several_failures_and_served_when_it_is_back() -> None:
    now = 0.0
    async with canary(always(OK)) as app, a_client(clock=lambda: now) as client:
        with refusing_port() as port:
            route = _route(Upstream("http", "127.0.0.1", port))
            for _ in range(FAILURES):
                assert await ask(client, route) == REFUSED
            assert await ask(client, route) == CIRCUIT_OPEN
            assert await ask(client, _route(app.upstream)) == (200, b"hello")
        server = await asyncio.start_server(app.serve, "127.0.0.1", port)
        assert await ask(client, route) == CIRCUIT_OPEN
        now = FIRST_PAUSE_S
        assert await ask(client, route) == (200, b"hello")
        assert await ask(client, route) == (200, b"hello")
        server.close()


@pytest.mark.anyio
async def test_one_address_that_breaks_an_application_does_not_close_it_to_the_others() -> None:
    async def script(peer: Peer) -> None:
        while b"/crash" not in await peer.request():
            await peer.say(OK)

    async with canary(script) as app, a_client() as client:
        route = app.route()
        for _ in range(FAILURES * 2):
            recorder = begin(client, a_request(route, "POST", target="/crash"))
            assert await recorder.outcome() == ("upstream_broken", 502)
        assert await ask(client, route) == (200, b"hello")


@pytest.mark.anyio
async def test_routes_that_name_the_same_upstream_share_its_load_and_its_connections() -> None:
    release = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while True:
            await peer.request()
            await release.wait()
            await peer.say(_named(b"first"))

    async with canary(slow) as first, canary(always(_named(b"second"))) as second, a_client() as client:
        alone, both = _route(first.upstream), _route(first.upstream, second.upstream)
        busy = [begin(client, a_request(alone)) for _ in range(2)]
        await until(lambda: first.connections == 2)
        assert [await ask(client, both) for _ in range(3)] == [(200, b"second")] * 3
        release.set()
        assert [await each.outcome() for each in busy] == [(200, b"first")] * 2
        await ask(client, alone)
        assert first.connections == 2


class Ailing:
    """Answers a health check as it feels, and everything else with its name."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.status = b"200 OK"
        self.checks: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            head = await peer.request()
            if not head.startswith(b"GET /health "):
                await peer.say(_named(self.name))
                continue
            self.checks.append(head)
            await peer.say(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % self.status)


def _checked(*apps: Canary, every_s: float = 0.02) -> Route:
    return _route(*(app.upstream for app in apps), health=HealthCheck("/health", every_s=every_s))


@pytest.mark.anyio
async def test_an_upstream_that_says_it_is_ill_is_left_out_until_it_says_it_is_well() -> None:
    ill, well = Ailing(b"ill"), Ailing(b"well")
    ill.status = b"503 Service Unavailable"
    async with canary(ill) as first, canary(well) as second, a_client() as client:
        route = _checked(first, second)
        await client.open([route])
        await until(lambda: len(ill.checks) >= 3)
        assert {await ask(client, route) for _ in range(6)} == {(200, b"well")}
        ill.status = b"200 OK"
        seen = len(ill.checks)
        await until(lambda: len(ill.checks) >= seen + 2)
        assert {await ask(client, route) for _ in range(6)} == {(200, b"well"), (200, b"ill")}
        assert ill.checks[0].startswith(b"GET /health HTTP/1.1\r\nHost: services.ville.example\r\n")


@pytest.mark.anyio
async def test_routes_that_would_ask_the_same_share_one_check_and_its_result() -> None:
    app = Ailing(b"app")
    async with canary(app) as server, a_client() as client:
        routes = [_checked(server, every_s=0.2), _checked(server, every_s=0.2)]
        await client.open(routes)
        await until(lambda: len(app.checks) == 1)
        await asyncio.sleep(0.02)
        assert len(app.checks) == 1
        app.status = b"500 Error"
        await until(lambda: len(app.checks) == 3)
        await asyncio.sleep(0.02)
        assert [await ask(client, route) for route in routes] == [CIRCUIT_OPEN] * 2


@pytest.mark.anyio
async def test_one_failed_check_is_not_enough() -> None:
    app = Ailing(b"app")
    app.status = b"500 Error"
    async with canary(app) as server, a_client() as client:
        route = _checked(server, every_s=5)
        await client.open([route])
        await until(lambda: len(app.checks) == 1)
        assert await ask(client, route) == (200, b"app")


@pytest.mark.anyio
async def test_when_every_upstream_is_ill_the_request_fails_at_once_and_reaches_none() -> None:
    app = Ailing(b"app")
    app.status = b"500 Error"
    async with canary(app) as server, a_client() as client:
        route = _checked(server)
        await client.open([route])
        await until(lambda: len(app.checks) >= 3)
        assert await ask(client, route) == CIRCUIT_OPEN


@pytest.mark.anyio
async def test_a_check_that_is_not_answered_in_time_or_refused_is_a_failure() -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.is_closed()

    async with canary(silent) as mute, canary(Ailing(b"well")) as app, a_client() as client:
        with refusing_port() as port:
            dead = Upstream("http", "127.0.0.1", port)
            check = HealthCheck("/health", every_s=0.02)
            route = _route(mute.upstream, dead, app.upstream, health=check, timeouts=Timeouts(header_s=0.2))
            await client.open([route])
            await until(lambda: mute.connections >= 3)
            assert {await ask(client, route) for _ in range(6)} == {(200, b"well")}


@pytest.mark.anyio
async def test_checks_stop_at_a_reload_that_drops_them_and_at_the_end() -> None:
    app = Ailing(b"app")
    async with canary(app) as server, a_client() as client:
        await client.open([_checked(server)])
        await until(lambda: len(app.checks) >= 2)
        await client.open([server.route()])
        await asyncio.sleep(0.01)
        seen = len(app.checks)
        await asyncio.sleep(0.06)
        assert len(app.checks) == seen
