"""`python -m bench.pages`: how long the gateway takes for each of its own pages, over loopback and HTTP.

What is measured is a whole request by one client, one at a time, after ten that warm up: an upper bound of the
rendering. The target is 10 ms. Client and gateway share one process: its processor time, beside the time on the wall,
tells a page that is slow from a machine that is busy.
"""

import statistics
import tempfile
import time
from pathlib import Path

import httpx

from gateway.sandbox.identities import MATCHING
from tests.world import running

TARGET_MS = 10.0

WARM_UP, COUNTED = 10, 200

ANYBODY = (
    "/_gateway/login?return_to=/compte/",
    "/_gateway/login?return_to=/cantine/",
    "/_gateway/login?return_to=/famille/",
    "/_gateway/login?return_to=/cantine/&facile=1",
    "/_gateway/login?return_to=/cantine/&lang=en",
    "/_gateway/callback?state=unknown&code=none",
    "/_gateway/nothing-here",
    "/_gateway/logged-out",
    "/_gateway/donnees-personnelles",
    "/_gateway/accessibilite",
    "/_gateway/cookies",
)

SIGNED_IN = (
    "/_gateway/review?return_to=/cantine/",
    "/_gateway/mes-donnees",
    "/_gateway/logout",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as world:
        rows = [_measured(world.person().client, path) for path in ANYBODY]
        person = world.person()
        world.sign_in(person, "/cantine/", MATCHING)
        rows += [_measured(person.client, path) for path in SIGNED_IN]
    print("| page | status | bytes | median ms | 99th percentile ms | median CPU ms | 99th percentile CPU ms |")
    print("|---|---|---|---|---|---|---|")
    for path, status, size, *times in rows:
        print(f"| `{path}` | {status} | {size} | {' | '.join(f'{each:.2f}' for each in times)} |")
    late = [path for path, _, _, median, *_ in rows if median > TARGET_MS]
    print(f"\n{len(rows)} pages, {len(late)} over {TARGET_MS:g} ms {' '.join(late)}".rstrip())


def _measured(client: httpx.Client, path: str) -> tuple[str, int, int, float, float, float, float]:
    wall, cpu = [], []
    for number in range(WARM_UP + COUNTED):
        began, worked = time.perf_counter(), time.process_time()
        answer = client.get(path)
        if number >= WARM_UP:
            wall.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - worked) * 1000)
    return path, answer.status_code, len(answer.content), *_middle_and_high(wall), *_middle_and_high(cpu)


def _middle_and_high(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    main()
