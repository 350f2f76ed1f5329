"""`python -m tests.soak --seconds N`: exit 1 for one wrong byte, one error without a cause, or memory that grows."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median

from gateway.sandbox.identities import identities
from tests.fronted import Fronted, gateway_process_at
from tests.processes import Gateway
from tests.soak.disturbers import Disturbers, Upstream
from tests.soak.ledger import Disturbance, Ledger, Person
from tests.soak.visitors import Visitors
from tests.world import bound_sockets

CONNECTIONS = 256
LOGINS = ("test", "avec_nom_dusage", "nom_composé", "sans_nom_dusage")
"""The last one signs out and in again, all the time."""
WARM_UP = 0.3
"""Of the time; its memory is not judged."""

GROWS_LESS_THAN_MB = 16
"""From the median of the first tenth after the warm-up to the median of the last tenth."""

_ROUTES = """
  - {path: /soak/, upstream: "http://127.0.0.1:SOAK", policy: signed-in, name: soak}
  - {path: /open/, upstream: "http://127.0.0.1:SOAK", policy: public, name: open}
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    (own,) = bound_sockets(1)
    port = own.getsockname()[1]
    own.close()
    upstream = Upstream(port)
    upstream.start()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            gateway_process_at(Path(folder), routes=_ROUTES.replace("SOAK", str(port)), limits="head_s: 2") as (
                fronted,
                gateway,
            ),
        ):
            return asyncio.run(_soak(fronted, gateway, upstream, given))
    finally:
        upstream.kill()


async def _soak(fronted: Fronted, gateway: Gateway, upstream: Upstream, given: argparse.Namespace) -> int:
    people = [await asyncio.to_thread(_signed_in, fronted, login) for login in LOGINS]
    churning = people[-1]
    nobody = Person("nobody", b"", Disturbance())
    deadline = time.monotonic() + given.seconds
    visitors = Visitors(fronted.port, fronted.authority, Ledger(), lambda: time.monotonic() < deadline)
    disturbers = Disturbers(fronted, gateway, upstream, visitors, Random(given.seed))
    everybody = [*people, nobody]
    work = [visitors.visit(everybody[n % len(everybody)], given.seed * 1000 + n) for n in range(given.connections)]
    work += [disturbers.kill_the_upstream(), disturbers.reload(), disturbers.sign_out_and_in(churning, LOGINS[-1])]
    work += [disturbers.abort_uploads(people[0]), disturbers.abort_downloads(people[1])]
    work += [disturbers.send_slowly() for _ in range(10)]
    work += [disturbers.read_slowly(people[n % 3], n) for n in range(10)]
    samples: list[float] = []
    sampler = asyncio.create_task(_sample(gateway.process.pid, samples))
    await asyncio.gather(*work)
    sampler.cancel()
    return _report(visitors.ledger, samples, given)


def _signed_in(fronted: Fronted, login: str) -> Person:
    _, cookie = fronted.person(login)
    return Person(str(identities()[login].claims["family_name"]), cookie + b"\r\n", Disturbance())


async def _sample(pid: int, samples: list[float]) -> None:
    """Resident megabytes, twice a second."""
    while True:
        status = Path(f"/proc/{pid}/status").read_text()
        samples.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
        await asyncio.sleep(0.5)


def _report(ledger: Ledger, samples: list[float], given: argparse.Namespace) -> int:
    after = samples[int(len(samples) * WARM_UP) :]
    tenth = max(1, len(after) // 10)
    first, last = median(after[:tenth]), median(after[-tenth:])
    print(f"soak: {given.seconds:.0f} s, {given.connections} connections, seed {given.seed}")
    for kind, count in sorted(ledger.counts.items()):
        print(f"  {count:>9} {kind}")
    print(f"  memory {first:.1f} MB after the warm-up, {last:.1f} MB at the end, {max(samples):.1f} MB at most")
    levels = [f"{median(samples[at : at + 20]):.0f}" for at in range(0, len(samples), max(20, len(samples) // 12))]
    print(f"  memory over time, MB: {' '.join(levels)}")
    for each in ledger.wrong:
        print(f"  WRONG: {each}")
    grew = last - first >= GROWS_LESS_THAN_MB
    if grew:
        print(f"  WRONG: memory grew by {last - first:.1f} MB")
    enough = (
        ledger.counts["right"] > given.seconds * 50 and ledger.counts["upstream kills"] and ledger.counts["logouts"]
    )
    if not enough:
        print("  WRONG: too little happened to say anything")
    return 1 if ledger.wrong or grew or not enough else 0


sys.exit(main())
