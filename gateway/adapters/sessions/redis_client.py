"""From settings to a client of redis-py: one server, Sentinel or a Cluster, in TLS or not."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import NoPermissionError, RedisError

from gateway.adapters.sessions.redis_trouble import SentinelsRefused, why
from gateway.settings import RedisKind, RedisSettings

CONNECT_S = 1.0
ANSWER_S = 1.5

RETRIES = 4
"""After 100, 200, 400 and 400 ms: a restart is bridged, a failover of seconds is not waited for."""


class RedisClient(NamedTuple):
    """What takes commands, and how to end it."""

    commands: Any
    close: Callable[[], Awaitable[None]]

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
    asking |= _credentials(settings.sentinel_username, settings.sentinel_password)
    sentinel = _Sentinels(list(settings.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    master = sentinel.master_for(settings.service, db=settings.db, **options)

    async def close() -> None:
        await master.aclose()
        await sentinel.aclose()

    return RedisClient(master, close)


class _Sentinels(Sentinel):
    """redis-py's, for which one that refuses us is like one that is down: the next is asked, and the reason kept."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        refusal: Exception | None = None
        heard = known = False
        for each in list(self.sentinels):
            try:
                masters: Any = await each.sentinel_masters()
            except (RedisError, OSError) as error:
                refusal = refusal if why(refusal) else error
                continue
            heard, state = True, masters.get(service_name)
            known = known or bool(state)
            if state and self.check_master_state(state, service_name):
                # Who knows is asked first from now on.
                self.sentinels.remove(each)
                self.sentinels.insert(0, each)
                return state["ip"], state["port"]
        if known:
            raise LostConnection("the sentinels have not replaced the server yet")
        if heard:
            raise MasterNotFoundError("no sentinel that answers knows the service")
        raise SentinelsRefused("no sentinel answers") from refusal


def _options(settings: RedisSettings) -> dict[str, Any]:
    options = {**_timeouts(), **_tls(settings), "protocol": 2, "driver_info": None}
    options["retry"] = Retry(ExponentialBackoff(cap=0.4, base=0.05), RETRIES)
    return options | _credentials(settings.username, settings.password)


def _credentials(username: str, password: str) -> dict[str, str]:
    return {key: value for key, value in (("username", username), ("password", password)) if value}


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
