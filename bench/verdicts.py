"""What the data plane must reach, line by line, and whether a run reached it. Pure: samples in, words out."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench import plan as plans
from bench.load import Sample

_GROWTH_MB = 32
_STEADY = 1.10
"""CPU of a request, over or under the middle one."""

Tables = Callable[[str], dict[str, list[Sample]]]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of pairs measured in the same round."""

    least: float
    median: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


@dataclass(frozen=True, slots=True)
class Verdict:
    asked: str
    measured: str
    holds: bool | None
    """None: not measured."""

    @property
    def word(self) -> str:
        return "not measured" if self.holds is None else "reached" if self.holds else "**missed**"


def _per_s(sample: Sample) -> float:
    return sample.per_s


def ratio(one: Sequence[Sample], other: Sequence[Sample], of: Callable[[Sample], float] = _per_s) -> Ratio | None:
    """`one` over `other`, round by round; None when either was not measured."""
    pairs = [of(mine) / of(theirs) for mine, theirs in zip(one, other) if of(theirs)]
    return Ratio(min(pairs), statistics.median(pairs), max(pairs)) if pairs else None


def judge(table: Tables, *, optimised: bool) -> list[Verdict]:
    """Every line, in the order of the demands."""
    return [
        *_against_mod_auth_openidc(table),
        *_against_others(table),
        Verdict("the interpreter is an optimised build", "yes" if optimised else "no", optimised),
        *_large(table),
        *_forward_auth(table),
        *_stores(table),
        *_scales(table),
    ]


def _least(table: Tables, key: str, one: str, other: str, least: float, text: str = "") -> Verdict:
    samples = table(key)
    found = ratio(samples.get(one, []), samples.get(other, []))
    asked = f"{one} ≥ {least:g} × {other}{text or _at(key)}"
    return Verdict(asked, "" if found is None else str(found), None if found is None else found.median >= least)


def _at(key: str) -> str:
    return f", {key.removeprefix('c')} connections"


def _against_mod_auth_openidc(table: Tables) -> Iterator[Verdict]:
    for row, least in ((f"{plans.PROXY} (hmac)", 3), (f"{plans.PROXY} (jwt)", 2)):
        for key in ("c16", "c64", "c256"):
            yield _least(table, key, row, plans.SHM, least)
            yield _no_worse(table, key, row)
        mine = table("c256").get(row, [])
        errors = sum(sample.errors for sample in mine)
        yield Verdict(f"{row}: no error at 256 connections", str(errors) if mine else "", errors == 0 if mine else None)


def _no_worse(table: Tables, key: str, row: str) -> Verdict:
    mine, theirs = table(key).get(row, []), table(key).get(plans.SHM, [])
    asked = f"{row}: p99 no worse than {plans.SHM}{_at(key)}"
    if not mine or not theirs:
        return Verdict(asked, "", None)
    own, peer = (statistics.median(sample.p99_ms for sample in samples) for samples in (mine, theirs))
    return Verdict(asked, f"{own:.1f} ms, {peer:.1f} ms", own <= peer)


def _against_others(table: Tables) -> Iterator[Verdict]:
    for row, least in ((f"{plans.PROXY} (hmac)", 4.5), (f"{plans.PROXY} (jwt)", 3)):
        for other, times in ((plans.OAUTH2_PROXY, least), ("caddy", 1.0), ("nginx", 0.4)):
            yield _least(table, "c64", row, other, times)


def _large(table: Tables) -> Iterator[Verdict]:
    for row in plans.rows(plans.PROXY):
        for key, words in (("1m-down", ", 1 MB down"), ("1m-up", ", 1 MB up")):
            yield _least(table, key, row, "nginx", 0.9, words)
        for key, words in (("1g-down", "1 GB answers"), ("1g-up", "1 GB uploads")):
            samples = table(key).get(row, [])
            asked = f"{row}: {words} through 16 connections move memory by less than {_GROWTH_MB} MB"
            most = max((sample.memory_mb for sample in samples), default=0.0)
            clean = not any(sample.errors for sample in samples)
            yield Verdict(
                asked, f"{most:.1f} MB" if samples else "", (most < _GROWTH_MB and clean) if samples else None
            )


def _forward_auth(table: Tables) -> Iterator[Verdict]:
    for name in (plans.TCP, plans.UNIX):
        for form in plans.SIGNED:
            yield _least(table, "c64", f"{name} ({form})", plans.SHM, 2)
            yield _least(table, "c64", f"{name} ({form})", f"{plans.APP} ({form})", 1.5)


def _stores(table: Tables) -> Iterator[Verdict]:
    """CPU of the gateway's own a request, beside sessions in memory; a Redis's own CPU is told in the table."""
    for name, words, most in ((plans.PROXY, "SQLite", 1.1), (plans.REDIS, "Redis", 1.3)):
        for form in plans.SIGNED:
            mine, memory = (table("c64").get(f"{each} ({form})", []) for each in (name, plans.MEMORY))
            found = ratio(mine, memory, lambda each: each.cpu_us)
            asked = f"sessions in {words} ({form}): CPU of a request ≤ {most:g} × in memory"
            yield Verdict(asked, "" if found is None else str(found), None if found is None else found.median <= most)


def _scales(table: Tables) -> Iterator[Verdict]:
    for key, words in (
        ("routes", "from 10 to 10,000 routes"),
        ("sessions-sqlite", "from 10 to 100,000 sessions in sqlite"),
        ("sessions-memory", "from 10 to 100,000 sessions in memory"),
        ("sessions-redis", "from 10 to 100,000 sessions in redis"),
    ):
        costs = [statistics.median(each.cpu_us for each in samples) for samples in table(key).values() if samples]
        asked = f"CPU of a request constant (± 10 %) {words}"
        if len(costs) < 3:
            yield Verdict(asked, "", None)
        else:
            yield Verdict(asked, ", ".join(f"{cost:.1f} µs" for cost in costs), _steady(costs))


def _steady(costs: Sequence[float]) -> bool:
    """Within a tenth of the middle one, both ways."""
    middle = statistics.median(costs)
    return max(costs) <= middle * _STEADY and min(costs) >= middle / _STEADY
