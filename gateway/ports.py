"""What we ask of the outside: Protocols and their plain types. No I/O here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.core.errors import DependencyFailed
from gateway.core.http1.response import ResponseHead
from gateway.core.model import (
    Absent,
    Acr,
    CafNumber,
    Household,
    Identity,
    LoginTransaction,
    Need,
    Session,
    SessionId,
    Source,
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
    """Lives 60 s at FranceConnect: used within the callback or never. Empty when it opens nothing elsewhere."""
    scopes: frozenset[str]
    acr: Acr
    """At least the level that the transaction asked for."""
    sid: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    """Empty unless the provider is asked again whether its session holds (`recheck_s`)."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The provider's session still holds."""

    refresh_token: str = field(repr=False)
    """The next one: providers may take the old one back."""


class Leaving(Protocol):
    """A logout that a provider tells us of, verified: of one of its sessions, of a person, or both."""

    @property
    def jti(self) -> str: ...

    @property
    def sub(self) -> str: ...

    @property
    def sid(self) -> str: ...


class IdentityProvider(Protocol):
    """An OpenID provider; every failure is `LoginFailed` or `DependencyFailed`."""

    @property
    def name(self) -> str: ...

    @property
    def issuer(self) -> str: ...

    @property
    def client_id(self) -> str: ...

    @property
    def vouches(self) -> bool:
        """Its identities are checked against the civil register: a household may be compared with them."""
        ...

    @property
    def origins(self) -> Sequence[str]:
        """Addresses that a form of ours may lead to, as far as they are known."""
        ...

    async def prepare(self) -> None:
        """Read the metadata that a login will need, if they were not yet."""
        ...

    async def authorization_url(self, transaction: LoginTransaction) -> str: ...

    async def check_issuer(self, iss: str | None) -> None:
        """Whether a callback that names this issuer, or none, can be this provider's (RFC 9207)."""
        ...

    async def exchange(self, transaction: LoginTransaction, code: str) -> SignedIn: ...

    async def refresh(self, refresh_token: str, sub: str, acr: Acr) -> Refreshed:
        """`LoginFailed` when the provider's session is over, or is not that person's at that level any more."""
        ...

    async def end_session_url(self, id_token: str, state: str) -> str | None: ...

    async def read_logout_token(self, token: str) -> Leaving: ...


@dataclass(frozen=True, slots=True)
class HouseholdRequest:
    """One enquiry. Which of access token, identity and number is used follows from `mode`."""

    mode: Mode
    needs: frozenset[Need]
    """Blocks of one source."""
    access_token: str | None = field(default=None, repr=False)
    identity: Identity | None = None
    number: CafNumber | None = None
    source: Source = Source.HOUSEHOLD
    place: str | None = field(default=None, repr=False)
    """Name of the place in the line that this enquiry uses."""
    until: float | None = None
    """Unix seconds: an answer that comes later is of no use, because the access token is dead."""


class PlaceLine(Protocol):
    """Places of one's own for a call that is made later, and the line before them; shared by all workers."""

    async def join(self, place: str, *, keep_s: float, keep_share: float = 0) -> Turn:
        """A place, or a turn in the line: kept for `keep_s` and that share of the wait, unless one asks again."""
        ...

    async def stay(self, place: str, *, keep_s: float, keep_share: float = 0) -> Turn:
        """The same for one that has one of the two already; nobody joins by it."""
        ...

    async def leave(self, place: str) -> None: ...

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

    async def amend(self, session_id: SessionId, change: Callable[[Session], Session]) -> Session | None:
        """Apply a change to the session as it is now. Of two at once none is lost: `change` may be applied anew.

        None if the id is gone: a logout that happened meanwhile must win.
        """
        ...

    async def drop(self, session_id: SessionId) -> None: ...

    async def revoke(self, *, provider: str = "", sub: str = "", sid: str = "") -> int:
        """Drop the sessions of a person (provider and sub), of a provider's session (provider and sid), or all.

        With both `sub` and `sid`, the one that `sid` names, if it is that person's. Returns how many there were.
        """
        ...


class TransactionStore(Protocol):
    """Login transactions, each of them usable once; `begin` is False for an address that has had its share of them."""

    async def begin(self, transaction: LoginTransaction, address: str = "") -> bool: ...

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
    heads: Mapping[str, bytes] = {}
    """By authority, for upstreams that are not told the same as the first."""

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


class EndedLoginStore(Protocol):
    """What providers and operators have ended, for as long as a login could have been under way meanwhile."""

    async def note(self, provider: str = "", *, sub: str = "", sid: str = "", signed: bool = True) -> None:
        """All of a person, of a provider's session, of both; of everybody. Not `signed`: anybody may have said so."""
        ...

    async def since(self, began: float, provider: str, *, sub: str, sid: str) -> bool:
        """Whether one that concerns this login came since that moment (Unix seconds)."""
        ...


class HandoffStore(Protocol):
    """One-time tickets that live for seconds."""

    async def leave(self, ticket: str, handoff: Handoff) -> None: ...

    async def take(self, ticket: str) -> Handoff | None:
        """The handoff, to the first caller only."""
        ...


@dataclass(frozen=True, slots=True)
class FormAbout:
    """Where an interrupted POST was going, and from where."""

    target: str
    """Path and query as they go on the wire."""
    host: str
    route: str
    content_type: str = field(repr=False)
    origin: str
    referer: str = field(repr=False)
    person: str = field(repr=False)
    """Digest of who was signed in; empty when nobody was."""
    kept_at: int
    tried: bool = False
    """It was sent, and no answer came: it may have arrived."""


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A POST that a login interrupted."""

    about: FormAbout
    body: bytes = field(repr=False)


class FormStore(Protocol):
    """Interrupted POSTs, each sealed with a ticket that only its browser holds."""

    async def keep(self, ticket: str, form: KeptForm, address: str) -> bool:
        """False when this address, or everybody together, has too many of them waiting."""
        ...

    async def put_back(self, ticket: str, form: KeptForm) -> None:
        """It was taken, and then could not be sent."""
        ...

    async def look(self, ticket: str) -> KeptForm | None: ...

    async def take(self, ticket: str) -> KeptForm | None:
        """The form, to the first caller only."""
        ...

    async def drop(self, ticket: str) -> None: ...


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
