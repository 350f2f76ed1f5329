"""Asking each upstream of a route how it is, from time to time, as the route's `health` says."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from gateway.adapters.upstream.balance import Group, Member
from gateway.adapters.upstream.pool import Target
from gateway.core.errors import DependencyFailed
from gateway.core.rules import HealthCheck, Route
from gateway.upstream_ports import UpstreamRequest

FAILURES = 2
"""In a row, to take an upstream out; one success brings it back."""

LONGEST_S = 5.0

Probe = Callable[[UpstreamRequest, Target], Awaitable[int]]
"""One request to one target, its status; `DependencyFailed` without one."""


Question = tuple[HealthCheck, str, Target]
"""What is asked, under which host, of whom: routes that would ask the same share one check."""


def gather(groups: Iterable[Group]) -> dict[Question, list[tuple[Route, Member]]]:
    found: dict[Question, list[tuple[Route, Member]]] = {}
    for group in groups:
        route = group.route
        if route.health is None:
            continue
        for member in group.members:
            host = route.host if route.preserve_host else member.target.upstream.authority
            found.setdefault((route.health, host, member.target), []).append((route, member))
    return found


async def watch(question: Question, asking: list[tuple[Route, Member]], probe: Probe) -> None:
    """Until cancelled: 2xx and 3xx within the period (5 s at most) is well; anything else is a failure."""
    check, host, target = question
    head = f"GET {check.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: gateway-health\r\nConnection: close\r\n\r\n"
    request = UpstreamRequest(asking[0][0], "GET", head.encode("ascii"), 0)
    failures = 0
    while True:
        if await _is_well(request, target, probe, min(check.every_s, LONGEST_S)):
            failures = 0
            target.unreachable.succeeded()
        else:
            failures += 1
        for _, member in asking:
            member.sick = failures >= FAILURES
        await asyncio.sleep(check.every_s)


async def _is_well(request: UpstreamRequest, target: Target, probe: Probe, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            return 200 <= await probe(request, target) < 400
    except (DependencyFailed, TimeoutError):
        return False
