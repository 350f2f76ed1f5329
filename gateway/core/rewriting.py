from gateway.core.rules import Route
from gateway.core.paths import Target
class Rewriting: pass
def rewriting_of(route: Route, public_url: str) -> Rewriting: return Rewriting()
def wire_target(target: Target, route: Route) -> bytes:
    wire = target.wire
    prefix = route.strip_prefix.encode("ascii")
    if prefix and (wire == prefix or wire.startswith((prefix + b"/", prefix + b"?"))):
        wire = wire[len(prefix) :]
        wire = wire if wire.startswith(b"/") else b"/" + wire
    return route.add_prefix.encode("ascii") + wire
