"""What the configuration became: frozen values that config, adapters and app share. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from gateway.core.forwarded import Network, is_listed
from gateway.core.model import Source
from gateway.core.rules import Policy, Route
from gateway.relying_party import ProviderSettings


@dataclass(frozen=True, slots=True)
class Quotas:
    """What API Particulier accepts of us, and how the line before FranceConnect is kept."""

    franceconnect_per_minute: int = 30
    franceconnect_per_hour: int = 600
    token_per_second: int = 20
    address_per_minute: int = 1000
    """Of all calls together, whatever their mode."""
    place_s: int = 180
    """How long a place is held for a person who is at FranceConnect."""
    waiting_at_most: int = 20_000


@dataclass(frozen=True, slots=True)
class ApiParticulierSettings:
    """Where households are asked for, and as whom."""

    base_url: str
    """Scheme and host, with a path prefix for a broker that has one."""
    recipient: str
    """SIRET of the authority entitled to the data, never its vendor's."""
    token: str | None = field(default=None, repr=False)
    """The habilitation's own; None when FranceConnect's token is the only credential."""
    connect_s: float = 4
    read_s: float = 22
    """Longer than API Particulier's own 10 + 10 s, so that its 504 is heard."""
    ca_file: Path | None = None
    quotas: Quotas = Quotas()


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that was read and checked at start: `image/svg+xml` without script or reference, or `image/png`."""

    content: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class Accessibility:
    """What the declaration says (law of 11 February 2005, article 47). Without an audit, `state` is empty."""

    state: str = ""
    """`non conforme`, `partiellement conforme` or `totalement conforme`: the three words of the law."""
    rate: int | None = None
    """Per cent of the RGAA criteria that apply."""
    audited_on: date | None = None
    audited_by: str = ""
    contact: str = ""
    """E-mail, or an https address; the DPO's when empty."""
    known_issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody else who has a hand in the data; `processors` and `recipients` of the register."""

    name: str
    role: str
    country: str
    """ISO 3166."""
    outside: bool
    """Of the European Economic Area; then `safeguards` is not empty."""
    safeguards: str
    policies: frozenset[str]
    """Empty means all."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The local authority, as pages and API Particulier name it."""

    name: str
    siret: str
    dpo: str
    colour: str = "#0b4f6c"
    logo: Picture | None = None
    accessibility: Accessibility = Accessibility()
    processors: tuple[Party, ...] | None = None
    recipients: tuple[Party, ...] | None = None
    """None: not written, which is not «none»."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where clients connect: a host and a port, or a Unix socket."""

    host: str = ""
    port: int = 0
    socket: str = ""
    """Absolute path of a Unix socket; then host and port mean nothing."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"unix:{self.socket}" if self.socket else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may send."""

    header_fields: int = 100
    head_bytes: int = 32_768
    target_bytes: int = 8_192
    head_s: float = 10
    idle_s: float = 30
    kept_post_bytes: int = 262_144
    """Of a form that a login interrupts; 0 keeps none."""
    logins_per_minute_per_address: int | None = None
    """Departures for a provider; None: not counted."""


class RedisKind(StrEnum):
    ONE = "one"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Which Redis or Valkey, and as whom."""

    kind: RedisKind
    hosts: tuple[tuple[str, int], ...]
    """The server; or the sentinels; or some nodes of the cluster, which name the others."""
    service: str = ""
    """What the sentinels call the server."""
    db: int = 0
    tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)
    """Sentinels have credentials of their own, or none; the server's are never sent to them."""
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    """Absolute paths of PEM files; empty: the system's authorities, no certificate of ours."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    store: str
    """`memory:`, `sqlite:ABSOLUTE PATH`, or the address of a Redis as it was written."""
    idle_s: int
    absolute_s: int
    secrets: tuple[bytes, ...] = field(repr=False)
    """Newest last: the last one signs, all verify."""
    redis: RedisSettings | None = None


@dataclass(frozen=True, slots=True)
class SigningSettings:
    key_pem: bytes = field(repr=False)
    previous: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class EmailSettings:
    host: str
    port: int
    tls: str
    """`starttls`, `implicit` or `none`."""
    sender: str
    to: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None
    """Authorities believed instead of the system's: an absolute path."""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    url: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DisputeSettings:
    """Contests and objections kept beyond the session."""

    store: str
    """`memory:`, `sqlite:ABSOLUTE PATH`, or the address of the sessions' Redis."""
    key: bytes = field(repr=False)
    retention_s: int
    """After an agent's answer."""
    answer_within_days: int
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
    agents_provider: str = ""
    """Empty: nobody answers on a page, the command line alone does."""
    agents: frozenset[str] = field(default=frozenset(), repr=False)
    """`sub` of each."""


