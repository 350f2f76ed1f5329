"""From settings to a client of redis-py: one server, Sentinel or a Cluster, in TLS or not."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import NoPermissionError, RedisError

from gateway.settings import RedisKind, RedisSettings

CONNECT_S = 1.0
ANSWER_S = 1.5

RETRIES = 4
"""After 100, 200, 400 and 400 ms: a restart is bridged, a failover of seconds is not waited for."""


class RedisClient(NamedTuple):
    """What takes commands, and how to end it."""

    commands: Any
    close: Callable[[], Awaitable[None]]
    sentinels: Sequence[Any] = ()

    async def behind(self, lost: Exception) -> Exception:
        """Why no sentinel could be asked, which redis-py keeps to itself; else the same error."""
        refusal = lost
        for each in self.sentinels:
            try:
                await each.ping()
            except (RedisError, OSError) as caught:
                refusal = caught
            else:
                return lost
            finally:
                await each.aclose()
        return refusal

    async def memory(self) -> list[Mapping[str, Any]]:
        """What each server that takes writes tells of its memory; nothing, where that may not be asked."""
        try:
            if isinstance(self.commands, RedisCluster):
                told = await self.commands.info("memory", target_nodes=RedisCluster.PRIMARIES)
                return list(told.values())
            return [await self.commands.info("memory")]
        except NoPermissionError:
            return []


def open_client(settings: RedisSettings) -> RedisClient:
    """Nothing is contacted yet."""
    options = _options(settings)
    match settings.kind:
        case RedisKind.CLUSTER:
            nodes = [ClusterNode(host, port) for host, port in settings.hosts]
            cluster = RedisCluster(startup_nodes=nodes, **options)
            return RedisClient(cluster, cluster.aclose)
        case RedisKind.SENTINEL:
            return _behind_sentinel(settings, options)
        case RedisKind.ONE:
            ((host, port),) = settings.hosts
            one = Redis(host=host, port=port, db=settings.db, **options)
            return RedisClient(one, one.aclose)


def _behind_sentinel(settings: RedisSettings, options: dict[str, Any]) -> RedisClient:
    # A sentinel that is down is passed over, not waited for: there are others.
    asking = {**_timeouts(), **_tls(settings), "retry": Retry(NoBackoff(), 0), "protocol": 2, "driver_info": None}
    if settings.sentinel_password:
        asking["password"] = settings.sentinel_password
    sentinel = Sentinel(list(settings.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    master = sentinel.master_for(settings.service, db=settings.db, **options)

    async def close() -> None:
        await master.aclose()
        await sentinel.aclose()

    return RedisClient(master, close, sentinel.sentinels)


def _options(settings: RedisSettings) -> dict[str, Any]:
    options = {**_timeouts(), **_tls(settings), "protocol": 2, "driver_info": None}
    options["retry"] = Retry(ExponentialBackoff(cap=0.4, base=0.05), RETRIES)
    if settings.username:
        options["username"] = settings.username
    if settings.password:
        options["password"] = settings.password
    return options


def _timeouts() -> dict[str, Any]:
    return {"socket_connect_timeout": CONNECT_S, "socket_timeout": ANSWER_S}


def _tls(settings: RedisSettings) -> dict[str, Any]:
    """The certificate is checked against its name always; `ca_file` adds an authority."""
    if not settings.tls:
        return {}
    files = {
        "ssl_ca_certs": settings.ca_file,
        "ssl_certfile": settings.client_cert,
        "ssl_keyfile": settings.client_key,
    }
    return {"ssl": True, **{name: path for name, path in files.items() if path}}
