"""`sessions:` → where sessions live, for how long, and how a Redis is reached."""

import re
from pathlib import Path

from gateway.config.gateway_models import SessionsModel
from gateway.config.secrets import Secrets
from gateway.config.upstreams import check_files
from gateway.config.yaml_source import Path_, Source
from gateway.settings import RedisKind, RedisSettings, SessionSettings

_PLACE: Path_ = ("sessions", "store")
_KINDS = {"": RedisKind.ONE, "+sentinel": RedisKind.SENTINEL, "+cluster": RedisKind.CLUSTER}
_PORTS = {RedisKind.ONE: 6379, RedisKind.SENTINEL: 26_379, RedisKind.CLUSTER: 6379}
_EXAMPLES = {
    RedisKind.ONE: "write redis://127.0.0.1:6379/0",
    RedisKind.SENTINEL: "write redis+sentinel://s1:26379,s2:26379,s3:26379/mymaster/0",
    RedisKind.CLUSTER: "write redis+cluster://n1:6379,n2:6379,n3:6379",
}
_REDIS = re.compile(r"redis(?P<tls>s?)(?P<kind>\+sentinel|\+cluster|)://(?P<hosts>[^/]*)(?P<path>/.*)?")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_OF_SENTINELS = ("sentinel_username", "sentinel_password")
_OF_REDIS = ("username", "password", *_OF_SENTINELS, "ca_file", "client_cert", "client_key")


def read_sessions(written: SessionsModel, source: Source, secret: Secrets, folder: Path) -> SessionSettings:
    kind, _, where = written.store.partition(":")
    redis = None
    if kind.startswith("redis"):
        redis = _redis(written, source, secret, folder)
    else:
        _check_local(written, source)
    if written.idle_s > written.absolute_s:
        source.say(("sessions", "idle_s"), "`idle_s` is longer than `absolute_s`", "the absolute end comes last")
    store = f"sqlite:{(folder / where).absolute()}" if kind == "sqlite" else written.store
    read = (secret(each, ("sessions", "secrets", index)) for index, each in enumerate(written.secrets))
    return SessionSettings(store, written.idle_s, written.absolute_s, tuple(read), redis)


def store_notes(written: SessionsModel) -> list[str]:
    """What `gateway check` says of a store that is right, and could be better."""
    found = _REDIS.fullmatch(written.store)
    if not found or found["tls"] or all(_is_here(each) for each in found["hosts"].split(",")):
        return []
    return ["the session store is reached without TLS: records are sealed, its password is not; write rediss://"]


def _is_here(host: str) -> bool:
    return host.startswith(("127.", "localhost", "[::1]"))


def _check_local(written: SessionsModel, source: Source) -> None:
    kind, _, where = written.store.partition(":")
    if kind not in {"memory", "sqlite"} or (kind == "sqlite") != bool(where):
        hint = "write memory:, sqlite:var/sessions.db or redis://HOST:PORT/0 (Valkey speaks it too)"
        source.say(_PLACE, "`store` is not a store", hint)
    for key in _OF_REDIS:
        if getattr(written, key) is not None:
            source.say(("sessions", key), f"`{key}` is for a Redis store", "remove it")


def _redis(written: SessionsModel, source: Source, secret: Secrets, folder: Path) -> RedisSettings | None:
    if "@" in written.store:
        # Never quoted: it holds a password, in a file that is no place for one.
        beside = "with `password: {env: NAME}` (and `username`) beside `store`"
        sentinels = "; the sentinels' own are `sentinel_password` and `sentinel_username`"
        hint = f"write redis://HOST:PORT/0, {beside}{sentinels if '+sentinel' in written.store else ''}"
        source.say(_PLACE, "`store` carries credentials", hint)
        return None
    found = _REDIS.fullmatch(written.store)
    if found is None:
        source.say(_PLACE, "`store` is not the address of a Redis", _EXAMPLES[RedisKind.ONE])
        return None
    kind, tls = _KINDS[found["kind"]], bool(found["tls"])
    hosts = _hosts(found["hosts"], kind, source)
    service, db = _path(found["path"] or "", kind, source)
    files = {key: getattr(written, key) for key in ("ca_file", "client_cert", "client_key")}
    paths = {key: str((folder / name).absolute()) for key, name in files.items() if name is not None}
    _check_tls(written, paths, source, tls=tls, check=secret.required)
    _check_sentinels(written, kind, source)
    passwords = {
        key: secret(named, ("sessions", key)).decode("utf-8", "replace")
        for key in ("password", "sentinel_password")
        if (named := getattr(written, key)) is not None
    }
    names = {key: getattr(written, key) or "" for key in ("username", "sentinel_username")}
    return RedisSettings(kind, hosts, service, db, tls, **names, **passwords, **paths)


def _check_sentinels(written: SessionsModel, kind: RedisKind, source: Source) -> None:
    for key in _OF_SENTINELS:
        if getattr(written, key) is not None and kind is not RedisKind.SENTINEL:
            source.say(("sessions", key), f"`{key}` is for redis+sentinel://", "remove it")
    if written.sentinel_username is not None and written.sentinel_password is None:
        hint = "write `sentinel_password: {env: NAME}` beside it"
        source.say(("sessions", "sentinel_username"), "`sentinel_username` has no password", hint)


def _hosts(text: str, kind: RedisKind, source: Source) -> tuple[tuple[str, int], ...]:
    found = [_HOST.fullmatch(each) for each in text.split(",")]
    hosts = [(each["name"].strip("[]"), int(each["port"] or _PORTS[kind])) for each in found if each]
    wrong = len(hosts) != len(found) or any(not 0 < port < 65_536 for _, port in hosts)
    if wrong or (kind is RedisKind.ONE and len(hosts) != 1):
        wanted = "one host" if kind is RedisKind.ONE else "hosts, with commas between them"
        source.say(_PLACE, f"`store` does not name {wanted}", _EXAMPLES[kind])
    return tuple(hosts)


def _path(text: str, kind: RedisKind, source: Source) -> tuple[str, int]:
    """Sentinel: `/service/db`; one server: `/db`; a Cluster has no databases."""
    parts = [part for part in text.split("/") if part]
    service = parts.pop(0) if kind is RedisKind.SENTINEL and parts else ""
    if kind is RedisKind.SENTINEL and not re.fullmatch(r"[A-Za-z0-9._-]+", service):
        source.say(_PLACE, "`store` does not name the service that the sentinels watch", _EXAMPLES[kind])
    if kind is RedisKind.CLUSTER and parts:
        source.say(_PLACE, "`store` names a database, and a Cluster has none", _EXAMPLES[kind])
        return service, 0
    if len(parts) > 1 or not re.fullmatch(r"[0-9]{0,4}", "".join(parts)):
        source.say(_PLACE, "`store` does not end with the number of a database", _EXAMPLES[kind])
        return service, 0
    return service, int("".join(parts) or 0)


def _check_tls(written: SessionsModel, paths: dict[str, str], source: Source, *, tls: bool, check: bool) -> None:
    if paths and not tls:
        source.say(("sessions", next(iter(paths))), "certificates are for TLS", "write rediss:// in `store`")
    if (written.client_cert is None) != (written.client_key is None):
        source.say(("sessions",), "`client_cert` and `client_key` go together", "name both, or neither")
    if check:
        check_files(paths, ("sessions",), source)
