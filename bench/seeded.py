"""The gateway with a store that already holds many live sessions: `python -m bench.seeded serve --config FILE`.

BENCH_SESSIONS says how many; they are nobody's, and only make the store as large as a busy day does.
"""

import asyncio
import json
import os
import secrets
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import redis

from gateway.adapters.sessions.memory import MemoryRecords
from gateway.adapters.sessions.sqlite import SqliteRecords
from gateway.cli import main

BLOB_BYTES = 2_000
"""About what a sealed session with a household takes."""

_LIFE_S = 8 * 3600


def _fill_memory(count: int) -> None:
    plain = MemoryRecords.__init__

    def filled(self: MemoryRecords, *arguments: Any, **named: Any) -> None:
        plain(self, *arguments, **named)
        expires_at = int(time.time()) + _LIFE_S
        for _ in range(count):
            _run(self.create(secrets.token_hex(32), secrets.token_bytes(BLOB_BYTES), expires_at))

    MemoryRecords.__init__ = filled  # type: ignore[method-assign]


def _run(coroutine: Any) -> None:
    """Finish a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("the memory store waits for something")


async def _make_file(path: Path) -> None:
    store = SqliteRecords(path)
    await store.create(secrets.token_hex(32), secrets.token_bytes(BLOB_BYTES), int(time.time()) + _LIFE_S)
    await store.close()


def _fill_sqlite(path: Path, count: int) -> None:
    asyncio.run(_make_file(path))
    clone = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO records SELECT lower(hex(randomblob(32))), randomblob(?), ? FROM n
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(clone, (count, BLOB_BYTES, int(time.time()) + _LIFE_S))


def _fill_redis(url: str, count: int) -> None:
    ends = f"{int(time.time()) + _LIFE_S:012d}{'0' * 8}".encode("ascii")
    with redis.Redis.from_url(url) as client:
        for start in range(0, count, 1000):
            pipeline = client.pipeline(transaction=False)
            for _ in range(min(1000, count - start)):
                value = ends + secrets.token_bytes(BLOB_BYTES)
                pipeline.set(f"gateway:r:{secrets.token_hex(32)}", value, ex=_LIFE_S)
            pipeline.execute()


if __name__ == "__main__":
    config = Path(sys.argv[sys.argv.index("--config") + 1])
    store = json.loads(config.read_text(encoding="utf-8"))["sessions"]["store"]
    kind, _, file = store.partition(":")
    how_many = int(os.environ["BENCH_SESSIONS"])
    if kind == "sqlite":
        _fill_sqlite(config.parent / file, how_many)
    elif kind == "redis":
        _fill_redis(store, how_many)
    else:
        _fill_memory(how_many)
    sys.exit(main())