@dataclass(frozen=True, slots=True)
class Settings:
    """gateway.yaml and its policies, checked."""

    public_url: str
    """Without a slash at the end."""
    authority: Authority
    listen: Listen
    trusted_proxies: tuple[Network, ...]
    trust_unix: bool
    """Whether who connects through the Unix socket counts as a listed proxy."""
    forward_auth: bool
    """Whether listed proxies may ask `/_gateway/auth`."""
    workers: int
    providers: tuple[ProviderSettings, ...]
    household: ApiParticulierSettings | None
    childcare: ApiParticulierSettings | None
    """Equal to `household` when both are asked at one place with one token: then they share one quota."""
    sessions: SessionSettings
    signing: SigningSettings
    limits: Limits
    routes: tuple[Route, ...]
    policies: Mapping[str, Policy]
    production: bool
    disputes: DisputeSettings | None = None
    """None: a contest lasts as long as its session."""
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By language: sentence of our pages, in French → what is shown instead."""
    buttons: Mapping[str, tuple[Picture, Picture]] = field(default_factory=dict)
    """By name in `identity:`: the pair of pictures shown instead of the official button's style sheet."""
    notes: tuple[str, ...] = ()
    """What `gateway check` says that is not a mistake."""
    admin: Listen | None = None
    """Where metrics are read; None: nowhere."""
    version: str = ""
    """A digest of the files that this was read from."""

    @property
    def sources(self) -> Mapping[Source, ApiParticulierSettings]:
        """What is asked of CAF and MSA, and where."""
        both = {Source.HOUSEHOLD: self.household, Source.CHILDCARE: self.childcare}
        return {source: asked for source, asked in both.items() if asked is not None}

    @property
    def host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    @property
    def scheme(self) -> str:
        """What the browser sees: `https`, or `http` on loopback."""
        return self.public_url.partition(":")[0]

    def trusts(self, peer: str) -> bool:
        """Whether what this peer says of the original request is believed; an empty list is nobody."""
        return is_listed(peer, self.trusted_proxies, trust_unix=self.trust_unix)

    def origin_of(self, route: Route) -> str:
        """Scheme and authority of a route as the browser sees them."""
        return self.public_url if route.host == self.host else f"{self.scheme}://{route.host}"

    def needs_restart(self, new: "Settings") -> tuple[str, ...]:
        """What differs in `new` and cannot change while the gateway runs."""
        fixed = {
            "admin": (self.admin, new.admin),
            "listen": (self.listen, new.listen),
            "workers": (self.workers, new.workers),
            "sessions.store": (self.sessions.store, new.sessions.store),
            "sessions.password": (self.sessions.redis, new.sessions.redis),
            "disputes.store": (self._dispute_store, new._dispute_store),
        }
        return tuple(name for name, (now, wanted) in fixed.items() if now != wanted)

    @property
    def _dispute_store(self) -> str:
        return self.disputes.store if self.disputes else ""

    def providers_for(self, policy: Policy | None) -> tuple[ProviderSettings, ...]:
        """Whom a policy accepts: those that it names, or all but the agents' own."""
        wanted = policy.login.providers if policy and policy.login else ()
        agents = self.disputes.agents_provider if self.disputes else ""
        return tuple(each for each in self.providers if (each.name in wanted if wanted else each.name != agents))

    def accepts_port(self, port: int | None) -> bool:
        """No port, that of `public_url`, or its scheme's own."""
        return port is None or port in _ports_of(self.public_url)


@lru_cache(maxsize=16)
def _ports_of(public_url: str) -> frozenset[int | None]:
    public = urlsplit(public_url)
    return frozenset({public.port, {"http": 80, "https": 443}[public.scheme]})
