"""What we ask of the outside: Protocols and their plain types. No I/O here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.core.errors import DependencyFailed
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
    VerifiedClaims,
)
from gateway.core.quota import Turn
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
    browser: str | None = field(default=None, repr=False)
    """Whose place in the line this enquiry uses: the digest that the login transaction is bound to."""
    until: float | None = None
    """Unix seconds: an answer that comes later is of no use, because the access token is dead."""


class PlaceLine(Protocol):
    """Places of one's own for a call that is made later, and the line before them; shared by all workers."""

    async def join(self, browser: str, *, keep_s: float, keep_share: float = 0) -> Turn:
        """A place, or a turn in the line: kept for `keep_s` and that share of the wait, unless the browser returns."""
        ...

    async def stay(self, browser: str, *, keep_s: float, keep_share: float = 0) -> Turn:
        """The same for a browser that has one of the two already."""
        ...

    async def leave(self, browser: str) -> None: ...

    def alone(self, name: str, *, hold_s: float, patience_s: float) -> AbstractAsyncContextManager[bool]:
        """One at a time under this name, on all workers; False when the others took longer than `patience_s`."""
        ...


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

    async def revoke(self, *, provider: str = "", sub: str = "", sid: str = "") -> int:
        """Drop the sessions of a person (provider and sub), of a provider's session (provider and sid), or all.

        With both `sub` and `sid`, the one that `sid` names, if it is that person's. Returns how many there were.
        """
        ...


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


class Metrics(Protocol):
    """Numbers for the operator. A name stands in the catalogue; a label is a code or a configured name, never a person.

    Calls never wait and never raise for lack of room.
    """

    def decided(self, line: AuditLine, waited_s: float | None) -> None:
        """One decision, and how long the upstream took to begin its answer; None when there was none."""
        ...

    def count(self, name: str, **labels: str) -> None: ...

    def observe(self, name: str, seconds: float, **labels: str) -> None: ...

    def set(self, name: str, value: float, **labels: str) -> None: ...
