"""Asking each upstream of a route how it is, from time to time, as the route's `health` says."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.adapters.upstream.balance import Member
from gateway.core.errors import DependencyFailed
from gateway.core.rules import HealthCheck, Route
from gateway.ports import UpstreamRequest

FAILURES = 2
"""In a row, to take an upstream out; one success brings it back."""

LONGEST_S = 5.0

Probe = Callable[[UpstreamRequest, Member], Awaitable[int]]
"""One request to one member of a route, its status; `DependencyFailed` without one."""


def check_request(route: Route, member: Member, check: HealthCheck) -> UpstreamRequest:
    host = route.host if route.preserve_host else member.target.upstream.authority
    head = f"GET {check.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: gateway-health\r\nConnection: close\r\n\r\n"
    return UpstreamRequest(route, "GET", head.encode("ascii"), 0)


async def watch(route: Route, check: HealthCheck, member: Member, probe: Probe) -> None:
    """Until cancelled: 2xx and 3xx within the period (5 s at most) is well; anything else is a failure."""
    request = check_request(route, member, check)
    failures = 0
    while True:
        if await _is_well(request, member, probe, min(check.every_s, LONGEST_S)):
            failures, member.sick = 0, False
            member.target.unreachable.succeeded()
        else:
            failures += 1
            member.sick = failures >= FAILURES
        await asyncio.sleep(check.every_s)


async def _is_well(request: UpstreamRequest, member: Member, probe: Probe, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            return 200 <= await probe(request, member) < 400
    except (DependencyFailed, TimeoutError):
        return False
