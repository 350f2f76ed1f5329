"""Records in one SQLite file, shared by the processes of one machine."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.adapters.sessions import sqlite_places
from gateway.adapters.sessions.records import FULL
from gateway.core.errors import DependencyFailed
from gateway.core.quota import Claim, Turn, settle

BUSY_MS = 2_000

BYTES_AT_MOST = 1_073_741_824
"""1 GiB: some 300 000 sessions."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    key TEXT PRIMARY KEY, blob BLOB NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_expiry ON records (expires_at);
CREATE TABLE IF NOT EXISTS tags (tag TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (tag, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_by_key ON tags (key);
CREATE TRIGGER IF NOT EXISTS tags_go_with_records AFTER DELETE ON records BEGIN
    DELETE FROM tags WHERE key = OLD.key;
END;
CREATE TABLE IF NOT EXISTS counters (
    key TEXT PRIMARY KEY, seen INTEGER NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
"""

_COUNT = """
INSERT INTO counters VALUES (:key, 1, :expires_at) ON CONFLICT (key) DO UPDATE SET
    seen = iif(expires_at > :now, seen + 1, 1),
    expires_at = iif(expires_at > :now, expires_at, excluded.expires_at)
RETURNING seen
"""

Result = TypeVar("Result")


class SqliteRecords:
    """One connection in one thread of its own: the event loop never waits for a disk."""

    def __init__(self, path: Path, at_most: int = BYTES_AT_MOST) -> None:
        self._path = path
        self._at_most = at_most
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sessions")
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    async def create(self, key: str, blob: bytes, expires_at: int, tags: Sequence[str] = ()) -> None:
        await self._in_thread(partial(self._create, (key, blob, expires_at), tags))

    async def load(self, key: str, now: int) -> bytes | None:
        rows = await self._run("SELECT blob FROM records WHERE key = ? AND expires_at > ?", key, now)
        return rows[0][0] if rows else None

    async def replace(
        self, key: str, blob: bytes, expires_at: int, now: int, *, instead_of: bytes | None = None
    ) -> bool:
        statement = (
            "UPDATE records SET blob = ?, expires_at = ? WHERE key = ? AND expires_at > ? AND blob = ifnull(?, blob) "
            "RETURNING 1"
        )
        return bool(await self._run(statement, blob, expires_at, key, now, instead_of))

    async def take(self, key: str, now: int) -> bytes | None:
        rows = await self._run("DELETE FROM records WHERE key = ? RETURNING blob, expires_at", key)
        return rows[0][0] if rows and rows[0][1] > now else None

    async def drop(self, key: str) -> None:
        await self._run("DELETE FROM records WHERE key = ?", key)

    async def tagged(self, tag: str, now: int) -> Sequence[str]:
        statement = "SELECT key FROM tags JOIN records USING (key) WHERE tag = ? AND expires_at > ?"
        return [str(row[0]) for row in await self._run(statement, tag, now)]

    async def count(self, key: str, now: int, period_s: int) -> int:
        values = {"key": key, "now": now, "expires_at": now + period_s}
        rows = await self._in_thread(partial(self._execute, _COUNT, values))
        return int(rows[0][0])

    async def reserve(self, key: str, now: float, claim: Claim) -> Turn:
        return await self._in_thread(partial(self._reserve, key, now, claim))

    async def sweep(self, now: int) -> None:
        await self._run("DELETE FROM records WHERE expires_at <= ?", now)
        await self._run("DELETE FROM counters WHERE expires_at <= ?", now)
        await self._in_thread(partial(self._forget, now))

    async def close(self) -> None:
        await self._in_thread(self._disconnect)
        self._thread.shutdown(wait=False)

    async def _run(self, statement: str, *values: object) -> list[tuple[bytes, int]]:
        return await self._in_thread(partial(self._execute, statement, values))

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except (sqlite3.Error, OSError) as error:
            full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            code = FULL if full else "session_store_unavailable"
            raise DependencyFailed("session-store", code, 503) from None

    def _create(self, record: tuple[str, bytes, int], tags: Sequence[str]) -> None:
        with self._opened() as connection:
            connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", record)
            connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(tag, record[0]) for tag in tags])

    def _reserve(self, key: str, now: float, claim: Claim) -> Turn:
        with self._opened() as connection:
            # Read and write are one: nobody else writes between them.
            connection.execute("BEGIN IMMEDIATE")
            sqlite_places.forget(connection, now)
            return settle(sqlite_places.SqliteLedger(connection, key), now, claim)

    def _forget(self, now: int) -> None:
        with self._opened() as connection:
            sqlite_places.forget(connection, now)

    def _execute(self, statement: str, values: tuple[object, ...] | dict[str, object]) -> list[tuple[bytes, int]]:
        with self._opened() as connection:
            return connection.execute(statement, values).fetchall()

    def _opened(self) -> sqlite3.Connection:
        """The connection to the file that has the name now: one that was removed or replaced is nobody else's."""
        if self._connection is not None and _identity(self._path) != self._file:
            self._disconnect()
        if self._connection is None:
            self._connection = self._connect()
            self._file = _identity(self._path)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Never opened when it is there: closing it again would release the locks that this process holds on it.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self._path, timeout=BUSY_MS / 1000, check_same_thread=False)
        try:
            _switch_to_wal(connection)
            # A dropped record leaves no bytes behind, not even sealed ones.
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(_SCHEMA + sqlite_places.SCHEMA)
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count = {self._at_most // page_bytes}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite waits for a lock everywhere but here, and the workers of a new store all come at once."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
