"""The shape of one entry of `routes:`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gateway.config.common_models import FilePath, Names, Part, Seconds, Secret


class TimeoutsModel(Part):
    """How long an application may take; past it, 504."""

    connect_s: Seconds = Field(5, description="seconds until it is reached")
    header_s: Seconds = Field(60, description="seconds until its answer begins; more for a slow report")
    idle_s: Seconds = Field(30, description="seconds of silence within its answer, or within what it takes of a body")
    total_s: Seconds | None = Field(None, description="seconds of the whole exchange; none, so that large files pass")


class UpstreamModel(Part):
    """One of several upstreams, and its share of the requests."""

    url: Annotated[
        str, Field(min_length=1, max_length=1024, description="http://HOST:PORT, https://HOST or unix:PATH; no path")
    ]
    weight: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="its share beside the weights of the others")


def _as_list(written: object) -> object:
    """One URL is a list of one; a URL alone in a list has the weight 1."""
    entries = written if isinstance(written, list) else [written]
    if not all(isinstance(entry, str | dict) for entry in entries) or isinstance(written, dict):
        raise PydanticCustomError("upstream_type", "one URL or a list")
    return [{"url": entry} if isinstance(entry, str) else entry for entry in entries]


Upstreams = Annotated[
    list[UpstreamModel],
    Field(min_length=1, max_length=100, description="http://HOST:PORT, https://HOST or unix:PATH; several share"),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str | UpstreamModel]),
]


class TlsModel(Part):
    """How `https` upstreams are spoken to; PEM files, relative to this file's folder."""

    ca_file: FilePath | None = Field(None, description="authorities believed instead of the system's")
    client_cert: FilePath | None = Field(None, description="the gateway's certificate, where the application wants one")
    client_key: FilePath | None = Field(None, description="its private key, without a password")
    server_name: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        None, description="SNI, and the name in the certificate; without it, the upstream's host"
    )


class HealthModel(Part):
    """How upstreams are asked whether they are well: two failures in a row take one out, one success brings it back."""

    path: Annotated[
        str, Field(pattern=r"^/[!-\"$-~]*$", max_length=1024, description="asked with GET; 2xx or 3xx is well")
    ]
    every_s: Annotated[float, Field(ge=1, le=3600, strict=False)] = Field(10, description="seconds between two")


class RouteModel(Part):
    """One path of one host, and the application behind it."""

    host: str | None = Field(
        None, description="a name without a port, exactly; without it, the host of `public_url`; no wildcards"
    )
    path: Annotated[
        str,
        Field(pattern=r"^/", description="`/x` covers `/x` and `/x/…`; `/x/` what is below it; the longest path wins"),
    ]
    methods: list[Annotated[str, Field(pattern=r"^[A-Z]+(-[A-Z]+)*$")]] | None = Field(
        None, description="without it GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS; another method is 405"
    )
    upstream: Upstreams
    policy: Annotated[Names, Field(description="`cantine` is policies/cantine.yaml")]
    name: Names | None = Field(None, description="in logs, metrics and assertions (`rid`); without it, host and path")
    audience: Names | None = Field(
        None, description="`aud` of the signature, which the application compares; without it, the public address"
    )
    sign: Literal["jwt", "none", "hmac", "rfc9421"] = Field(
        "jwt", description="form of the signature; `none` only where nobody else reaches the application"
    )
    secret: Secret | None = Field(None, description="of `sign: hmac`: shared with the application, 32 bytes or more")
    encoding: Literal["utf-8", "latin-1", "percent", "base64", "rfc8187"] | None = Field(
        None, description="of the injected values; without it, the policy's"
    )
    body: Literal["digest", "unbound"] = Field(
        "digest", description="`digest`: held until whole, and signed; `unbound`: streamed, and not signed"
    )
    digest_max_bytes: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        1_000_000, description="a longer body leaves `unbound`; over 1 MB needs a temporary folder to write in"
    )
    preserve_host: bool = Field(
        True, description="the application sees the public host; false: the upstream's own. The signed host follows"
    )
    strip_prefix: Annotated[str, Field(pattern=r"^/.*[^/]$")] | None = Field(
        None, description="taken off the path before it is sent: `/cantine`"
    )
    add_prefix: Annotated[str, Field(pattern=r"^/.*[^/]$")] | None = Field(
        None, description="put before the path that is sent: `/app`"
    )
    websocket: bool = Field(False, description="lets a WebSocket through; else an upgrade is refused (501)")
    timeouts: TimeoutsModel = Field(
        default_factory=lambda: TimeoutsModel.model_validate({}), description="how long the application may take"
    )
    max_body_bytes: Annotated[int, Field(ge=0)] | None = Field(
        None, description="a longer body is 413; without it, no limit of the gateway's own"
    )
    allow_in_path: list[Literal["semicolon", "encoded_slash"]] = Field(
        [], description="`;` or `%2F` in paths, for an old application that needs them; else 400"
    )
    tls: TlsModel | None = Field(None, description="of https upstreams; without it, the system's authorities")
    health: HealthModel | None = Field(None, description="without it, an upstream is judged by its answers alone")
