"""The vocabulary, frozen. Personal fields are kept out of `repr`: no log line or traceback shows one by accident."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum
from typing import NewType

from gateway.core.ways import Way

NormalPath = NewType("NormalPath", str)
"""A path read once by `core.paths.normalise`: ASCII, no dot segments, the bytes that go upstream."""

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, object])
"""Claims whose signature, iss, aud, exp and (ID token) nonce were checked. Made by `relying_party` only."""

SessionId = NewType("SessionId", str)
"""256 random bits in hex, read from a signed cookie. Made by `web.cookies` only."""


class Acr(IntEnum):
    """eIDAS assurance levels, ordered."""

    EIDAS1 = 1
    EIDAS2 = 2
    EIDAS3 = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A civil date whose day, or month and day, may be unknown."""

    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        """Write it as FranceConnect does: unknown parts are `00`."""
        return f"{self.year:04d}-{self.month or 0:02d}-{self.day or 0:02d}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, as the identity provider says it."""

    provider: str
    sub: str = field(repr=False)
    acr: Acr
    authenticated_at: int
    """Unix seconds of the provider's `auth_time`; 0: not known (a person written by hand)."""
    birth_name: str | None = field(default=None, repr=False)
    usage_name: str | None = field(default=None, repr=False)
    given_names: tuple[str, ...] = field(default=(), repr=False)
    """One entry a given name; an entry may hold a space (`Jean Philippe`)."""
    birthdate: PartialDate | None = field(default=None, repr=False)
    gender: str | None = field(default=None, repr=False)
    birthplace: str | None = field(default=None, repr=False)
    """INSEE code of the commune of birth, or None when born abroad."""
    birthcountry: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """An adult or a child of a CAF or MSA file."""

    birth_name: str | None = field(default=None, repr=False)
    usage_name: str | None = field(default=None, repr=False)
    given_names: tuple[str, ...] = field(default=(), repr=False)
    """Words of the single string that the source gives; compounds may be split over several."""
    birthdate: PartialDate | None = field(default=None, repr=False)
    full_name: str | None = field(default=None, repr=False)
    """The oldest payloads' `nomPrenom`, in an order that nobody promises. Then the names above are empty."""


@dataclass(frozen=True, slots=True)
class Address:
    """A declared postal address, without the name of its addressee."""

    lines: tuple[str, ...] = field(default=(), repr=False)
    postal_code: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)
    insee_code: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)


class Source(StrEnum):
    """A file that CAF or MSA is asked for; its value is the first word of its facts, and its key in both files."""

    HOUSEHOLD = "household"
    CHILDCARE = "childcare"  # «participation familiale EAJE»: what a nursery's tariff is computed from


class Need(StrEnum):
    """A block of a source's data; its value is the scope that opens it, at FranceConnect and at API Particulier."""

    QUOTIENT = "cnaf_quotient_familial"
    ADULTS = "cnaf_allocataires"
    CHILDREN = "cnaf_enfants"
    ADDRESS = "cnaf_adresse"
    CHILDCARE_PARAMETERS = "cnav_participation_familiale_eaje_parametres_calcul"
    CHILDCARE_ADULTS = "cnav_participation_familiale_eaje_allocataires"
    CHILDCARE_CHILDREN = "cnav_participation_familiale_eaje_enfants"
    CHILDCARE_ADDRESS = "cnav_participation_familiale_eaje_adresse"

    @property
    def source(self) -> Source:
        return Source.HOUSEHOLD if self.value.startswith("cnaf_") else Source.CHILDCARE


ADULTS_OF: Mapping[Source, Need] = {Source.HOUSEHOLD: Need.ADULTS, Source.CHILDCARE: Need.CHILDCARE_ADULTS}
"""The block that names are compared with."""


@dataclass(frozen=True, slots=True)
class Childcare:
    """What a family's contribution to a nursery is computed from; resources in whole euros of a year."""

    annual_resources: int | None = field(default=None, repr=False)
    resources_year: int | None = None
    """None too when the source says a year that cannot be: MSA writes the current one."""
    dependent_children: int | None = field(default=None, repr=False)
    aeeh_children: int | None = field(default=None, repr=False)
    """Dependent children for whom the disabled-child allowance (AEEH) is paid."""


@dataclass(frozen=True, slots=True)
class Household:
    """What CAF or MSA answered for one source. A block that was not asked, or not answered, is None."""

    fund: str | None = None
    """`cnaf` or `msa`."""
    family_quotient: int | None = field(default=None, repr=False)
    """Whole euros a month; 0 is a value."""
    reference_month: str | None = None
    """`2026-05`."""
    computed_month: str | None = None
    adults: tuple[Person, ...] | None = field(default=None, repr=False)
    children: tuple[Person, ...] | None = field(default=None, repr=False)
    address: Address | None = field(default=None, repr=False)
    childcare: Childcare | None = field(default=None, repr=False)


class HouseholdStatus(StrEnum):
    """The closed list that applications read (product contract)."""

    VERIFIED = "verified"
    VERIFIED_BY_AGENT = "verified_by_agent"
    DOCUMENT_PROVIDED = "document_provided"
    PENDING_REVIEW = "pending_review"
    MISMATCH = "mismatch"
    NOT_FOUND = "not_found"
    NOT_AVAILABLE = "not_available"
    UNAVAILABLE = "unavailable"
    NOT_AUTHENTICATED = "not_authenticated"
    DECLINED = "declined"
    CONTESTED = "contested"
    SETTLED = "settled"
    IDENTITY_UNVERIFIED = "identity_unverified"
    NOT_ASKED = "not_asked"


