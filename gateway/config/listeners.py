"""`listen` and `admin.listen`: where clients connect, and where Prometheus does."""

import ipaddress
from pathlib import Path

from gateway.config.gateway_models import GatewayModel
from gateway.config.upstreams import read_socket
from gateway.config.yaml_source import Path_, Source
from gateway.settings import Listen

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not listened on


def read_listen(written: str, place: Path_, source: Source, folder: Path) -> Listen:
    if written.startswith("unix:"):
        path, problem = read_socket(written, folder)
        if problem:
            source.say(place, f"`listen` {problem}", "write unix:/run/gateway.sock")
        return Listen(socket=path)
    host, _, port = written.rpartition(":")
    if not 0 < int(port) < 65_536:
        source.say(place, "`listen` has no such port", "write 127.0.0.1:8000")
    return Listen(host.strip("[]"), int(port))


def read_admin(model: GatewayModel, public: Listen, source: Source, folder: Path) -> Listen | None:
    if model.admin is None:
        return None
    place: Path_ = ("admin", "listen")
    admin = read_listen(model.admin.listen, place, source, folder)
    if _meet(admin, public):
        free = 9464 if public.port != 9464 else 9465
        source.say(place, f"`admin` would listen where clients do, on {public}", f"write 127.0.0.1:{free}")
    return admin


def _meet(one: Listen, other: Listen) -> bool:
    """Whether a client of one could reach the other."""
    if one.socket or other.socket:
        return one.socket == other.socket
    hosts = {one.host, other.host}
    return one.port == other.port and (len(hosts) == 1 or bool(hosts & _EVERYWHERE) or _same_machine(hosts))


def _same_machine(hosts: set[str]) -> bool:
    """`localhost` is 127.0.0.1 and ::1."""
    return "localhost" in hosts and hosts <= {"localhost", "127.0.0.1", "::1"}


def is_private(written: str) -> bool:
    host = written.rpartition(":")[0].strip("[]")
    if written.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
