"""`python -m bench.day [--people 20000] [--mode MODE …]`: the peak hour of the September enrolment, both modes."""

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from bench.day.report import as_text
from bench.day.run import day
from bench.day.world import BEHIND_A_PROXY

RESULTS = Path(__file__).resolve().parents[1] / "DAY.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.day", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--mode", action="append", choices=["franceconnect", "identity"])
    parser.add_argument("--store", default="sqlite", choices=["sqlite", "memory"])
    parser.add_argument("--write", action="store_true", help=f"write the figures to {RESULTS.name}")
    parser.add_argument("--quotas", default="{}", help="of the gateway, for a smaller day: YAML")
    parser.add_argument("--proxies", default=BEHIND_A_PROXY, help="trusted_proxies; []: everybody has one address")
    arguments = parser.parse_args()
    parts, faults = [], 0
    for mode in arguments.mode or ["franceconnect", "identity"]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(
                day(
                    mode,
                    arguments.people,
                    store=arguments.store,
                    quotas=arguments.quotas,
                    proxies=arguments.proxies,
                )
            )
        parts.append(as_text(result))
        faults += len(result.faults)
        print(parts[-1], *sorted(set(result.faults))[:10], sep="\n", flush=True)
    if arguments.write:
        RESULTS.write_text(INTRODUCTION + "\n".join(parts), encoding="utf-8")
    return 1 if faults else 0


INTRODUCTION = """# A simulated day

The peak hour of the September enrolment of a large city: `python -m bench.day --write` (see `bench/README.md`). API
Particulier sees one address, the gateway's. The people have their own, which a trusted proxy tells in
`X-Forwarded-For`: homes in IPv4 and IPv6, phones behind an operator's shared addresses, and a twentieth at the town's
counters, behind one. Real gateway, simulated FranceConnect and API Particulier over HTTP, one hand-moved clock for all.

"""

if __name__ == "__main__":
    sys.exit(main())