CARRIES_A_VALUE = frozenset({HouseholdStatus.VERIFIED, HouseholdStatus.SETTLED, HouseholdStatus.IDENTITY_UNVERIFIED})
"""With any other status no household value may leave the gateway."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A source's answer without a household: why, in a status and in the code to log."""

    status: HouseholdStatus
    code: str
    request_id: str = ""
    """The source's own correlation id, for its support."""


@dataclass(frozen=True, slots=True)
class CafNumber:
    """What a person types in number mode."""

    number: str = field(repr=False)
    """1 to 7 digits."""
    postal_code: str = field(repr=False)
    """5 characters."""


class MatchOutcome(StrEnum):
    MATCH = "match"
    REVIEW = "review"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class MatchResult:
    """Whether the signed-in person is one of the file's adults, and why, in codes only."""

    outcome: MatchOutcome
    adult: int | None
    """Index in `Household.adults` of the adult who is the person; only with `match`."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HouseholdRecord:
    """What a session keeps of one enquiry: minimised, and without a household unless it is the person's own."""

    status: HouseholdStatus
    asked: frozenset[Need]
    fields: frozenset[str]
    """The facts that were kept; another fact needs another enquiry."""
    obtained_at: int
    """Unix seconds."""
    household: Household | None = field(default=None, repr=False)
    reasons: tuple[str, ...] = ()
    """Codes of the match, or the source's code."""
    kept_until: int | None = None  # Unix seconds, by the policy that asked; None: as long as the session
    source: Source = Source.HOUSEHOLD
    way: Way = Way.FRANCECONNECT


@dataclass(frozen=True, slots=True)
class LoginTransaction:
    """What is remembered between leaving for the provider and coming back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    browser: str = field(repr=False)
    """Digest of the mark of the browser that started it, by which its logins are counted."""
    provider: str
    acr: Acr
    scopes: frozenset[str]
    return_to: str
    """A canonical path on `public_url`, or an https URL whose host a route names."""
    route: str | None
    """Name of the route that asked; its policy says what to fetch."""
    started_at: int
    asked_by: str = field(default="", repr=False)
    """Digest of the browser cookie on another host of ours, when the login began there."""
    waived: bool = False  # the person goes on without CAF or MSA rather than wait for their turn
    code_verifier: str = field(default="", repr=False)
    """PKCE (RFC 7636): never leaves before the code comes back."""
    agent: bool = False
    """An agent signs in to answer disputes: no session of a person comes of it."""
    takes_back: bool = False
    """The person had objected to this service, in this session, and begins a login for it all the same."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of «Mes données»: which service received which facts, when."""

    service: str
    facts: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Session:
    """Server side; the browser holds only a signed id."""

    id: SessionId = field(repr=False)
    expires_at: int
    """Unix seconds of the absolute end."""
    identity: Identity | None = None
    scopes: frozenset[str] = frozenset()
    """Scopes asked of the provider in this session, granted or not: nothing is asked twice."""
    household: tuple[HouseholdRecord, ...] = ()
    """One record an enquiry, oldest first."""
    id_token: str | None = field(default=None, repr=False)
    browser: str = field(default="", repr=False)
    """Digest of the browser cookie that the login came through: the way back from a logout is checked against it."""
    reviewed: frozenset[str] = frozenset()
    """`policy@version` whose values the person confirmed."""
    declined: frozenset[str] = frozenset()
    """Policies for which the person prefers a document."""
    deliveries: tuple[Delivery, ...] = ()
    sid: str = field(default="", repr=False)
    """The provider's own name for its session, when it told one: a logout there may name it."""
    refresh_token: str = field(default="", repr=False)
    """Only on its way from the login to the store, which keeps it in a record of its own."""
    contested: frozenset[Need] = frozenset()
    """Withheld until this session ends, where no dispute store is configured."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person or an agent has said against the use of data, as it holds now (`core.disputes`)."""

    known: bool = True
    """False: it could not be asked, and no household value may leave."""
    data: Mapping[Need, HouseholdStatus] = field(default_factory=dict)
    services: Mapping[str, HouseholdStatus] = field(default_factory=dict)
    """By policy: `declined`, or an agent's answer; `data`: `contested`, or an agent's answer."""
    corrected: Mapping[Need, int] = field(default_factory=dict)  # Unix seconds of an agent's answer


@dataclass(frozen=True, slots=True)
class RequestFacts:
    method: str
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision may look at. Deciding needs nothing else."""

    request: RequestFacts
    today: date
    """Paris date of the request: birthdays and schedules follow it."""
    decision_id: str
    identity: Identity | None = None
    scopes: frozenset[str] = frozenset()
    household: tuple[HouseholdRecord, ...] = ()
    reviewed: bool = False
    declined: bool = False
    standing: Standing = field(default_factory=Standing)
    login_down: bool = False
    """Nobody is signed in because the provider failed when this browser tried, a moment ago."""
