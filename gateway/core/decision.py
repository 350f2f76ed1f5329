"""What a request is answered with, as a value: never an exception, never a response."""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.core.model import Acr, HouseholdStatus, Source


class Reason(StrEnum):
    """Why a decision is what it is: the closed list of audit lines and pages."""

    PUBLIC = "public"
    ALLOWED = "allowed"
    ANONYMOUS = "anonymous"
    ACR_TOO_LOW = "acr_too_low"
    PROVIDER_NOT_ACCEPTED = "provider_not_accepted"
    SCOPES_MISSING = "scopes_missing"
    NUMBER_NEEDED = "number_needed"
    REVIEW_NEEDED = "review_needed"
    CONDITION_FALSE = "condition_false"
    CONDITION_UNKNOWN = "condition_unknown"
    HOUSEHOLD_MISSING = "household_missing"
    CHILD_NOT_LISTED = "child_not_listed"


class Question(StrEnum):
    REVIEW = "review"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Injected:
    """One header's value before encoding."""

    header: str
    fact: str
    value: object = field(repr=False)
    """str, int, or a structure of lists and dicts that becomes compact JSON."""


@dataclass(frozen=True, slots=True)
class Allow:
    inject: tuple[Injected, ...]
    status: HouseholdStatus | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Deny:
    """403 with the policy's `refused` text."""

    reason: Reason
    status: HouseholdStatus | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """The path that does not need the data: a page, never the application."""

    status: HouseholdStatus
    reason: Reason
    source: Source = Source.HOUSEHOLD
    """Whose answer has no value to give."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Send the person to a provider, asking only for what this policy still lacks."""

    acr: Acr
    scopes: frozenset[str]
    providers: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Ask:
    """Something the person must say before anything leaves."""

    what: Question
    reason: Reason


Decision = Allow | Deny | Alternative | Authenticate | Ask
