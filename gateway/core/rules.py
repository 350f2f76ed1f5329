"""What an operator writes, once it is checked: policies and routes, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from gateway.core.model import Acr, HouseholdStatus, Need, NormalPath, Source
from gateway.core.ways import Way


class Mode(StrEnum):
    """How the household is looked up."""

    FRANCECONNECT = "franceconnect"
    IDENTITY = "identity"
    NUMBER = "number"


class Missing(StrEnum):
    """What to do when a household has no value to give."""

    FORWARD = "forward"
    ALTERNATIVE = "alternative"
    DENY = "deny"


class Encoding(StrEnum):
    UTF_8 = "utf-8"
    LATIN_1 = "latin-1"
    PERCENT = "percent"
    BASE64 = "base64"
    RFC8187 = "rfc8187"


@dataclass(frozen=True, slots=True)
class Login:
    acr: Acr
    optional: bool = False
    providers: tuple[str, ...] = ()
    """Names in `identity:`; empty means any."""


@dataclass(frozen=True, slots=True)
class HouseholdRule:
    """How one source is asked, and what happens without an answer. The childcare source has the same."""

    mode: Mode
    match: bool
    """False only in number mode without a login."""
    review: bool
    when_missing: Mapping[HouseholdStatus, Missing]
    default: Missing
    child_age: "Test | None" = None
    """What some child of the file must be, in whole years; without one, an agent looks at it (`pending_review`)."""

    @property
    def way(self) -> Way:
        return Way(self.mode.value) if self.match else Way.NUMBER_ALONE

    def on(self, status: HouseholdStatus) -> Missing:
        return self.when_missing.get(status, self.default)


@dataclass(frozen=True, slots=True)
class Bracket:
    name: str
    up_to: int | None
    """Inclusive, whole euros; None is «and above»."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A tariff voted by the council, in force from a date."""

    valid_from: date
    brackets: tuple[Bracket, ...]
    council_decision: str
    zero_is_a_value: bool = True


@dataclass(frozen=True, slots=True)
class Scale:
    """The national scale of nursery contributions, in force from a date: figures that CNAF publishes, never code."""

    valid_from: date
    published: str
    """Where the figures come from, in words for the notice."""
    rates: tuple[tuple[int, Decimal], ...]
    """(from this number of children, percent of a month's resources for one hour), the number going up from 1."""
    floor: Decimal
    """Least monthly resources that count, in euros."""
    ceiling: Decimal


class Operator(StrEnum):
    IS = "is"
    IN = "in"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    SOME = "some"
    EVERY = "every"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Test:
    """One operator and its operand; `some` and `every` hold another Test."""

    __test__ = False  # not a pytest class

    operator: Operator
    operand: object


@dataclass(frozen=True, slots=True)
class Condition:
    fact: str
    test: Test


@dataclass(frozen=True, slots=True)
class Conditions:
    """Without any condition it lets nobody in."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] | None = None
    """None: not written. An empty one is false, as none of it is true."""
    none: tuple[Condition, ...] = ()

    def each(self) -> tuple[Condition, ...]:
        return self.all + (self.any or ()) + self.none


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads, by language; French is always there."""

    fr: str
    en: str | None = None

    def __str__(self) -> str:
        return self.fr

    def __bool__(self) -> bool:
        return bool(self.fr)


@dataclass(frozen=True, slots=True)
class WayOut:
    """A link with its label: the alternative path, or where a refusal sends. The rest is the alternative's alone."""

    url: str | None
    text: Text
    documents: Text | None = None
    """What to send."""
    how: Text | None = None
    """By which ways: upload, post, counter with its address and hours."""
    delay: Text | None = None
    meanwhile: Text | None = None
    """The tariff until then."""
    retroactive: bool | None = None
    """Whether the tariff is corrected from the start; None: the policy does not say."""
    special: "WayOut | None" = None
    """Where somebody goes whom asking CAF cannot help: a foster family, an emergency place, resources unknown."""


@dataclass(frozen=True, slots=True)
class Injection:
    """`header` receives the fact's value, or the constant when `fact` is `const`."""

    header: str
    fact: str
    const: str | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """Computed from the policy, never typed twice."""

    claims: frozenset[str] = frozenset()
    """OIDC scopes of the identity (`openid`, `identite_pivot`, `email` …)."""
    blocks: frozenset[Need] = frozenset()
    """Household blocks to ask for, the match's included."""
    fields: frozenset[str] = frozenset()
    """Facts of the sources to keep once the match is done."""

    def of(self, source: Source) -> "Needs":
        """The same for one source alone, without the login's."""
        blocks = frozenset(block for block in self.blocks if block.source is source)
        return Needs(frozenset(), blocks, frozenset(fact for fact in self.fields if fact.startswith(f"{source}.")))


