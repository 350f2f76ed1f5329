"""What we ask of the outside: Protocols and their plain types. No I/O here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.model import (
    Absent,
    CafNumber,
    Household,
    Identity,
    LoginTransaction,
    Need,
    Session,
    SessionId,
    VerifiedClaims,
)
from gateway.core.rules import Mode, Route

Clock = Callable[[], float]
"""Unix seconds. Tests move it by hand."""

Sleep = Callable[[float], Awaitable[None]]

NewToken = Callable[[], str]
"""256 fresh random bits as 64 hex characters."""

HeaderList = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished exchange with an identity provider, all of it verified."""

    id_claims: VerifiedClaims = field(repr=False)
    userinfo: VerifiedClaims = field(repr=False)
    id_token: str = field(repr=False)
    """The signed (decrypted) ID token: logout needs it back as it was."""
    access_token: str = field(repr=False)
    """Lives 60 s at FranceConnect: used within the callback or never."""
    scopes: frozenset[str]


class IdentityProvider(Protocol):
    """An OpenID provider; every failure is `LoginFailed` or `DependencyFailed`."""

    @property
    def name(self) -> str: ...

    @property
    def issuer(self) -> str: ...

    async def authorization_url(self, transaction: LoginTransaction) -> str: ...

    async def exchange(self, transaction: LoginTransaction, code: str) -> SignedIn: ...

    async def end_session_url(self, id_token: str, state: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class HouseholdRequest:
    """One enquiry. Which of the last three is used follows from `mode`."""

    mode: Mode
    needs: frozenset[Need]
    access_token: str | None = field(default=None, repr=False)
    identity: Identity | None = None
    number: CafNumber | None = None


class HouseholdSource(Protocol):
    """CAF and MSA. Trouble is an answer too (`Absent`): it never raises for what the source said."""

    async def fetch(self, request: HouseholdRequest) -> Household | Absent: ...


class SessionStore(Protocol):
    """Sessions by id. An expired one is gone; `DependencyFailed("session-store", …)` when it cannot be asked."""

    async def create(self, session: Session) -> None: ...

    async def load(self, session_id: SessionId) -> Session | None: ...

    async def replace(self, session: Session) -> bool:
        """False if the id is gone: a logout that happened meanwhile must win."""
        ...

    async def drop(self, session_id: SessionId) -> None: ...


class TransactionStore(Protocol):
    """Login transactions, each of them usable once."""

    async def begin(self, transaction: LoginTransaction) -> None: ...

    async def consume(self, state: str) -> LoginTransaction | None:
        """The transaction, to the first caller only."""
        ...

    async def return_to(self, state: str) -> str | None:
        """Where an already consumed transaction was going, while it is remembered."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """Exactly what goes on the wire."""

    route: Route
    method: str
    target: bytes
    headers: HeaderList = field(repr=False)
    body: AsyncIterator[bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    status: int
    headers: HeaderList = field(repr=False)
    body: AsyncIterator[bytes] = field(repr=False)
    close: Callable[[], Awaitable[None]] = field(repr=False)


class UpstreamClient(Protocol):
    """Forwards one request; raises `DependencyFailed("upstream", …)`. Redirects are passed on, never followed."""

    async def forward(self, request: UpstreamRequest) -> UpstreamResponse: ...


@dataclass(frozen=True, slots=True)
class Handoff:
    """A session carried from the callback's host to another host that the gateway protects."""

    session_id: SessionId = field(repr=False)
    host: str
    browser: str = field(repr=False)
    """Digest of the browser cookie on the host that asked: the ticket is worthless in another browser."""
    return_to: str


class HandoffStore(Protocol):
    """One-time tickets that live for seconds."""

    async def leave(self, ticket: str, handoff: Handoff) -> None: ...

    async def take(self, ticket: str) -> Handoff | None:
        """The handoff, to the first caller only."""
        ...


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One decision, in codes: who decided what about which route, never about whom."""

    decision_id: str
    route: str
    policy: str
    policy_version: str
    outcome: str
    """allow, deny, alternative, authenticate, ask."""
    reason: str
    household_status: str | None
    provider: str | None
    method: str
    status: int
    duration_ms: int
