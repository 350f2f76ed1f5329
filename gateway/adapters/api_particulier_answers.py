"""What API Particulier's refusals mean for a person, and which of them may be asked again. No I/O.

By HTTP status first and code second: the codes were renumbered in September 2026, and 00355 then changed meaning.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from gateway.adapters.household_payload import PayloadRefused, parse_json
from gateway.core.model import HouseholdStatus
from gateway.core.rules import Mode

_RETRIES = {409: 2, 429: 2, 500: 1, 502: 2, 503: 2}
_FIRST_DELAY_S = 0.5
_SPREAD_S = 1.5

_CODE = re.compile(r"[0-9]{5}")
_V2_WORDS = frozenset(
    {
        "access_denied",
        "bad_request",
        "data_provider_error",
        "error",
        "network_error",
        "not_found",
        "provider_unknown_error",
        "timeout_error",
        "unauthorized",
    }
)
_FAULTS_422 = frozenset({"00203", "00210", "00353", "00354", "00356", "35565"})
_FAULT_PARAMETERS = frozenset({"recipient", "annee", "mois"})
_WITHOUT_PIVOT = frozenset({"50003", "51503"})
_VERSION_UNKNOWN = "00402"
_ASKED_AGAIN_ONCE = frozenset({"35000", "35998", "35999", "37999"})
"""The same for the same person each time, mostly."""

_ERRORS_READ_AT_MOST = 10
_WAIT_AT_MOST_S = 43_200
"""The length of the provider's ban; its longest quota window is an hour."""
_WAIT_UNSAID_S = 60.0
_WINDOW_AT_MOST_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal in its own words, of which only closed forms are kept."""

    status: int
    code: str = ""
    """Five digits, or one of the words of v2; empty when there is none of these."""
    parameter: str = ""
    """Kept when it is one that is the same for every person."""
    retry_in_s: float = 0
    recognised: bool = False
    """The body is an error of API Particulier's, not the page of some proxy or of another server."""

    @property
    def name(self) -> str:
        """Stable and greppable: `api_particulier_404_35003`."""
        return "_".join(filter(None, ("api_particulier", str(self.status), self.code)))

    @property
    def is_fault(self) -> bool:
        """A 422 about what we send for every person, not about who this one is."""
        return bool(self.parameter) or self.code in _FAULTS_422


def read_refusal(status: int, body: bytes) -> Refusal:
    """Survives any body. Of several errors, the one that blames our own request counts."""
    try:
        payload = parse_json(body)
    except PayloadRefused:
        return Refusal(status)
    if not isinstance(payload, dict):
        return Refusal(status)
    errors = payload.get("errors")
    if isinstance(errors, list):
        read = [_v3_error(status, error) for error in errors[:_ERRORS_READ_AT_MOST]] or [Refusal(status)]
        return next((error for error in read if error.is_fault), read[0])
    word = payload.get("error")
    if isinstance(word, str):
        return Refusal(status, code=word if word in _V2_WORDS else "", recognised=True)
    return Refusal(status)


def _v3_error(status: int, error: object) -> Refusal:
    """v2 writes a bare text here for a quota, a lock or a blocked token."""
    if not isinstance(error, dict):
        return Refusal(status, recognised=isinstance(error, str))
    code, parameter = error.get("code"), _within(error, "source").get("parameter")
    return Refusal(
        status,
        code=code if isinstance(code, str) and _CODE.fullmatch(code) else "",
        parameter=parameter if isinstance(parameter, str) and parameter in _FAULT_PARAMETERS else "",
        retry_in_s=_seconds(_within(error, "meta").get("retry_in")),
        recognised=True,
    )


def _within(error: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = error.get(name)
    return value if isinstance(value, dict) else {}


def _seconds(value: object) -> float:
    return min(value, _WAIT_AT_MOST_S) if type(value) is int and value > 0 else 0


def status_of(refusal: Refusal, mode: Mode) -> HouseholdStatus:
    """What the application and the person are told."""
    if _says_not_found(refusal):
        return HouseholdStatus.NOT_FOUND
    if refusal.status == 401 and mode is Mode.FRANCECONNECT and refusal.code not in _WITHOUT_PIVOT:
        return HouseholdStatus.NOT_AUTHENTICATED
    return HouseholdStatus.UNAVAILABLE


def _says_not_found(refusal: Refusal) -> bool:
    """Identified without a file, or not identified: both are ordinary answers, if it is API Particulier's."""
    if not refusal.recognised:
        return False
    if refusal.status == 404:
        return refusal.code != _VERSION_UNKNOWN
    if refusal.status == 422:
        return not refusal.is_fault
    return refusal.status == 400 and refusal.code == "not_found"


def needs_operator(refusal: Refusal, mode: Mode) -> bool:
    """Nobody is helped by waiting: configuration, habilitation or quota. An outage passes by itself."""
    return status_of(refusal, mode) is HouseholdStatus.UNAVAILABLE and refusal.status < 500 and refusal.status != 409


def is_outage(refusal: Refusal) -> bool:
    """The source or what is behind it is down; not what it answers for one person, the same each time."""
    return refusal.status >= 500 and refusal.code not in _ASKED_AGAIN_ONCE


def retry_delay_s(refusal: Refusal, tried: int, chance: float) -> float | None:
    """Seconds before the next retry after `tried` of them; None when the provider's sheet allows no other.

    A 504 or a time-out is never asked again: the person is waiting. `chance` in [0, 1) spreads the callers.
    """
    once = refusal.status == 502 and refusal.code in _ASKED_AGAIN_ONCE
    if tried >= (1 if once else _RETRIES.get(refusal.status, 0)):
        return None
    # A lock (409) lasts as long as somebody else's call, however often it is met.
    growing = _FIRST_DELAY_S * (1 if refusal.status == 409 else 2**tried)
    return max(growing, refusal.retry_in_s) + chance * _SPREAD_S


def quota_wait_s(retry_after: str, now: float) -> float:
    """Seconds that a 429 asks for: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); a minute if unreadable."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), _WAIT_AT_MOST_S))
    try:
        wait = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return _WAIT_UNSAID_S
    return min(max(wait, 0.0), _WAIT_AT_MOST_S)


def spent_for_s(headers: Mapping[str, str], now: float) -> float:
    """Seconds for which `RateLimit-Remaining: 0` says that nothing is left; 0 when it does not say so.

    `RateLimit-Reset` is a time of the provider's clock, read against its own `Date` where there is one.
    """
    remaining, reset = headers.get("RateLimit-Remaining", ""), headers.get("RateLimit-Reset", "")
    if remaining.strip() != "0" or not (reset.isascii() and reset.isdigit()):
        return 0
    try:
        theirs = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        theirs = now
    return min(max(float(reset[:12]) - theirs, 0.0), _WINDOW_AT_MOST_S)
