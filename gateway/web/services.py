"""What the web tier is handed by `app.py`: settings, ports, and the small tools of a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from gateway.core.model import Source
from gateway.core.reference import reference_of
from gateway.core.routing import RouteTable
from gateway.core.signing import Signer
from gateway.dispute_ports import ActionLine, AgentSessionStore, Announcer, DisputeStore
from gateway.ports import (
    Clock,
    EndedLoginStore,
    FormStore,
    HandoffStore,
    HouseholdSource,
    IdentityProvider,
    NewToken,
    PlaceLine,
    Sleep,
    TransactionStore,
)
from gateway.settings import Settings
from gateway.trace_ports import AuditLine, Metrics
from gateway.upstream_ports import UpstreamClient
from gateway.web.cookies import Cookies
from gateway.web.live import LiveAnswers
from gateway.web.open_sessions import OpenSessions
from gateway.web.outages import Outages
from gateway.web.pages import Pages
from gateway.web.readiness import Readiness

if TYPE_CHECKING:
    from gateway.web.forward import Permit

_PARIS = ZoneInfo("Europe/Paris")


class Log(Protocol):
    """One event with codes; the chain behind it lets only known fields through."""

    def __call__(self, event: str, **codes: object) -> None: ...


class Attempts(Protocol):
    """A bounded number of tries for one key in a while."""

    async def allowed(self, key: str) -> bool: ...


class LogoutTokens(Protocol):
    """Which of a provider's logout tokens have done their work."""

    async def is_spent(self, provider: str, jti: str) -> bool: ...

    async def spend(self, provider: str, jti: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    routes: RouteTable
    providers: Mapping[str, IdentityProvider]
    sources: Mapping[Source, HouseholdSource]
    lines: Mapping[Source, PlaceLine]
    """Before each source: places for calls that are made at the return from the provider."""
    sessions: OpenSessions["Permit"]
    """Every call reaches the store; only `peek` reads what was read less than a second ago."""
    live: LiveAnswers
    transactions: TransactionStore
    handoffs: HandoffStore
    forms: FormStore
    """POSTs that a login interrupted."""
    loops: Attempts
    """Logins that one browser finished for one route in a short while."""
    upstream: UpstreamClient
    signer: Signer
    jwks: Mapping[str, object]
    stripped: frozenset[str]
    """Folded names of every header that any policy can inject: no client may say them, on any route."""
    cookies: Cookies
    pages: Pages
    attempts: Attempts
    departures: Attempts | None
    """Of one address for a provider; None: not counted."""
    disputes: DisputeStore | None
    """None: what is contested is withheld for the session only."""
    announcer: Announcer | None
    agents: AgentSessionStore
    trace: Callable[[ActionLine], None]
    logout_tokens: LogoutTokens
    """Each of a provider's logout tokens counts once."""
    ended_logins: EndedLoginStore
    client_keys: Mapping[str, object]
    """Public halves of what we authenticate with at providers; nothing that applications should believe."""
    readiness: Readiness
    outages: Outages
    audit: Callable[[AuditLine], None]
    metrics: Metrics
    log: Log
    clock: Clock
    sleep: Sleep
    new_token: NewToken = field(repr=False)

    @property
    def now(self) -> int:
        return int(self.clock())

    @property
    def today(self) -> date:
        """Schedules and birthdays follow the date in Paris."""
        return datetime.fromtimestamp(self.clock(), _PARIS).date()

    @property
    def day_ends_at(self) -> float:
        """The next midnight in Paris, Unix seconds."""
        return datetime.combine(self.today + timedelta(days=1), time(), _PARIS).timestamp()

    def new_reference(self) -> str:
        """What a page shows, what the log and the assertion carry."""
        return reference_of(self.new_token())
