"""Records in Redis or Valkey, shared by all who share that server; alone, behind Sentinel, or a Cluster.

Every command names one key, so that each is atomic and a Cluster can take it wherever the key lies. A record and its
tags lie apart: a tag is a set of candidates, and the record alone says whether it is there and bears it.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.exceptions import NoScriptError, OutOfMemoryError, RedisClusterException, RedisError

from gateway.adapters.sessions import redis_places
from gateway.adapters.sessions.records import EVICTS, FULL
from gateway.adapters.sessions.redis_client import RedisClient, open_client
from gateway.adapters.sessions.redis_trouble import why
from gateway.core.errors import DependencyFailed
from gateway.core.quota import Claim, Turn
from gateway.ports import Clock
from gateway.settings import RedisSettings

WAIT_S = 3.0
"""For one answer, reconnecting and retries included: longer than that nobody waits for a page."""

TURN_S = 15.0
"""For one command that nobody waits for any more, before its turn is given to another."""

AT_ONCE = 32
"""Commands under way, hence connections to one server, of one process."""

TAGS_LAST_S = 90_000
"""From the last record that was tagged; no session lives longer than a day (`sessions.absolute_s`)."""

YOUNG_S = 60
"""A tag is written before its record: a candidate this young is never taken for a dead one."""

_BATCH = 500
_HEAD = 20  # of a record: 12 digits of its end, 8 of the creation that its tags name

_REPLACE = """
local head = redis.call('GETRANGE', KEYS[1], 0, 19)
if #head < 20 or tonumber(string.sub(head, 1, 12)) <= tonumber(ARGV[1]) then return 0 end
if ARGV[5] ~= '' and redis.call('GETRANGE', KEYS[1], 20, -1) ~= ARGV[5] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. string.sub(head, 13) .. ARGV[3], 'PX', ARGV[4])
return 1
"""

_TAG = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2] - ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""

_COUNT = """
local ends, seen = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if ends and tonumber(ends) > tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ends .. ' ' .. (seen + 1), 'KEEPTTL')
    return seen + 1
