"""What is right in a file that has mistakes of shape: it is read further, so that all is said at once.

A broken route is left out; any other broken section has a stand-in, of which nothing is said. Nothing is ever served
from it.
"""

from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.config.gateway_models import GatewayModel
from gateway.config.policy_models import ENGLISH, PolicyModel
from gateway.config.shapes import findings_of, without_unknown
from gateway.config.yaml_source import Path_, Source

_UNREAD = {"env": "UNREAD"}
_STAND_INS: dict[str, Any] = {
    "public_url": "https://localhost",
    "authority": {"name": "-", "siret": "13002526500013", "dpo": "dpo@localhost"},
    "identity": {"franceconnect": {"environment": "sandbox", "client_id": _UNREAD, "client_secret": _UNREAD}},
    "household": {"api_particulier": {"environment": "staging", "mode": "franceconnect"}},
    "childcare": {"api_particulier": {"environment": "staging"}},
    "sessions": {"store": "memory:", "secrets": [_UNREAD]},
    "signing": {"key": _UNREAD},
    "routes": [{"path": "/", "upstream": "http://127.0.0.1", "policy": "-"}],
}
_FOLLOW = {
    "identity": ("disputes",),
    "sessions": ("disputes",),
    "workers": ("sessions", "disputes"),
    "household": ("childcare",),
}
"""Section → those that are judged by it, and cannot be while it is a stand-in."""


def salvaged(source: Source) -> GatewayModel | None:
    """The model of what is right, the rest marked in `source.doubtful`; None when nothing can be read."""
    if not isinstance(source.data, dict):
        return None
    data, broken = _broken(GatewayModel, source.data)
    for section in {str(place[0]) for place in broken} - {"routes"}:
        _stand_in(data, section, source)
    _leave_routes_out(data, {place[1] for place in broken if place[0] == "routes" and len(place) > 1}, source)
    try:
        return GatewayModel.model_validate(data)
    except ValidationError:
        return None


def salvaged_policy(source: Source) -> PolicyModel | None:
    """The same of a policy: a broken section is left out, of `inject` the broken header alone."""
    if not isinstance(source.data, dict):
        return None
    data, broken = _broken(PolicyModel, source.data)
    for section in {str(place[0]) for place in broken if place[0] != "inject" or len(place) == 1}:
        source.doubtful |= {section, ENGLISH.get(section, section)}
        data.pop(section, None)
    for place in broken:
        if place[0] == "inject" in data:
            data["inject"].pop(place[1], None)
    if source.doubtful & {"purpose"}:
        data["purpose"] = "-"
    try:
        return PolicyModel.model_validate(data)
    except ValidationError:
        return None


def _broken(model: type[BaseModel], written: dict[str, Any]) -> tuple[dict[str, Any], set[Path_]]:
    """The values without unknown keys; where the others are wrong, two steps deep."""
    try:
        model.model_validate(written)
    except ValidationError as error:
        written = without_unknown(written, error)
    try:
        model.model_validate(written)
    except ValidationError as error:
        return written, {finding.place[:2] for finding in findings_of(error, written) if finding.place}
    return written, set()


def _stand_in(data: dict[str, Any], section: str, source: Source) -> None:
    source.doubtful |= {section, *_FOLLOW.get(section, ())}
    if section in _STAND_INS:
        data[section] = _STAND_INS[section]
    else:
        data.pop(section, None)


def _leave_routes_out(data: dict[str, Any], broken: set[int | str], source: Source) -> None:
    """The lines of those that stay move with them."""
    written = data.get("routes")
    routes = written if isinstance(written, list) else []
    kept = [index for index in range(len(routes)) if index not in broken]
    if not kept:
        _stand_in(data, "routes", source)
        return
    data["routes"] = [routes[index] for index in kept]
    moved = {old: new for new, old in enumerate(kept)}
    source.lines = dict(_moved(source.lines, moved))


def _moved(lines: dict[Path_, int], moved: dict[int, int]) -> list[tuple[Path_, int]]:
    found = []
    for path, line in lines.items():
        if path[:1] != ("routes",) or len(path) == 1:
            found.append((path, line))
        elif path[1] in moved:
            found.append((("routes", moved[int(path[1])], *path[2:]), line))
    return found
