"""One simulated day in one mode."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from bench.day.browser import Wire
from bench.day.clock import HandMovedClock
from bench.day.people import PEAK_S, Crowd, Person
from bench.day.report import Figures, figures
from bench.day.world import BEHIND_A_PROXY, PATH, running
from gateway.sandbox.identities import MATCHING

SEED = 20_260_901
BEGINS_AT = 1_788_246_000.0
"""1 September 2026, 9 h in Paris."""


async def day(
    mode: str,
    people: int,
    *,
    peak_s: float = PEAK_S,
    hours: float = 8,
    store: str = "sqlite",
    quotas: str = "{}",
    proxies: str = BEHIND_A_PROXY,
) -> Figures:
    """`people` logins within `peak_s`, then as long as anybody still waits, `hours` at most.

    `proxies`: the gateway's `trusted_proxies`; with `[]` all the people have one address, that of the proxy.
    """
    clock, began = HandMovedClock(BEGINS_AT), time.monotonic()
    wire = Wire(clock)
    with tempfile.TemporaryDirectory(prefix="day-", dir=_quick_disk()) as folder:
        where = f"sqlite:{folder}/sessions.db" if store == "sqlite" else "memory:"
        async with running(Path(folder), clock, mode, where, quotas, proxies) as world:
            crowd = Crowd(clock, wire, world.base_url, PATH, MATCHING, Random(SEED))
            tasks = _let_in(crowd, people, peak_s)
            await _watched(clock, wire, BEGINS_AT + hours * 3600)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            wire.close()
    broken = [each for each in ended if isinstance(each, Exception)]
    if broken:
        raise broken[0]
    return figures(
        mode,
        crowd.visits,
        world.api,
        requests=wire.requests,
        simulated_s=clock.now - BEGINS_AT,
        real_s=time.monotonic() - began,
    )


async def _watched(clock: HandMovedClock, wire: Wire, until: float) -> None:
    began, step_s = time.monotonic(), 900.0
    while clock.crowded and clock.now < until:
        await clock.run(min(until, clock.now + step_s))
        done = f"{(clock.now - BEGINS_AT) / 60:5.0f} min simulated, {wire.requests} requests"
        print(f"{done}, {time.monotonic() - began:.0f} s", file=sys.stderr)


def _let_in(crowd: Crowd, people: int, peak_s: float) -> list[asyncio.Task[None]]:
    chance, tasks = crowd.chance, []
    for _ in range(people):
        person = Person(crowd, crowd.clock.now + chance.random() * peak_s)
        crowd.clock.comes()
        tasks.append(asyncio.create_task(person.live()))
    return tasks


def _quick_disk() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
