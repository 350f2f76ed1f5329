"""Another configuration for an application that is serving: all of it or nothing."""

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import gateway.app
from gateway.adapters.keys import generate_pem
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.app import Application, build
from gateway.assembly import Outside
from gateway.config.gateway_file import load
from gateway.core.errors import ConfigError, DependencyFailed
from gateway.settings import Listen, Settings
from tests.world import configuration, secrets

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(configuration(tmp_path, [8000, 8101, 8102, 8103]), secrets())


@pytest.fixture
def application(settings: Settings) -> Application:
    return build(settings, Outside(log_stream=io.StringIO(), audit_stream=io.StringIO()))


async def _keys(application: Application) -> list[str]:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        return [key["kid"] for key in (await client.get("/_gateway/keys")).json()["keys"]]


async def test_a_new_key_signs_and_the_old_one_is_still_published(application: Application, settings: Settings) -> None:
    (old,) = await _keys(application)
    signing = replace(settings.signing, key_pem=generate_pem(), previous=(settings.signing.key_pem,))
    await application.reload(replace(settings, signing=signing))
    new, previous = await _keys(application)
    assert (new != old, previous) == (True, old)


async def test_what_cannot_be_put_together_changes_nothing(application: Application, settings: Settings) -> None:
    before = await _keys(application)
    for wrong in (
        replace(settings, signing=replace(settings.signing, key_pem=generate_pem(), previous=(b"no key",))),
        replace(settings, providers=(replace(settings.providers[0], ca_file=Path("/nowhere/ca.pem")),)),
    ):
        with pytest.raises(ConfigError, match="cannot be put into service"):
            await application.reload(wrong)
    assert await _keys(application) == before


async def test_what_needs_a_restart_is_refused_all_at_once(application: Application, settings: Settings) -> None:
    before = await _keys(application)
    fixed = replace(
        settings, workers=2, listen=Listen("127.0.0.1", 1), sessions=replace(settings.sessions, store="memory:")
    )
    with pytest.raises(ConfigError) as caught:
        await application.reload(replace(fixed, signing=replace(settings.signing, key_pem=generate_pem())))
    assert [problem.message for problem in caught.value.problems] == [
        "`listen` cannot change by a reload",
        "`sessions.store` cannot change by a reload",
        "`workers` cannot change by a reload",
    ]
    assert await _keys(application) == before


async def test_a_replaced_client_is_closed_when_its_requests_have_had_their_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[httpx.AsyncClient] = []

    async def close(client: httpx.AsyncClient) -> None:
        closed.append(client)

    monkeypatch.setattr(httpx.AsyncClient, "aclose", close)
    monkeypatch.setattr(gateway.app, "DRAIN_S", 0.05)
    application = build(settings, Outside(log_stream=io.StringIO(), audit_stream=io.StringIO()))
    await application.reload(settings)
    assert closed == []
    await asyncio.sleep(0.2)
    # FranceConnect's and API Particulier's; the new ones are open.
    assert len(closed) == 2


async def _health(application: Application, name: str) -> tuple[int, str]:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8000") as client:
        answer = await client.get(f"/_gateway/health/{name}")
        return answer.status_code, answer.json().get("code", "")


async def test_a_process_that_ends_is_alive_and_not_ready(application: Application) -> None:
    assert await _health(application, "ready") == (200, "")
    application.draining()
    assert await _health(application, "ready") == (503, "draining")
    assert await _health(application, "live") == (200, "")


async def test_a_refused_reload_leaves_it_ready(application: Application, settings: Settings) -> None:
    with pytest.raises(ConfigError):
        await application.reload(replace(settings, workers=2))
    assert await _health(application, "ready") == (200, "")


async def test_sweeping_goes_on_after_the_store_was_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = asyncio.Event()
    answers = iter([DependencyFailed("session-store", "session_store_unavailable"), None])

    async def sweep(records: SqliteRecords, now: int) -> None:
        if (trouble := next(answers, None)) is not None:
            raise trouble
        swept.set()

    monkeypatch.setattr(SqliteRecords, "sweep", sweep)
    monkeypatch.setattr(gateway.app, "SWEEP_S", 0.01)
    application = build(settings, Outside(log_stream=io.StringIO(), audit_stream=io.StringIO()))
    sweeping = asyncio.create_task(application._sweep())
    async with asyncio.timeout(5):
        await swept.wait()
    sweeping.cancel()


def test_a_start_with_parts_that_do_not_fit_is_a_mistake_and_no_traceback(settings: Settings) -> None:
    wrong = replace(settings, signing=replace(settings.signing, previous=(b"no key",)))
    with pytest.raises(ConfigError, match="cannot be put into service"):
        build(wrong, Outside(log_stream=io.StringIO(), audit_stream=io.StringIO()))
