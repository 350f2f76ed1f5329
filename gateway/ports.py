"""What we ask of the outside: Protocols and their plain types. No I/O here."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

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
from gateway.core.rules import Mode

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
