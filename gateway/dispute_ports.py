"""What we ask of the outside about disputes: Protocols and their plain types. No I/O here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.core.disputes import Dispute, State
from gateway.core.errors import RequestRejected
from gateway.core.model import Identity, SessionId, Standing


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
    sid: str = field(default="", repr=False)
    """The provider's own name for its session, when it told one."""


class AgentSessionStore(Protocol):
    """Agents' sessions by id, ended by idleness too."""

    async def create(self, session: AgentSession) -> None: ...

    async def load(self, session_id: SessionId) -> AgentSession | None: ...

    async def drop(self, session_id: SessionId) -> None: ...

    async def revoke(self, *, provider: str, sub: str = "", sid: str = "") -> int:
        """Drop those of a person, of a provider's session, or of both at once; how many there were."""
        ...


class Announcer(Protocol):
    """Tells the service of disputes. It never fails, and never loses one."""

    async def leave(self, reference: str, kind: str, about: str) -> None:
        """`kind` is `contest` or `objection`; `about` the datum or the policy."""
        ...

    async def round(self) -> None:
        """Wait for word, or for a while, then carry what is due."""
        ...


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
