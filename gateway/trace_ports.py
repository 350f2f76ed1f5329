"""What is told of each decision, to the audit and to the numbers: in codes, never about whom. No I/O here."""

from typing import NamedTuple, Protocol


class Codes(NamedTuple):
    """What a decision was, the same for every request that is decided alike."""

    route: str
    policy: str
    policy_version: str
    outcome: str
    """allow, deny, alternative, authenticate, ask."""
    reason: str
    household_status: str | None
    provider: str | None


class AuditLine:
    """One decision about one request. Never changed once it is made."""

    __slots__ = ("codes", "decision_id", "duration_ms", "method", "status")

    def __init__(self, decision_id: str, codes: Codes, method: str, status: int, duration_ms: int) -> None:
        self.decision_id = decision_id
        self.codes = codes
        self.method = method
        self.status = status
        self.duration_ms = duration_ms


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
