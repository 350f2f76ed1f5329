"""Sessions that end with the provider's: a refresh token asks, one call whoever else is asking."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.sessions.checked import WAIT_S, CheckedSessions, Rechecked
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.records import RecordStore
from gateway.adapters.sessions.sealed import SealedSessions
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.core.errors import DependencyFailed, LoginFailed
from gateway.core.model import Acr, Session, SessionId
from gateway.ports import Refreshed
from tests.builders import ANGELA

pytestmark = pytest.mark.anyio

EVERY_S = 300
IDENTITY = replace(ANGELA, provider="annuaire")


class Provider:
    """Hands out a new refresh token each time, and takes a used one for a theft, as real ones do."""

    def __init__(self) -> None:
        self.current = "token-0"
        self.calls: list[tuple[str, str]] = []
        self.over = False
        self.down = False
        self.pause: Callable[[], Awaitable[object]] | None = None

    async def refresh(self, refresh_token: str, sub: str, acr: Acr) -> Refreshed:
        assert acr is IDENTITY.acr
        self.calls.append((refresh_token, sub))
        if self.pause is not None:
            await self.pause()
        if self.down:
            raise DependencyFailed("annuaire", "provider_unreachable", 503)
        if self.over or refresh_token != self.current:
            raise LoginFailed("token_invalid_grant")
        self.current = f"token-{len(self.calls)}"
        return Refreshed(self.current)


class World:
    def __init__(self, records: RecordStore) -> None:
        self.now = 1_790_000_000
        self.records = records
        self.provider = Provider()
        self.slept = 0.0
        self.sessions = self.process()

    def process(self, every_s: int = EVERY_S) -> CheckedSessions:
        """Another worker, with the same store."""
        sealed = SealedSessions(self.records, lambda: self.now, idle_s=86_400, secrets=[b"s" * 32])
        rechecked = {"annuaire": Rechecked(self.provider, every_s)}
        return CheckedSessions(sealed, self.records, lambda: self.now, self.sleep, rechecked)

    async def sleep(self, seconds: float) -> None:
        """No time passes; the others have their turn."""
        self.slept += seconds
        await asyncio.sleep(0)

    def session(self, **changes: object) -> Session:
        plain = Session(SessionId("a" * 64), self.now + 86_400, IDENTITY, refresh_token="token-0")
        return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(MemoryRecords() if request.param == "memory" else SqliteRecords(tmp_path / "s.db"))


async def test_the_provider_is_asked_when_it_is_time_and_not_before(world: World) -> None:
    await world.sessions.create(world.session())
    for _ in range(3):
        assert await world.sessions.load(SessionId("a" * 64))
    assert world.provider.calls == []
    world.now += EVERY_S
    assert await world.sessions.load(SessionId("a" * 64))
    assert world.provider.calls == [("token-0", IDENTITY.sub)]
    assert await world.sessions.load(SessionId("a" * 64))
    assert len(world.provider.calls) == 1


async def test_each_answer_brings_the_token_of_the_next_question(world: World) -> None:
    await world.sessions.create(world.session())
    for count in range(1, 5):
        world.now += EVERY_S
        # A process that never saw this session asks with the token that the last one received.
        assert await world.process().load(SessionId("a" * 64))
        assert len(world.provider.calls) == count
    assert [token for token, _ in world.provider.calls] == ["token-0", "token-1", "token-2", "token-3"]


async def test_fifty_requests_of_two_processes_make_one_call(world: World) -> None:
    await world.sessions.create(world.session())
    other = world.process()
    world.now += EVERY_S
    world.provider.pause = lambda: asyncio.sleep(0)
    loads = [each.load(SessionId("a" * 64)) for each in (world.sessions, other) for _ in range(25)]
    found = await asyncio.gather(*loads)
    assert all(found)
    assert len(world.provider.calls) == 1


@pytest.mark.parametrize("periods", [2, 5])
async def test_fifty_requests_after_a_long_silence_wait_for_the_one_that_asks(world: World, periods: int) -> None:
    """Who comes back after lunch asks for a page and its pictures at once: none of them may end the session."""
    await world.sessions.create(world.session())
    other = world.process()
    world.now += periods * EVERY_S
    world.provider.pause = lambda: asyncio.sleep(0)
    loads = [each.load(SessionId("a" * 64)) for each in (world.sessions, other) for _ in range(25)]
    found = await asyncio.gather(*loads)
    assert all(found)
    assert len(world.provider.calls) == 1
    assert await world.process().load(SessionId("a" * 64))


async def test_who_waits_for_an_answer_learns_that_the_session_is_over(world: World) -> None:
    await world.sessions.create(world.session())
    world.now += 2 * EVERY_S
    world.provider.over = True
    world.provider.pause = lambda: asyncio.sleep(0)
    found = await asyncio.gather(*(world.sessions.load(SessionId("a" * 64)) for _ in range(5)))
    assert found == [None] * 5
    assert len(world.provider.calls) == 1


async def test_nobody_waits_for_ever_for_somebody_who_died_asking(world: World) -> None:
    await world.sessions.create(world.session())
    world.now += 2 * EVERY_S
    began = asyncio.Event()

    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    world.provider.pause = hang
    asking = asyncio.create_task(world.process().load(SessionId("a" * 64)))
    await began.wait()
    asking.cancel()
    assert await world.sessions.load(SessionId("a" * 64)) is None
    assert WAIT_S <= world.slept <= WAIT_S + 1
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_session_ends_with_the_providers(world: World) -> None:
    await world.sessions.create(world.session())
    world.provider.over = True
    assert await world.sessions.load(SessionId("a" * 64))
    world.now += EVERY_S
    assert await world.sessions.load(SessionId("a" * 64)) is None
    world.provider.over = False
    assert await world.process().load(SessionId("a" * 64)) is None


async def test_an_outage_is_waited_for_one_more_period_and_no_longer(world: World) -> None:
    await world.sessions.create(world.session())
    world.provider.down = True
    world.now += EVERY_S
    for _ in range(5):
        assert await world.sessions.load(SessionId("a" * 64))
    assert len(world.provider.calls) == 1, "asked again after half a minute, not by each request"
    world.now += 31
    assert await world.sessions.load(SessionId("a" * 64))
    assert len(world.provider.calls) == 2
    world.now += EVERY_S
    assert await world.sessions.load(SessionId("a" * 64)) is None


async def test_after_an_outage_the_session_goes_on(world: World) -> None:
    await world.sessions.create(world.session())
    world.provider.down = True
    world.now += EVERY_S
    assert await world.sessions.load(SessionId("a" * 64))
    world.provider.down = False
    world.now += 31
    assert await world.sessions.load(SessionId("a" * 64))
    world.now += EVERY_S
    assert await world.sessions.load(SessionId("a" * 64))
    assert [token for token, _ in world.provider.calls] == ["token-0", "token-0", "token-2"]


async def test_a_late_write_of_the_session_brings_no_older_token_back(world: World) -> None:
    await world.sessions.create(world.session())
    before = await world.sessions.load(SessionId("a" * 64))
    assert before is not None
    assert before.refresh_token == ""
    world.now += EVERY_S
    assert await world.sessions.load(SessionId("a" * 64))
    assert await world.sessions.amend(SessionId("a" * 64), lambda _: before)
    world.now += EVERY_S
    assert await world.sessions.load(SessionId("a" * 64))
    assert [token for token, _ in world.provider.calls] == ["token-0", "token-1"]


async def test_a_logout_during_the_question_wins(world: World) -> None:
    await world.sessions.create(world.session())
    world.now += EVERY_S
    world.provider.pause = lambda: world.sessions.drop(SessionId("a" * 64))
    assert await world.sessions.load(SessionId("a" * 64)) is None
    assert await world.process().load(SessionId("a" * 64)) is None


async def test_a_session_without_a_token_is_not_vouched_for(world: World) -> None:
    await world.sessions.create(world.session(refresh_token=""))
    assert await world.sessions.load(SessionId("a" * 64)) is None


async def test_other_providers_are_not_asked(world: World) -> None:
    await world.sessions.create(world.session(identity=ANGELA, refresh_token=""))
    await world.sessions.create(world.session(id=SessionId("b" * 64), identity=None, refresh_token=""))
    world.now += 10 * EVERY_S
    assert await world.sessions.load(SessionId("a" * 64))
    assert await world.sessions.load(SessionId("b" * 64))
    assert world.provider.calls == []


async def test_a_revoked_session_stays_revoked(world: World) -> None:
    await world.sessions.create(world.session())
    world.now += EVERY_S
    assert await world.sessions.revoke(provider="annuaire", sub=IDENTITY.sub) == 1
    assert await world.sessions.load(SessionId("a" * 64)) is None
    assert world.provider.calls == []


async def test_the_token_is_not_readable_in_the_store(tmp_path: Path) -> None:
    world = World(SqliteRecords(tmp_path / "s.db"))
    await world.sessions.create(world.session(refresh_token="a-very-secret-token"))
    assert world.sessions is not None
    await world.records.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"a-very-secret-token" not in written


async def test_the_token_never_goes_into_the_session_itself(world: World) -> None:
    await world.sessions.create(world.session())
    assert await world.sessions.amend(SessionId("a" * 64), lambda _: world.session())
    found = await world.sessions.load(SessionId("a" * 64))
    assert found is not None
    assert found.refresh_token == ""
