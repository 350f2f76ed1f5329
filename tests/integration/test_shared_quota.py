"""Two gateways of two workers each, on two addresses: one quota and one line."""

import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes import START_S, Gateway, gateway, start, stop, until
from tests.redis_servers import needs_redis, redis_server
from tests.world import secrets

A_MINUTE = 3
PEOPLE = 12


@contextmanager
def two_gateways(folder: Path, store: str, environ: dict[str, str]) -> Iterator[tuple[Gateway, list[str]]]:
    changes = {
        "mode: franceconnect ": f"quotas: {{franceconnect_per_minute: {A_MINUTE}}}\n    mode: franceconnect ",
        "store: sqlite:var/sessions.db": f"store: {store}",
    }
    with gateway(folder, workers=2, changes=changes, environ=environ) as first:
        text = first.config.read_text(encoding="utf-8").replace("listen: 127.0.0.1:", "listen: 127.0.0.2:")
        other = folder / "second.yaml"
        other.write_text(text, encoding="utf-8")
        second = start(other, environ, 2)
        try:
            until(lambda: first.said.count("Application startup complete") >= 4, START_S)
            yield first, [f"http://{address}:{first.port}" for address in ("127.0.0.1", "127.0.0.2")]
        finally:
            stop(second)


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Gateway, list[str]]]:
    with ExitStack() as stack:
        store = "sqlite:var/sessions.db"
        if request.param == "redis":
            (tmp_path / "redis").mkdir()
            store = f"redis://127.0.0.1:{stack.enter_context(redis_server(tmp_path / 'redis')).port}/0"
        yield stack.enter_context(two_gateways(tmp_path, store, secrets()))


def presses_login(address: str, port: int) -> str:
    """Where the button leads: to FranceConnect, or to a position in the line."""
    # Each its own connection: the kernel gives it to one of the workers.
    headers = {"host": f"localhost:{port}", "accept": "text/html", "sec-fetch-mode": "navigate"}
    with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=30) as client:
        page = client.get("/_gateway/login?return_to=/cantine/")
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        cookie = page.headers["set-cookie"].partition(";")[0]
        left = client.post("/_gateway/login", data=form, headers={"cookie": cookie})
        if "/authorize" in left.headers["location"]:
            return "FranceConnect"
        line = client.get(left.headers["location"], headers={"cookie": cookie})
        return str(re.findall(r"position (\d+)\.", line.text)[0])


def test_four_workers_let_out_as_many_as_one_quota_allows_and_keep_one_line(pair: tuple[Gateway, list[str]]) -> None:
    first, addresses = pair
    with ThreadPoolExecutor(PEOPLE) as pool:
        went = list(pool.map(lambda number: presses_login(addresses[number % 2], first.port), range(PEOPLE)))
    assert went.count("FranceConnect") == A_MINUTE
    positions = sorted(int(each) for each in went if each != "FranceConnect")
    assert positions == list(range(1, PEOPLE - A_MINUTE + 1))


def test_the_quota_outlives_a_restart_of_every_worker(tmp_path: Path) -> None:
    environ = secrets()
    with two_gateways(tmp_path, "sqlite:var/sessions.db", environ) as (first, addresses):
        assert [presses_login(addresses[0], first.port) for _ in range(A_MINUTE)] == ["FranceConnect"] * A_MINUTE
        first.signal(signal.SIGTERM)
        assert first.process.wait(20) == 0
        again = start(first.config, environ, 2)
        try:
            until(lambda: first.said.count("Application startup complete") >= 6, START_S)
            assert presses_login(addresses[0], first.port) == "1"
        finally:
            stop(again)
