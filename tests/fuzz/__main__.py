"""`python -m tests.fuzz --seconds N --seed S`: exit 1 and a reproducible case for the first difference found."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from tests.fronted import gateway_at
from tests.fuzz.grammar import Grammar, Sent
from tests.fuzz.referee import Referee
from tests.world import lanes

ROUND_S = 30.0
"""Then a fresh gateway, in the other lane or on the other event loop: what a round has written stays small."""

WAYS = [(lane, loop) for loop in (uvloop.new_event_loop, asyncio.new_event_loop) for lane in (True, False)]


@contextmanager
def _referee(*, quick_lane: bool) -> Iterator[Referee]:
    limits = "head_s: 2, idle_s: 2"
    with (
        tempfile.TemporaryDirectory() as folder,
        gateway_at(Path(folder), limits=limits, quick_lane=quick_lane) as fronted,
    ):
        cookie = fronted.cookie().removeprefix(b"Cookie: ")
        session = next(pair for pair in cookie.split(b"; ") if pair.startswith(b"gateway-session="))
        yield Referee(fronted, session)


def _round(quick_lane: bool, seed: str, go_on: Callable[[], bool], counts: Counter[str]) -> bool:
    """False once something was found; it has been printed."""
    with _referee(quick_lane=quick_lane) as referee:
        number = 0
        while go_on():
            sent = Grammar(f"{seed}/{number}").connection()
            findings = referee.judge(sent)
            if findings:
                _print(findings, sent, quick_lane=quick_lane)
                return False
            number += 1
        findings = referee.audit()
        counts.update(referee.counts)
        for finding in findings:
            print(f"after {seed}: {finding}")
        return not findings


def _print(findings: list[str], sent: Sent, *, quick_lane: bool) -> None:
    print("FOUND:", *findings, sep="\n  ")
    lane = "quick" if quick_lane else "asgi"
    case = {"lane": lane, "legal": sent.legal, "raw": sent.raw.decode("latin-1"), "cuts": sent.cuts}
    print("Save the next line and replay it with: python -m tests.fuzz --replay FILE")
    print(json.dumps(case))


def _replay(path: str) -> bool:
    case = json.loads(Path(path).read_text(encoding="utf-8"))
    sent = Sent(case["raw"].encode("latin-1"), case["cuts"], case["legal"])
    with _referee(quick_lane=case["lane"] == "quick") as referee:
        findings = referee.judge(sent) + referee.audit()
    print(*findings or ["nothing found"], sep="\n")
    return not findings


def _fuzz(seconds: float, seed: int) -> bool:
    print(f"fuzz: {seconds:.0f} s, seed {seed}", flush=True)
    deadline = time.monotonic() + seconds
    counts: Counter[str] = Counter()
    rounds = 0
    round_s = min(ROUND_S, seconds / len(WAYS))
    while time.monotonic() < deadline - 0.1:
        until = min(deadline, time.monotonic() + round_s)
        quick_lane, lanes.loop_factory = WAYS[rounds % len(WAYS)]
        if not _round(quick_lane, f"{seed}/{rounds}", lambda until=until: time.monotonic() < until, counts):  # type: ignore[misc]
            return False
        rounds += 1
    print(f"fuzz: no difference; {rounds} rounds, " + ", ".join(f"{v} {k}" for k, v in counts.items()))
    return bool(counts["forwarded"] and counts["refused"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--replay", metavar="FILE")
    given = parser.parse_args()
    return 0 if (_replay(given.replay) if given.replay else _fuzz(given.seconds, given.seed)) else 1


sys.exit(main())
