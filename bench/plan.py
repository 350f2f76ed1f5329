"""What is measured: the cells, and which systems stand in each."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.load import Shape

MIB = 1 << 20

SHM, COOKIE = "mod_auth_openidc shm", "mod_auth_openidc cookie"
OAUTH2_PROXY, APP = "oauth2-proxy", "nginx auth_request + app"
PROXY, MEMORY, TCP, UNIX = "gateway", "gateway memory", "gateway under nginx TCP", "gateway under nginx Unix"
REDIS = "gateway redis"
PEERS = ("nginx", "caddy", "haproxy", SHM, COOKIE, OAUTH2_PROXY)
FORMS = ("jwt", "hmac", "none")
SIGNED = ("jwt", "hmac")
BY_METHOD = "jwt, by method"
"""The same policy with a condition on the request itself, which no decision kept from another request answers."""


def rows(name: str, forms: Sequence[str] = SIGNED) -> tuple[str, ...]:
    """Names of a system's rows, one a form."""
    return tuple(f"{name} ({form})" for form in forms)


@dataclass(frozen=True)
class Cell:
    """One table."""

    key: str
    title: str
    systems: tuple[str, ...]
    kind: str = "wrk"
    """wrk, bulk-down, bulk-up, ws or first."""
    shape: Shape = field(default_factory=Shape)
    bytes_each: int = 0
    """Of each connection, in bulk transfers."""
    rounds: int = 0
    """0: as many as the run says."""


@dataclass(frozen=True)
class Plan:
    rounds: int
    cells: tuple[Cell, ...]
    scales: bool
    """Measure the cost of many routes and of many sessions too."""

    @property
    def systems(self) -> frozenset[str]:
        return frozenset(name for cell in self.cells for name in cell.systems)


_COMPARED = ("nginx", "caddy", SHM, OAUTH2_PROXY, *rows(PROXY))
_ALL = (
    *PEERS,
    *rows(APP),
    *rows(PROXY, (*FORMS, BY_METHOD)),
    *rows(MEMORY, FORMS),
    *rows(REDIS, FORMS),
    *rows(TCP),
    *rows(UNIX),
)
_TRANSFERS = ("nginx", "caddy", "haproxy", SHM, OAUTH2_PROXY, *rows(PROXY))
_STREAMS = ("nginx", "caddy", "haproxy", OAUTH2_PROXY, *rows(PROXY))


def full(rounds: int, seconds: float) -> Plan:
    """Everything the tables of RESULTS.md show."""
    cells = [_requests(count, seconds, _ALL if count == 64 else _COMPARED) for count in (64, 1, 16, 256)]
    title = "200 B answers, 64 connections that 64 people share"
    cells.append(Cell("shared", title, _COMPARED, shape=Shape("200", 64, seconds, own=False)))
    cells.append(Cell("10k", "10 KB answers, 64 connections", _ALL, shape=Shape("10k", 64, seconds)))
    cells += _large(seconds, _TRANSFERS)
    cells += [
        Cell(
            "1g-down",
            "1 GB answers, 16 connections at once",
            ("nginx", SHM, *rows(PROXY)),
            "bulk-down",
            Shape("1g", 16),
            1024 * MIB,
            1,
        ),
        Cell(
            "1g-up",
            "1 GB uploads, 16 connections at once",
            ("nginx", SHM, *rows(PROXY)),
            "bulk-up",
            Shape("upload", 16),
            1024 * MIB,
            1,
        ),
    ]
    cells += _live(seconds, _STREAMS)
    return Plan(rounds, tuple(cells), scales=True)


def quick(rounds: int, seconds: float) -> Plan:
    """Enough to see where one stands."""
    compared = (*_COMPARED, *rows(APP), *rows(UNIX))
    few = ("nginx", *rows(PROXY, ("jwt",)))
    cells = [_requests(64, seconds, compared), *_large(seconds, few)]
    cells += [
        Cell("1g-down", "64 MB answers, 16 connections at once", few, "bulk-down", Shape("1g", 16), 64 * MIB, 1),
        Cell("1g-up", "64 MB uploads, 16 connections at once", few, "bulk-up", Shape("upload", 16), 64 * MIB, 1),
    ]
    return Plan(rounds, (*cells, *_live(seconds, few)), scales=False)


def _requests(connections: int, seconds: float, systems: tuple[str, ...]) -> Cell:
    plural = "" if connections == 1 else "s"
    title = f"200 B answers, {connections} connection{plural}"
    return Cell(f"c{connections}", title, systems, shape=Shape("200", connections, seconds))


def _large(seconds: float, systems: tuple[str, ...]) -> list[Cell]:
    return [
        Cell("1m-down", "1 MB answers, 16 connections", systems, shape=Shape("1m", 16, seconds)),
        Cell("1m-up", "1 MB uploads, 16 connections", systems, shape=Shape("upload", 16, seconds, MIB)),
    ]


def _live(seconds: float, systems: tuple[str, ...]) -> list[Cell]:
    return [
        Cell("ws", "WebSocket round trips of 32 bytes, 64 connections", systems, "ws", Shape("ws", 64, seconds)),
        Cell("first", "First byte of a stream, one connection", systems, "first", Shape("events", 1)),
    ]
