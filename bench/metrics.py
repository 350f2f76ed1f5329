"""What counting costs one allowed request, with and without: `python -m bench.metrics`."""

import time
from collections.abc import Callable

from gateway.adapters.metrics.cells import Cells
from gateway.trace_ports import AuditLine, Codes

TIMES = 300_000
ROUNDS = 5

LINE = AuditLine("K7QM-2F4D", Codes("cantine", "cantine", "abc", "allow", "allowed", "verified", "fc"), "GET", 200, 4)


def _us(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(TIMES):
        work()
    return (time.perf_counter() - began) / TIMES * 1e6


def main() -> None:
    cells, waited_s = Cells(), 0.0042
    rounds = [(_us(lambda: None), _us(lambda: cells.decided(LINE, waited_s))) for _ in range(ROUNDS)]
    without, with_ = (sorted(column)[ROUNDS // 2] for column in zip(*rounds, strict=True))
    print(
        f"a call that does nothing {without:.2f} µs, one that counts {with_:.2f} µs: {with_ - without:.2f} µs a request"
    )


if __name__ == "__main__":
    main()
