"""The ledger of one quota in SQLite; whoever uses it has begun a transaction that writes."""

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS quota_uses (
    key TEXT NOT NULL, series TEXT NOT NULL, at REAL NOT NULL, ends_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS quota_uses_by_time ON quota_uses (key, series, at);
CREATE INDEX IF NOT EXISTS quota_uses_by_end ON quota_uses (ends_at);
CREATE TABLE IF NOT EXISTS quota_held (
    key TEXT NOT NULL, line TEXT NOT NULL, member TEXT NOT NULL, since REAL NOT NULL, ends_at REAL NOT NULL,
    PRIMARY KEY (key, line, member)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS quota_held_by_end ON quota_held (ends_at);
CREATE TABLE IF NOT EXISTS quota_waiting (
    place INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, line TEXT NOT NULL, member TEXT NOT NULL,
    ends_at REAL NOT NULL, UNIQUE (key, line, member)
);
CREATE INDEX IF NOT EXISTS quota_waiting_in_order ON quota_waiting (key, line, place);
CREATE INDEX IF NOT EXISTS quota_waiting_by_end ON quota_waiting (ends_at);
CREATE TABLE IF NOT EXISTS quota_closed (
    key TEXT NOT NULL, series TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, series)
) WITHOUT ROWID;
"""

_FORGET = (
    "DELETE FROM quota_uses WHERE ends_at <= ?",
    "DELETE FROM quota_held WHERE ends_at <= ?",
    "DELETE FROM quota_waiting WHERE ends_at <= ?",
    "DELETE FROM quota_closed WHERE until <= ?",
)


def forget(connection: sqlite3.Connection, now: float) -> None:
    """Delete what has ended, of every quota."""
    for statement in _FORGET:
        connection.execute(statement, (now,))


class SqliteLedger:
    """`core.quota.Ledger`. `forget` first: what has ended is not there any more."""

    def __init__(self, connection: sqlite3.Connection, key: str) -> None:
        self._connection = connection
        self._key = key

    def nth_last(self, series: str, place: int) -> float | None:
        statement = "SELECT at FROM quota_uses WHERE key = ? AND series = ? ORDER BY at DESC LIMIT 1 OFFSET ?"
        return self._number(statement, series, place - 1)

    def closed_until(self, series: str) -> float:
        return self._number("SELECT until FROM quota_closed WHERE key = ? AND series = ?", series) or 0

    def held_by_others(self, line: str, member: str) -> int:
        statement = "SELECT count(*) FROM quota_held WHERE key = ? AND line = ? AND member <> ?"
        return int(self._number(statement, line, member) or 0)

    def held_since(self, line: str, member: str) -> float | None:
        return self._number("SELECT since FROM quota_held WHERE key = ? AND line = ? AND member = ?", line, member)

    def waits(self, line: str, member: str) -> bool:
        return self._place(line, member) is not None

    def _place(self, line: str, member: str) -> float | None:
        return self._number("SELECT place FROM quota_waiting WHERE key = ? AND line = ? AND member = ?", line, member)

    def ahead(self, line: str, member: str) -> int:
        place = self._place(line, member)
        if place is None:
            return int(self._number("SELECT count(*) FROM quota_waiting WHERE key = ? AND line = ?", line) or 0)
        statement = "SELECT count(*) FROM quota_waiting WHERE key = ? AND line = ? AND place < ?"
        return int(self._number(statement, line, place) or 0)

    def use(self, series: str, at: float, ends_at: float) -> None:
        self._write("INSERT INTO quota_uses VALUES (?, ?, ?, ?)", series, at, ends_at)

    def hold(self, line: str, member: str, since: float, ends_at: float) -> None:
        self._write("DELETE FROM quota_waiting WHERE key = ? AND line = ? AND member = ?", line, member)
        self._write("INSERT OR REPLACE INTO quota_held VALUES (?, ?, ?, ?, ?)", line, member, since, ends_at)

    def wait(self, line: str, member: str, ends_at: float) -> None:
        statement = (
            "INSERT INTO quota_waiting (key, line, member, ends_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (key, line, member) DO UPDATE SET ends_at = excluded.ends_at"
        )
        self._write(statement, line, member, ends_at)

    def leave(self, line: str, member: str) -> None:
        for table in ("quota_waiting", "quota_held"):
            self._write(f"DELETE FROM {table} WHERE key = ? AND line = ? AND member = ?", line, member)  # noqa: S608 - ours

    def close(self, series: str, until: float) -> None:
        statement = (
            "INSERT INTO quota_closed VALUES (?, ?, ?) "
            "ON CONFLICT (key, series) DO UPDATE SET until = max(until, excluded.until)"
        )
        self._write(statement, series, until)

    def _number(self, statement: str, *values: object) -> float | None:
        row = self._connection.execute(statement, (self._key, *values)).fetchone()
        return None if row is None else row[0]

    def _write(self, statement: str, *values: object) -> None:
        self._connection.execute(statement, (self._key, *values))
