"""What a person says against the use of their data, and what an agent answers; from both, what stands.

A contest is about one datum and holds for every service. An objection is about one service and every datum there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from gateway.core.facts import FACTS
from gateway.core.model import CARRIES_A_VALUE, HouseholdRecord, HouseholdStatus, Need, Standing
from gateway.core.rules import Needs

Key = TypeVar("Key")

TEXT_AT_MOST = 500
CONTACT_AT_MOST = 200

_NOT_CONTESTED = frozenset({"household.fund"})
"""Who answered is not what they answered: the source leaves with the other data of a policy."""


class State(StrEnum):
    """Where a dispute stands. All but the first are an agent's words."""

    OPEN = "open"
    SETTLED = "settled"
    """The value is right as it was obtained."""
    CORRECTED = "corrected"
    """CAF or MSA has corrected it: what was obtained before is asked again, and leaves as `settled`."""
    DOCUMENT_PROVIDED = "document_provided"
    VERIFIED_BY_AGENT = "verified_by_agent"
    REJECTED = "rejected"


OUTCOMES: dict[bool, tuple[State, ...]] = {
    True: (State.SETTLED, State.CORRECTED, State.DOCUMENT_PROVIDED, State.VERIFIED_BY_AGENT, State.REJECTED),
    False: (State.DOCUMENT_PROVIDED, State.VERIFIED_BY_AGENT),
}
"""What an agent may answer to a contest, and to an objection: nobody rejects an objection, no reason was asked."""

_AWAITING = frozenset({State.OPEN, State.DOCUMENT_PROVIDED})
"""States that another answer may follow; the others are final, and the person may contest anew."""

_STATUS = {
    State.SETTLED: HouseholdStatus.SETTLED,
    State.CORRECTED: HouseholdStatus.SETTLED,
    State.DOCUMENT_PROVIDED: HouseholdStatus.DOCUMENT_PROVIDED,
    State.VERIFIED_BY_AGENT: HouseholdStatus.VERIFIED_BY_AGENT,
}

_GRAVEST_FIRST = (
    HouseholdStatus.CONTESTED,
    HouseholdStatus.DOCUMENT_PROVIDED,
    HouseholdStatus.VERIFIED_BY_AGENT,
    HouseholdStatus.SETTLED,
)


@dataclass(frozen=True, slots=True)
class Dispute:
    """One contest or one objection. It never holds a CAF value."""

    reference: str
    """`K7QM-2F4D`"""
    datum: Need | None
    """What is contested; None for an objection."""
    policy: str
    """The service objected to; empty for a contest."""
    opened_at: int
    """Unix seconds."""
    state: State = State.OPEN
    settled_at: int = 0
    by: str = ""
    """Pseudonym of the agent, or `operator`."""
    text: str = field(default="", repr=False)
    """The person's own words, if any."""
    name: str = field(default="", repr=False)
    """Birth name and first given name, so that the service can answer."""
    contact: str = field(default="", repr=False)
    """What the person typed to be reached, if anything."""

    @property
    def is_contest(self) -> bool:
        return self.datum is not None

    @property
    def outcomes(self) -> tuple[State, ...]:
        """What an agent may answer now; nothing once the answer is final."""
        allowed = OUTCOMES[self.is_contest] if self.state in _AWAITING else ()
        return tuple(outcome for outcome in allowed if outcome is not self.state)

    def ends_at(self, retention_s: int) -> int | None:
        """When it is forgotten; None while only its person or an agent can end it."""
        return None if self.state is State.OPEN else self.settled_at + retention_s


def standing_of(disputes: Iterable[Dispute], *, now: int, retention_s: int) -> Standing:
    """What holds now: of several about one thing the newest counts, and what has ended counts no more."""
    data: dict[Need, HouseholdStatus] = {}
    services: dict[str, HouseholdStatus] = {}
    corrected: dict[Need, int] = {}
    for each in disputes:
        ends_at = each.ends_at(retention_s)
        over = ends_at is not None and ends_at <= now
        status = None if over else _status(each)
        if each.datum is None:
            _say(services, each.policy, status)
            continue
        _say(data, each.datum, status)
        if each.state is State.CORRECTED and not over:
            corrected[each.datum] = each.settled_at
    return Standing(data=data, services=services, corrected=corrected)


def _status(dispute: Dispute) -> HouseholdStatus | None:
    if dispute.state is State.OPEN:
        return HouseholdStatus.CONTESTED if dispute.is_contest else HouseholdStatus.DECLINED
    return _STATUS.get(dispute.state)


def _say(said: dict[Key, HouseholdStatus], key: Key, status: HouseholdStatus | None) -> None:
    said.pop(key, None)
    if status is not None:
        said[key] = status


def data_of(facts: Iterable[str]) -> frozenset[Need]:
    """The contestable data that these facts tell."""
    named = (FACTS[fact].block for fact in facts if fact in FACTS and fact not in _NOT_CONTESTED)
    return frozenset(block for block in named if block is not None)


def stands_against(policy: str, needs: Needs, standing: Standing, *, declined: bool) -> HouseholdStatus | None:
    """The status that a person's or an agent's word gives this policy; None when nothing was said.

    Any status but `settled` carries no value. What was said of the service comes before what was said of a datum.
    """
    if not standing.known:
        return HouseholdStatus.UNAVAILABLE
    if (said := standing.services.get(policy)) is not None:
        return said
    if declined:
        return HouseholdStatus.DECLINED
    words = {standing.data[datum] for datum in data_of(needs.fields) if datum in standing.data}
    return next((status for status in _GRAVEST_FIRST if status in words), None)


def is_withheld(policy: str, needs: Needs, standing: Standing, *, declined: bool = False) -> bool:
    """Whether no household value may leave under this policy, so that asking for one is useless."""
    said = stands_against(policy, needs, standing, declined=declined)
    return said is not None and said not in CARRIES_A_VALUE


def still_current(records: Iterable[HouseholdRecord], standing: Standing) -> tuple[HouseholdRecord, ...]:
    """Without what was obtained before CAF or MSA corrected it."""
    return tuple(record for record in records if not _outdated(record, standing))


def told_by(record: HouseholdRecord) -> frozenset[Need]:
    """The contestable data of one enquiry: asked for then, and kept."""
    return data_of(record.fields) & record.asked


def _outdated(record: HouseholdRecord, standing: Standing) -> bool:
    told = told_by(record)
    return any(datum in told and record.obtained_at < at for datum, at in standing.corrected.items())
