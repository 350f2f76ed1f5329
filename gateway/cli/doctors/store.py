"""The session store: one record written, read and dropped, how long that took, and the room that is left."""

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from gateway.adapters.chance import new_token
from gateway.adapters.disputes import assembly as disputes
from gateway.adapters.sessions.records import RecordStore
from gateway.assembly import open_records
from gateway.cli.doctors.finding import Finding, good, warned, wrong
from gateway.core.errors import DependencyFailed
from gateway.settings import Settings

SLOW_MS = 50.0
ROOM_BYTES = 200_000_000
"""Less than this is warned of; a tenth of it is an error."""

_HINTS = {
    "session_store_full": "make room on its disk, or raise its limit",
    "session_store_unavailable": "check the address, the rights of the gateway's user, and that the store runs",
}
_WHY = {
    "certificate": "its certificate is of another authority or another name: check `ca_file`, and the host in `store`",
    "tls": "only one side speaks TLS, or it wants our certificate: check `rediss`, `client_cert` and `client_key`",
    "password": "it refuses `username` and `password`",
    "rights": "the user lacks a right: compare its ACL with docs/operations.md (a Cluster needs three more)",
    "sentinel_password": "the sentinels refuse `sentinel_username` and `sentinel_password`, or want them",
    "sentinel_rights": "the sentinels' user lacks a right: it needs +sentinel|masters (docs/operations.md)",
    "service": "no sentinel could be asked, or none knows the service named in `store`",
}


async def examine(settings: Settings) -> list[Finding]:
    return [*await _sessions(settings), *await _disputes(settings)]


async def _disputes(settings: Settings) -> list[Finding]:
    """Where contests are kept, once it is there: they outlive sessions, and nothing is made before the first start."""
    if settings.disputes is None:
        return []
    kind, _, where = settings.disputes.store.partition(":")
    if kind == "memory":
        hint = "a restart loses what people contested; write `store: sqlite:var/disputes.db`"
        return [warned("disputes_memory", "disputes", "contests are in the process alone", hint)]
    there = kind != "sqlite" or Path(where).exists()  # noqa: ASYNC240 - nobody else waits
    records = disputes.open_records(settings, time.time) if there else None
    return await _tried(records, "disputes") if records is not None else []


async def _sessions(settings: Settings) -> list[Finding]:
    kind, _, where = settings.sessions.store.partition(":")
    if kind == "memory":
        hint = "a restart ends them; write `store: sqlite:var/sessions.db`"
        return [warned("store_memory", "memory:", "sessions are in the process alone", hint)]
    if kind != "sqlite":
        return await _records(settings, f"{kind} store")
    path = Path(where)
    there = path.exists()  # noqa: ASYNC240 - nobody else waits
    found = await (_records(settings, path.name) if there else _in_its_folder(settings, path))
    return [*found, *_file(path)]


async def _in_its_folder(settings: Settings, path: Path) -> list[Finding]:
    """Before the first start: a store of that folder, which is gone afterwards and belongs to nobody else."""
    there = path.parent
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=there) as folder:
            sessions = replace(settings.sessions, store=f"sqlite:{folder}/store.db")
            return await _records(replace(settings, sessions=sessions), path.name)
    except OSError:
        hint = "give the gateway's user the right to write there"
        return [wrong("store_folder", str(there), "nothing can be made in this folder", hint)]


async def _records(settings: Settings, about: str) -> list[Finding]:
    return await _tried(open_records(settings, time.time), about)


async def _tried(records: RecordStore, about: str) -> list[Finding]:
    key, blob, now = f"doctor-{new_token()}", bytes(4_096), int(time.time())
    began = time.perf_counter()
    try:
        await records.create(key, blob, now + 60)
        read = await records.load(key, now)
        await records.drop(key)
        took_ms = (time.perf_counter() - began) * 1000
    except DependencyFailed as error:
        return [
            wrong(
                error.code,
                about,
                "it does not take a session",
                _WHY.get(error.reference) or _HINTS.get(error.code, _HINTS["session_store_unavailable"]),
            )
        ]
    finally:
        with suppress(DependencyFailed):
            await records.close()
    if read != blob:
        return [wrong("store_read", about, "what was written is not what is read", "is it a store of its own?")]
    if took_ms > SLOW_MS:
        return [
            warned("store_slow", about, f"three steps took {took_ms:.0f} ms", "bring it nearer, or on a quicker disk")
        ]
    return [good("store", about, f"writes, reads and drops a session in {took_ms:.1f} ms")]


def _file(path: Path) -> list[Finding]:
    there = path if path.exists() else path.parent
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    said, hint = f"{free / 1e6:.0f} MB free", "make room: without any, nobody can sign in"
    found = [good("store_room", str(there), said)]
    if free < ROOM_BYTES:
        found = [(wrong if free < ROOM_BYTES / 10 else warned)("store_room", str(there), said, hint)]
    if path.exists():
        found.append(_journal(path))
        if path.stat().st_mode & 0o077:
            hint = f"chmod 600 {path}"
            found.append(warned("store_rights", path.name, "others than the gateway's user may open it", hint))
    return found


def _journal(path: Path) -> Finding:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        try:
            (mode,) = store.execute("PRAGMA journal_mode").fetchone()
        except sqlite3.Error:
            return wrong("store_journal", path.name, "it is no SQLite database", "move it away: a new one is made")
    if mode != "wal":
        hint = "put it on a local disk: on a network drive SQLite cannot keep its log, and workers lose sessions"
        return wrong("store_journal", path.name, f"its journal is {mode}, not wal", hint)
    return good("store_journal", path.name, "write-ahead log")
