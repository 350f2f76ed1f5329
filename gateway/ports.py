"""What we ask of the outside: Protocols and their plain types. No I/O here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.core.disputes import Dispute, State
from gateway.core.errors import DependencyFailed, RequestRejected
from gateway.core.http1.response import ResponseHead
from gateway.core.model import (
    Absent,
    CafNumber,
    Household,
    Identity,
    LoginTransaction,
    Need,
    Session,
    SessionId,
    Standing,
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


class UpstreamRequest(NamedTuple):
    """Exactly what goes on the wire."""

    route: Route
    method: str
    head: bytes
    """The whole head, its blank line included; carries names and values: never logged, never shown."""
    length: int
    """Bytes of body that follow, as the head declares them; 0 is none; `fields.CHUNKED`."""
    upgrade: bool = False
    """A WebSocket handshake: 101 is an answer, and then both ends speak raw bytes."""

    def __repr__(self) -> str:
        return f"UpstreamRequest(route={self.route.name!r}, method={self.method!r})"


class Answer(Protocol):
    """Who receives one upstream answer, called on the event loop: `started`, `received`…, then `ended`.

    `failed` may come instead at any point and is the last call: `DependencyFailed("upstream", …)`.
    """

    def started(self, head: ResponseHead) -> None:
        """The final head (100 and 103 were dropped). After 101, `received` is raw bytes until `ended`."""
        ...

    def received(self, piece: bytes) -> None:
        """Body, without its chunked coding."""
        ...

    def ended(self) -> None: ...

    def failed(self, error: DependencyFailed) -> None: ...

    def pause_body(self) -> None:
        """The upstream takes no more for now: stop reading the client."""
        ...

    def resume_body(self) -> None: ...


class Sending(Protocol):
    """Our end of a request under way. Calls after the end of the answer do nothing."""

    def send(self, piece: bytes) -> None:
        """Body bytes, uncoded: the adapter writes the chunks of a chunked request. After 101: raw bytes."""
        ...

    def finish(self) -> None:
        """The body is whole. A request of `length` 0 is finished from the start."""
        ...

    def pause_answer(self) -> None:
        """The client takes no more for now: stop reading the upstream."""
        ...

    def resume_answer(self) -> None: ...

    def abort(self) -> None:
        """The client is gone: close the connection, call the answer no more."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    head: ResponseHead = field(repr=False)
    body: AsyncIterator[bytes] = field(repr=False)
    close: Callable[[], None] = field(repr=False)


class UpstreamClient(Protocol):
    """Forwards requests. Redirects are passed on, never followed; a connection that did anything odd is never reused.

    An idempotent request without a body is tried again, once, when a kept connection turns out to be dead; any request
    is, on another upstream of the route, when nothing of it was written.
    """

    async def open(self, routes: Iterable[Route]) -> None:
        """Serve these routes from now on: at the start, and again at each reload."""
        ...

    def start(self, request: UpstreamRequest, answer: Answer) -> Sending:
        """Begin at once: without waiting when a kept connection is free. Never raises: trouble is `answer.failed`."""
        ...

    async def forward(self, request: UpstreamRequest, body: AsyncIterator[bytes] | None) -> UpstreamResponse:
        """The same for one who awaits: returns as soon as the answer's head is there; raises `DependencyFailed`."""
        ...


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


class DisputesFull(RequestRejected):
    """One person has as many disputes as are kept."""

    def __init__(self) -> None:
        super().__init__("disputes_full", 429)


class DisputeStore(Protocol):
    """What people say against the use of their data. `DependencyFailed` when it cannot be asked."""

    async def standing(self, identity: Identity) -> Standing:
        """What holds against this person's data now: one read, on the path of each request."""
        ...

    async def of(self, identity: Identity) -> Sequence[Dispute]:
        """This person's, oldest first."""
        ...

    async def open(self, identity: Identity, dispute: Dispute) -> Dispute:
        """Keep it, or give back the one that is open already about the same thing. `DisputesFull` beyond the bound."""
        ...

    async def withdraw(self, identity: Identity, reference: str) -> bool:
        """Forget one of this person's own; False when it is not theirs."""
        ...

    async def find(self, reference: str) -> Dispute | None:
        """Anybody's: for agents and the operator only."""
        ...

    async def listed(self, *, only_open: bool) -> Sequence[Dispute]:
        """Everybody's, oldest first: for agents and the operator only."""
        ...

    def pseudonym(self, provider: str, sub: str) -> str:
        """How traces name an agent: the same one always, and nobody's to guess."""
        ...

    async def settle(self, reference: str, outcome: State, by: str) -> Dispute | None:
        """Answer once; None when it is unknown, or when this answer may not follow the one it has."""
        ...


@dataclass(frozen=True, slots=True)
class AgentSession:
    """An agent who signed in: nothing of CAF is ever in it."""

    id: SessionId = field(repr=False)
    provider: str
    sub: str = field(repr=False)
    expires_at: int
    """Unix seconds of the absolute end."""
    id_token: str = field(repr=False)


class AgentSessionStore(Protocol):
    """Agents' sessions by id, ended by idleness too."""

    async def create(self, session: AgentSession) -> None: ...

    async def load(self, session_id: SessionId) -> AgentSession | None: ...

    async def drop(self, session_id: SessionId) -> None: ...


class Announcer(Protocol):
    """Tells the service of disputes. It never fails, and never loses one."""

    async def leave(self, reference: str, kind: str, about: str) -> None:
        """`kind` is `contest` or `objection`; `about` the datum or the policy."""
        ...

    async def round(self) -> None:
        """Wait for word, or for a while, then carry what is due."""
        ...


Count = Callable[..., None]
"""`count(name, *codes)`: one more of a closed list of names (docs/disputes.md), for the metrics."""


class ActionLine(NamedTuple):
    """What a person or an agent did about a dispute, in codes: no value, no name."""

    reference: str
    action: str
    """`contest`, `objection` or `withdrawal`; of an agent: `login`, `refused`, `list`, `read`, `settle`."""
    about: str
    """The datum, or the policy objected to."""
    outcome: str
    """The state that follows."""
    by: str
    """`person`, `operator`, or an agent's pseudonym."""


class AuditLine(NamedTuple):
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
