"""The way to the applications: one client for all routes, over connections of our own.

There is no cookie jar, no redirect, no proxy of the environment and no decompression, because nothing here has them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable

from gateway.adapters.upstream.balance import Choice, Group, Member, Only
from gateway.adapters.upstream.exchange import Exchange, Hub
from gateway.adapters.upstream.health import gather, watch
from gateway.adapters.upstream.pool import REST_S, Target, TargetKey, target_key
from gateway.adapters.upstream.pull import Pull
from gateway.core.rules import Route
from gateway.upstream_ports import Answer, Sending, UpstreamRequest, UpstreamResponse

SWEEP_S = 0.25
"""How late a timeout may be noticed."""


class Upstreams:
    """An `UpstreamClient`. Works without `open`, which adds the health checks; used from one event loop."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, sweep_s: float = SWEEP_S, rest_s: float = REST_S
    ) -> None:
        self._hub = Hub(clock)
        self._rest_s = rest_s
        self._sweep_s = sweep_s
        self._targets: dict[TargetKey, Target] = {}
        self._groups: dict[int, Group] = {}
        self._checks: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def start(self, request: UpstreamRequest, answer: Answer) -> Sending:
        """Written before this returns when a kept connection is free; else `answer.pause_body` is called from here."""
        group = self._groups.get(id(request.route))
        return self._begin(group or self._group(request.route), request, answer)

    async def forward(self, request: UpstreamRequest, body: AsyncIterator[bytes] | None) -> UpstreamResponse:
        pull = Pull()
        pull.begin(self.start(request, pull), body)
        return await _response(pull)

    async def open(self, routes: Iterable[Route] = ()) -> None:
        """Serve these routes from now on: at the start, and again at each reload.

        Health checks follow. Over TLS nothing older is kept, since a certificate may be new under the same name.
        """
        self._stop_checks()
        self._hub.dialler.forget()
        known, self._targets, self._groups = self._targets, {}, {}
        kept = {key: target for key, target in known.items() if target.upstream.scheme == "http"}
        for route in routes:
            for upstream in route.upstreams:
                key = target_key(upstream, route.tls)
                if key in kept:
                    self._targets[key] = kept[key]
            self._group(route)
        for question, asking in gather(self._groups.values()).items():
            self._checks.append(asyncio.create_task(watch(question, asking, self._probe)))
        for key, target in known.items():
            if self._targets.get(key) is not target:
                target.retire()

    async def close(self) -> None:
        """What is still under way is cut."""
        checks = self._checks
        self._stop_checks()
        await asyncio.gather(*checks, return_exceptions=True)
        for exchange in tuple(self._hub.under_way):
            exchange.cut()
        for target in self._targets.values():
            target.retire()
        self._targets.clear()
        self._groups.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sweep(self) -> None:
        """Fail what is overdue, close what was idle for too long."""
        now = self._hub.clock()
        for exchange in tuple(self._hub.under_way):
            exchange.check(now)
        for target in self._targets.values():
            if target.idle:
                target.sweep(now)

    def _begin(self, choice: Choice, request: UpstreamRequest, answer: Answer) -> Exchange:
        if self._timer is None:
            self._arm()
        exchange = Exchange(self._hub, choice, request, answer)
        exchange.begin()
        return exchange

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._sweep_s, self._tick)

    def _tick(self) -> None:
        """Armed again before anything can raise; not at all when there is nothing left to watch."""
        self._timer = None
        if self._hub.under_way or any(target.idle for target in self._targets.values()):
            self._arm()
        self.sweep()

    def _group(self, route: Route) -> Group:
        """The route's targets, found once; by identity, which holds as long as the group holds the route."""
        members = tuple(Member(self._target(route, index), each.weight) for index, each in enumerate(route.upstreams))
        group = self._groups[id(route)] = Group(route, members)
        return group

    def _target(self, route: Route, index: int) -> Target:
        upstream = route.upstreams[index]
        key = target_key(upstream, route.tls)
        target = self._targets.get(key)
        if target is None:
            target = self._targets[key] = Target(upstream, route.tls, self._rest_s)
        return target

    def _stop_checks(self) -> None:
        for task in self._checks:
            task.cancel()
        self._checks = []

    async def _probe(self, request: UpstreamRequest, target: Target) -> int:
        pull = Pull()
        pull.begin(self._begin(Only(target), request, pull), None)
        response = await _response(pull)
        response.close()
        return response.head.status


async def _response(pull: Pull) -> UpstreamResponse:
    try:
        head = await pull.head()
    except BaseException:
        pull.close()
        raise
    return UpstreamResponse(head, pull.pieces(), pull.close)
