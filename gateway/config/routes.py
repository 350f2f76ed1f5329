"""`routes:` → Route."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.carried import unfit
from gateway.config.gateway_models import GatewayModel
from gateway.config.policies import PolicyFiles
from gateway.config.route_models import RouteModel
from gateway.config.secrets import STRONG_BYTES, STRONG_HINT, Secrets, weakness
from gateway.config.shapes import suggestion
from gateway.config.upstreams import read_health, read_tls, read_upstreams
from gateway.config.yaml_source import Path_, Source
from gateway.core.errors import RequestRejected
from gateway.core.model import NormalPath
from gateway.core.paths import normalise
from gateway.core.routing import USUAL_METHODS, normal_host
from gateway.core.rules import Encoding, PathException, Policy, Route, SignatureForm, Timeouts


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a route is read against: the rest of the configuration."""

    source: Source
    files: PolicyFiles
    public_url: str
    secret: Secrets
    folder: Path
    production: bool


def read_routes(model: GatewayModel, around: Surroundings) -> tuple[Route, ...]:
    """Every route that is whole; what is wrong with the others is said in the source."""
    routes: list[Route] = []
    for index, each in enumerate(model.routes):
        place: Path_ = ("routes", index)
        route = _route(each, place, around)
        if route is None:
            continue
        for other in routes:
            if _same_requests(route, other):
                message = f"takes the same requests as the route `{other.name}`"
                around.source.say(place, message, "change a host, path or methods")
        routes.append(route)
    return tuple(routes)


def _route(model: RouteModel, place: Path_, around: Surroundings) -> Route | None:
    source, public_url = around.source, around.public_url
    path, host = _path(model, place, source), _host(model, place, source, public_url)
    upstreams = read_upstreams(model, place, source, around.folder)
    tls = read_tls(model, upstreams, place, source, around.folder, check=around.secret.required)
    secret = _secret(model, place, around)
    policy = _policy(model, place, around)
    if policy is not None and model.encoding:
        _check_encoding(policy, Encoding(model.encoding), place, source)
    if path is None or host is None or not upstreams or policy is None:
        return None
    scheme = urlsplit(public_url).scheme
    origin = public_url if host == urlsplit(public_url).hostname else f"{scheme}://{host}"
    return Route(
        name=model.name or f"{host}{path}",
        host=host,
        path=path,
        upstreams=upstreams,
        policy=policy,
        audience=model.audience or f"{origin}{path}",
        methods=frozenset(model.methods or ()),
        sign=SignatureForm(model.sign),
        secret=secret,
        encoding=Encoding(model.encoding) if model.encoding else policy.encoding,
        digest_max_bytes=model.digest_max_bytes if model.body == "digest" else None,
        preserve_host=model.preserve_host,
        strip_prefix=_prefix(model.strip_prefix, (*place, "strip_prefix"), source),
        add_prefix=_prefix(model.add_prefix, (*place, "add_prefix"), source),
        websocket=model.websocket,
        timeouts=Timeouts(**model.timeouts.model_dump()),
        max_body_bytes=model.max_body_bytes,
        allow_in_path=frozenset(PathException(each) for each in model.allow_in_path),
        tls=tls,
        health=read_health(model),
    )


def _policy(model: RouteModel, place: Path_, around: Surroundings) -> Policy | None:
    known = list(around.files.sources)
    if model.policy not in known:
        there = model.policy in around.files.misnamed
        hint = "" if there else suggestion(model.policy, known)
        message = f"there is no policy `{model.policy}`"
        around.source.say((*place, "policy"), message, hint or around.files.hint_for(model.policy))
    return around.files.policies.get(model.policy)


def _check_encoding(policy: Policy, encoding: Encoding, place: Path_, source: Source) -> None:
    for each in unfit(policy, encoding):
        message = f"{each.what} of policy `{policy.name}` cannot be sent in {encoding} ({each.code})"
        source.say((*place, "encoding"), message, each.hint)


def _secret(model: RouteModel, place: Path_, around: Surroundings) -> bytes:
    """Empty unless `sign: hmac`."""
    if model.sign != "hmac":
        if model.secret is not None:
            around.source.say((*place, "secret"), "`secret` is for `sign: hmac`", "remove it, or write `sign: hmac`")
        return b""
    if model.secret is None:
        around.source.say((*place, "sign"), "`sign: hmac` needs a `secret`", "write `secret: {file: PATH}`")
        return b""
    value = around.secret(model.secret, (*place, "secret"))
    if value and around.secret.required:
        why = weakness(value)
        if why and (around.production or len(value) < STRONG_BYTES):
            around.source.say((*place, "secret"), f"the secret {why}", STRONG_HINT)
    return value


def _path(model: RouteModel, place: Path_, source: Source) -> NormalPath | None:
    try:
        path = normalise(model.path)
    except RequestRejected as error:
        source.say((*place, "path"), f"`path` cannot be matched safely ({error.code})", "write it plainly: /cantine/")
        return None
    if path == "/_gateway" or path.startswith("/_gateway/"):
        source.say((*place, "path"), "`/_gateway` is the gateway's own", "choose another path")
        return None
    return path


def _prefix(written: str | None, place: Path_, source: Source) -> str:
    """Read as a request's path is: one that no canonical target can begin with would refuse every request."""
    try:
        return normalise(written) if written else ""
    except RequestRejected as error:
        source.say(place, f"`{place[-1]}` cannot be matched safely ({error.code})", "write it plainly: /app")
        return ""


def _host(model: RouteModel, place: Path_, source: Source, public_url: str) -> str | None:
    if model.host is None:
        return urlsplit(public_url).hostname or ""
    if hint := ascii_form(model.host):
        source.say((*place, "host"), "`host` has letters that no Host can carry", f"write {hint}")
        return None
    try:
        host, port = normal_host(model.host.encode("utf-8"))
    except RequestRejected:
        source.say(
            (*place, "host"), "`host` is not one plain host name", "write enfance.ville.fr; there are no wildcards"
        )
        return None
    if port is not None:
        source.say((*place, "host"), "`host` has a port", "write the name alone")
        return None
    return host


def ascii_form(host: str) -> str:
    """How a name with other letters is written in DNS and by browsers (IDNA); empty when it has none."""
    if host.isascii():
        return ""
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return "the xn-- form of the name, which `idn` or your registrar gives"


def _same_requests(one: Route, other: Route) -> bool:
    methods = (one.methods or USUAL_METHODS) & (other.methods or USUAL_METHODS)
    return (one.host, one.path) == (other.host, other.path) and bool(methods)
