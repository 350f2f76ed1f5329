"""A gateway whose sentinels ask for credentials of their own: from the environment to the store, and never to a log."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.identities import MATCHING
from tests.contract.test_redis_sentinel_users import ASKED, BETWEEN, THEIRS
from tests.contract.test_redis_store import ACL
from tests.processes import Gateway, gateway, get, until
from tests.redis_servers import Server, needs_redis, sentinels
from tests.world import ROOT, secrets

pytestmark = needs_redis

WRONG = "not-what-sentinels-ask"
SERVER = "right"


@pytest.fixture(scope="module")
def watchers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    with sentinels(tmp_path_factory.mktemp("sentinels"), ACL, watchers_own=THEIRS) as (_, running):
        yield running


def _behind(watchers: list[Server]) -> dict[str, str]:
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in watchers)
    written = [
        f"store: redis+sentinel://{hosts}/sessions/0",
        "username: passerelle",
        "password: {env: REDIS_PASSWORD}",
        "sentinel_username: sentinelle",
        "sentinel_password: {env: SENTINEL_PASSWORD}",
    ]
    return {"store: sqlite:var/sessions.db": "\n  ".join(written)}


def _environ(password: str) -> dict[str, str]:
    return {**secrets(), "REDIS_PASSWORD": SERVER, "SENTINEL_PASSWORD": password}


def _doctor(running: Gateway) -> str:
    command = [sys.executable, "-m", "gateway", "doctor", "--config", str(running.config)]
    asked = subprocess.run(command, cwd=ROOT, env=running.environ, capture_output=True, check=False, timeout=120)
    return asked.stdout.decode() + asked.stderr.decode()


def _never_said(running: Gateway, *more: str) -> None:
    texts = [running.said, (running.config.parent / "stdout").read_text(encoding="utf-8"), *more]
    assert not [each for each in (ASKED, BETWEEN, WRONG) if any(each in text for text in texts)]


def test_behind_sentinels_that_ask_for_a_password_people_sign_in(tmp_path: Path, watchers: list[Server]) -> None:
    with gateway(tmp_path, workers=1, changes=_behind(watchers), environ=_environ(ASKED)) as running:
        person = running.world.person()
        assert running.world.sign_in(person, "/compte/", MATCHING).status == 200
        assert get(running.connection(), "/_gateway/health/ready")[0] == 200
        _never_said(running)


def test_with_another_password_nobody_enters_and_the_operator_is_told_whose_it_is(
    tmp_path: Path, watchers: list[Server]
) -> None:
    with gateway(tmp_path, workers=1, changes=_behind(watchers), environ=_environ(WRONG)) as running:
        assert get(running.connection(), "/_gateway/health/ready")[0] == 503
        person = running.world.person()
        answer = person.press(person.visit("/compte/"), "S’identifier avec")
        assert answer.status == 503
        assert "momentanément indisponible" in answer.text
        until(lambda: '"provider_reference": "sentinel_password"' in running.said)
        said = _doctor(running)
        assert "the sentinels refuse `sentinel_username` and `sentinel_password`" in said
        _never_said(running, said)