end
redis.call('SET', KEYS[1], (ARGV[1] + ARGV[2]) .. ' 1', 'EX', ARGV[2])
return 1
"""

Result = TypeVar("Result")


class RedisRecords:
    """`RecordStore`. What Redis itself may lose (its last second, its last replication) is lost here too."""

    def __init__(self, settings: RedisSettings, clock: Clock, *, tags_last_s: int = TAGS_LAST_S) -> None:
        self._settings = settings
        self._tags_last_s = tags_last_s
        self._clock = clock
        self._client: RedisClient | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._opening = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def create(self, key: str, blob: bytes, expires_at: int, tags: Sequence[str] = ()) -> None:
        now = int(self._clock())
        if expires_at <= now:
            return await self.drop(key)
        creation = os.urandom(4).hex()
        for tag in tags:
            await self._script(_TAG, f"gateway:t:{tag}", f"{key}:{creation}", now, self._tags_last_s)
        value = f"{expires_at:012d}{creation}".encode("ascii") + blob
        await self._ask("SET", _record(key), value, "PX", (expires_at - now) * 1000)
        return None

    async def load(self, key: str, now: int) -> bytes | None:
        return _living(await self._ask("GET", _record(key)), now)

    async def replace(
        self, key: str, blob: bytes, expires_at: int, now: int, *, instead_of: bytes | None = None
    ) -> bool:
        lasts_ms = max(1, (expires_at - now) * 1000)
        values = (now, f"{expires_at:012d}", blob, lasts_ms, instead_of or b"")
        return bool(await self._script(_REPLACE, _record(key), *values))

    async def take(self, key: str, now: int) -> bytes | None:
        return _living(await self._ask("GETDEL", _record(key)), now)

    async def drop(self, key: str) -> None:
        await self._ask("DEL", _record(key))

    async def tagged(self, tag: str, now: int) -> Sequence[str]:
        name, living = f"gateway:t:{tag}", []
        candidates = [each.decode("ascii") for each in await self._ask("ZRANGE", name, 0, -1)]
        for start in range(0, len(candidates), _BATCH):
            batch = candidates[start : start + _BATCH]
            heads = await self._heads([each.partition(":")[0] for each in batch])
            bearing = [_bears(head, each, now) for head, each in zip(heads, batch, strict=True)]
            living += [each.partition(":")[0] for each, bears in zip(batch, bearing, strict=True) if bears]
        return living

    async def count(self, key: str, now: int, period_s: int) -> int:
        return int(await self._script(_COUNT, f"gateway:c:{key}", now, period_s))

    async def reserve(self, key: str, now: float, claim: Claim) -> Turn:
        values = redis_places.arguments(now, claim)
        return redis_places.read_turn(await self._script(redis_places.SETTLE, f"gateway:q:{{{key}}}", *values))

    async def sweep(self, now: int) -> None:
        """Nothing to do: whatever is written here has an end of its own, and Redis keeps to it."""

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def _ask(self, *command: Any) -> Any:
        return await self._within(lambda client: client.commands.execute_command(*command))

    async def _script(self, text: str, key: str, *values: Any) -> Any:
        async def run(client: RedisClient) -> Any:
            digest = hashlib.sha1(text.encode("ascii"), usedforsecurity=False).hexdigest()
            try:
                return await client.commands.execute_command("EVALSHA", digest, 1, key, *values)
            except NoScriptError:
                # A server that is new, or was emptied: this loads it, on the very node that holds the key.
                return await client.commands.execute_command("EVAL", text, 1, key, *values)

        return await self._within(run)

    async def _heads(self, keys: Sequence[str]) -> list[bytes]:
        async def read(client: RedisClient) -> list[bytes]:
            pipeline = client.commands.pipeline(transaction=False)
            for key in keys:
                pipeline.getrange(_record(key), 0, _HEAD - 1)
            heads: list[bytes] = await pipeline.execute()
            return heads

        return await self._within(read)

    async def _within(self, call: Callable[[RedisClient], Awaitable[Result]]) -> Result:
        """A command once begun goes on without whoever gives up on it.

        Cut off half way it would leave its connection between two answers, or a Cluster's map half drawn: after a
        failover each caller in turn would begin to draw it, and give up.
        """
        task = asyncio.create_task(self._turn(call))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.shield(task)
        except OutOfMemoryError:
            raise DependencyFailed("session-store", FULL, 503) from None
        except (RedisError, RedisClusterException, OSError, TimeoutError, AttributeError) as error:
            # AttributeError: redis-py took a connection down under a command, and the command finds no writer there.
            raise DependencyFailed("session-store", "session_store_unavailable", 503, reference=why(error)) from None

    async def _turn(self, call: Callable[[RedisClient], Awaitable[Result]]) -> Result:
        async with self._turns, asyncio.timeout(TURN_S):
            return await call(await self._opened())

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Its caller may be gone, and it has nobody else to tell.
            task.exception()

    async def _opened(self) -> RedisClient:
        async with self._opening:
            if self._client is None:
                client = open_client(self._settings)
                try:
                    await _refuse_eviction(client)
                    self._client = client
                finally:
                    if self._client is None:
                        await client.close()
            return self._client


async def _refuse_eviction(client: RedisClient) -> None:
    """A store that throws out what it chooses would lose sessions, and tags: a revocation would then miss some."""
    for told in await client.memory():
        if told.get("maxmemory") and told.get("maxmemory_policy") != "noeviction":
            raise DependencyFailed("session-store", EVICTS, 503)


def _record(key: str) -> str:
    return f"gateway:r:{key}"


def _living(value: bytes | None, now: int) -> bytes | None:
    return value[_HEAD:] if value is not None and int(value[:12]) > now else None


def _bears(head: bytes, candidate: str, now: int) -> bool:
    """Whether the record is there, and is the one that was tagged: a name may be given again."""
    return len(head) == _HEAD and int(head[:12]) > now and head[12:].decode("ascii") == candidate.partition(":")[2]