@dataclass(frozen=True, slots=True)
class Lookup:
    """One source that a policy asks: worked out once from the policy."""

    source: Source
    rule: HouseholdRule
    needs: Needs
    wanted: tuple[str, ...]
    """The values of this source that are injected, what is computed from them included."""

    @property
    def key(self) -> tuple[Source, Way]:
        """Whose answers it reads: those of its source that were obtained in its way."""
        return self.source, self.rule.way


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    version: str
    """First 12 hex digits of the SHA-256 of the file."""
    purpose: str
    legal_basis: str | None = None
    retention: str | None = None
    keeps_s: int | None = None
    """Seconds that its answer is kept, read from `retention`; None: as long as the session."""
    login: Login | None = None
    household: HouseholdRule | None = None
    childcare: HouseholdRule | None = None
    alternative: WayOut | None = None
    refused: WayOut | None = None
    schedules: tuple[Schedule, ...] = ()
    """Oldest first."""
    scales: tuple[Scale, ...] = ()
    """Oldest first."""
    inject: tuple[Injection, ...] = ()
    allow: Conditions | None = None
    encoding: Encoding = Encoding.PERCENT
    needs: Needs = field(default_factory=Needs)
    english: Mapping[str, str] = field(default_factory=dict)
    """What was written in English of `purpose`, `legal_basis` and `retention`."""
    lookups: tuple[Lookup, ...] = ()
    """The sources that are asked, in the order of `Source`; made with `needs`."""

    @property
    def rules(self) -> Mapping[Source, HouseholdRule]:
        """The sources that the policy speaks of, asked or not."""
        written = {Source.HOUSEHOLD: self.household, Source.CHILDCARE: self.childcare}
        return {source: rule for source, rule in written.items() if rule is not None}

    def text(self, name: str) -> Text:
        """`purpose`, `legal_basis` or `retention`, for people to read."""
        return Text(getattr(self, name) or "", self.english.get(name))

    @property
    def needs_session(self) -> bool:
        """Whether who asks can matter; elsewhere a session is not even looked for."""
        return self.login is not None or bool(self.rules)

    @property
    def varies_by(self) -> frozenset[str]:
        """Facts of the request itself that a decision, or what the application is told, depends on."""
        tested = {condition.fact for condition in self.allow.each()} if self.allow else set[str]()
        named = tested | {injection.fact for injection in self.inject}
        return frozenset(fact for fact in named if fact.startswith("request.") or fact == "gateway.decision_id")

    @property
    def tag(self) -> str:
        """What a review is tied to: the same values under a changed policy are reviewed anew."""
        return f"{self.name}@{self.version}"


class PathException(StrEnum):
    """Irregular path spellings that a route may accept for an old application."""

    SEMICOLON = "semicolon"
    ENCODED_SLASH = "encoded_slash"


@dataclass(frozen=True, slots=True)
class Timeouts:
    connect_s: float = 5
    header_s: float = 60
    idle_s: float = 30
    total_s: float | None = None


class SignatureForm(StrEnum):
    """How a route's requests are signed (fact: product contract)."""

    JWT = "jwt"
    HMAC = "hmac"
    RFC9421 = "rfc9421"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Upstream:
    """One place that serves a route."""

    scheme: str
    """`http` or `https`."""
    host: str
    port: int
    weight: int = 1
    socket: str = ""
    """Path of a Unix socket (`unix:/run/app.sock`); then `host` is `localhost`."""

    @property
    def authority(self) -> str:
        default = {"http": 80, "https": 443}[self.scheme]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == default else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How an `https` upstream is spoken to. Files are PEM; empty means the system's authorities, no client key."""

    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    server_name: str = ""
    """SNI and the name that the certificate must bear; empty means the upstream's host."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """GET `path` on every upstream; two failures in a row take it out, one success brings it back."""

    path: str
    every_s: float = 10


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    host: str
    """Lower case, with its port when that is not the scheme's own."""
    path: NormalPath
    """`/x` covers `/x` and `/x/…`; `/x/` covers what is below."""
    upstreams: tuple[Upstream, ...]
    """At least one."""
    policy: Policy
    audience: str
    methods: frozenset[str] = frozenset()
    """Empty means the usual ones (`core.routing.USUAL_METHODS`)."""
    sign: SignatureForm = SignatureForm.JWT
    secret: bytes = field(default=b"", repr=False)
    """Shared with the application; `sign: hmac` only."""
    encoding: Encoding = Encoding.PERCENT
    digest_max_bytes: int | None = 1_000_000
    """None: the body is `unbound`."""
    preserve_host: bool = True
    strip_prefix: str = ""
    add_prefix: str = ""
    websocket: bool = False
    timeouts: Timeouts = Timeouts()
    max_body_bytes: int | None = None
    allow_in_path: frozenset[PathException] = frozenset()
    tls: UpstreamTls = UpstreamTls()
    health: HealthCheck | None = None
