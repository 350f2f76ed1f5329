"""Sentinel and Cluster: real processes, and the death of a master under load.

Redis replicates after it has answered: what a master acknowledged in its last moments may die with it. Nothing older may
be lost, nothing may come back, and no two people may ever meet.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.adapters.sessions.redis import RedisRecords
from gateway.core.errors import DependencyFailed
from gateway.core.quota import Claim, Turn, Window, Wish
from gateway.settings import RedisKind, RedisSettings
from tests.contract.test_session_stores import NOW, Clock
from tests.redis_servers import VALKEY_LATER, Server, cluster, sentinels
from tests.session_load import Book, eventually, judged, load

pytestmark = [
    pytest.mark.anyio,
    # redis-py leaves connections that a master's death caught in a command to the collector, which closes them.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MAY_BE_LOST_S = 1.0
"""Of what the dying master acknowledged last."""


def behind(watchers: Sequence[Server]) -> RedisSettings:
    hosts = tuple(("127.0.0.1", each.port) for each in watchers)
    return RedisSettings(RedisKind.SENTINEL, hosts, service="sessions")


def of_cluster(nodes: Sequence[Server]) -> RedisSettings:
    return RedisSettings(RedisKind.CLUSTER, tuple(("127.0.0.1", each.port) for each in nodes))


def _opened_before(book: Book, moment: float) -> list[float]:
    return [at for _, at in book.opened.values() if at < moment]


async def _killed_under_load(settings: RedisSettings, victim: Server) -> tuple[Book, float, float]:
    """The book, when the master died, and how long nobody was answered."""
    async with load(settings) as book:
        # Twice what is judged below: a slow visit may still end some of them.
        await eventually(lambda: len(_opened_before(book, time.monotonic() - MAY_BE_LOST_S)) > 40)
        victim.kill()
        died = time.monotonic()
        await eventually(lambda: book.failures > 0)
        answers = book.answers
        await eventually(lambda: book.answers > answers + 400, within_s=45)
        # Long enough for everybody to have been served again.
        failures, answers = book.failures, book.answers
        await eventually(lambda: book.answers > answers + 400)
        assert book.failures - failures < 20
    return book, died, book.longest_silence_s


async def _judge(settings: RedisSettings, book: Book, died: float) -> None:
    verdict = await judged(settings, book)
    early = died - MAY_BE_LOST_S
    assert len(_opened_before(book, early)) > 20
    print(f"lost {len(verdict.missing)}, revived {len(verdict.revived)}, of {len(book.opened) + len(book.ended)}")
    assert verdict.crossed == 0
    assert [at for at in verdict.missing if at < early or at > died] == []
    assert [at for at in verdict.revived if at < early or at > died] == []
    assert len(book.ended) > 30


@pytest.mark.parametrize("program", VALKEY_LATER)
async def test_behind_sentinel_a_dead_master_is_replaced_under_load(tmp_path: Path, program: str) -> None:
    with sentinels(tmp_path, program=program) as ((master, replica), watchers):
        settings = behind(watchers)
        await contract(settings)
        book, died, silence_s = await _killed_under_load(settings, master)
        print(f"nobody was answered for {silence_s:.1f} s")
        assert replica.told("INFO", "replication")["role"] == "master"
        await _judge(settings, book, died)
        # The old one comes back as a replica: whoever still asks it is sent on.
        master.start()
        async with load(settings) as book:
            await eventually(lambda: book.answers > 200)
        assert (book.failures, book.crossed, book.lost) == (0, [], [])


@pytest.mark.parametrize("program", VALKEY_LATER)
async def test_sentinels_that_are_gone_or_know_nothing_of_the_service_are_said(tmp_path: Path, program: str) -> None:
    with sentinels(tmp_path, program=program) as (_, watchers):
        unknown = RedisRecords(RedisSettings(RedisKind.SENTINEL, behind(watchers).hosts, service="other"), Clock())
        with pytest.raises(DependencyFailed, match="session_store_unavailable"):
            await unknown.load("a", NOW)
        await unknown.close()
        watchers[0].kill()
        watchers[1].kill()
        records = RedisRecords(behind(watchers), Clock())
        await records.create("a", b"1", NOW + 60)
        assert await records.load("a", NOW) == b"1"
        await records.close()
        watchers[2].kill()
        late = RedisRecords(behind(watchers), Clock())
        with pytest.raises(DependencyFailed, match="session_store_unavailable"):
            await late.load("a", NOW)
        await late.close()


@pytest.mark.parametrize("program", VALKEY_LATER)
async def test_in_a_cluster_a_dead_master_is_replaced_under_load(tmp_path: Path, program: str) -> None:
    with cluster(tmp_path, program=program) as nodes:
        settings = of_cluster(nodes)
        await contract(settings)
        book, died, silence_s = await _killed_under_load(settings, nodes[0])
        print(f"nobody was answered for {silence_s:.1f} s")
        await _judge(settings, book, died)


async def contract(settings: RedisSettings) -> None:
    """Each promise once, over records and tags that lie on different nodes."""
    clock = Clock()
    records = RedisRecords(settings, clock)
    names = [f"{number:064x}" for number in range(30)]
    for name in names:
        await records.create(name, name.encode(), NOW + 60, ("all", f"of-{int(name, 16) % 3}"))
    assert [await records.load(name, NOW) for name in names] == [name.encode() for name in names]
    assert sorted(await records.tagged("all", NOW)) == names
    assert len(await records.tagged("of-1", NOW)) == 10
    assert all([await records.replace(name, b"2", NOW + 60, NOW) for name in names])
    assert [await records.take(name, NOW) for name in names[:5]] == [b"2"] * 5
    await records.drop(names[5])
    assert not await records.replace(names[5], b"3", NOW + 60, NOW)
    assert sorted(await records.tagged("all", NOW)) == names[6:]
    assert [await records.count("a", NOW, 10) for _ in range(3)] == [1, 2, 3]
    await _quota(records)
    await records.close()


async def _quota(records: RedisRecords) -> None:
    """Places, the line and a use, of quotas that lie on different nodes."""
    for name in ("first", "second", "third", "fourth"):

        async def turn(wish: Wish, member: str, name: str = name) -> Turn:
            claim = Claim(wish, (Window("people", 1, 60),), member, "people", hold_s=9, keep_s=9, waiting_at_most=2)
            return await records.reserve(name, float(NOW), claim)

        assert (await turn(Wish.HOLD, "a")).granted
        assert (await turn(Wish.HOLD, "b")).waits
        assert (await turn(Wish.USE, "a")).granted
        assert not (await turn(Wish.USE, "c")).granted
        await turn(Wish.LEAVE, "b")
