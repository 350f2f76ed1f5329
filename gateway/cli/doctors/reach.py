"""Can that address be reached? Which step fails: the name, the connection, the certificate, the time."""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpx

from gateway.cli.doctors.finding import Finding, good, warned, wrong

CALL_S = 8.0
SKEW_WARNED_S = 5.0
SKEW_WRONG_S = 20.0
"""An ID token of FranceConnect lives a minute, and its dates are believed within half of that."""

CERTIFICATE_SOON_S = 14 * 86_400

Clock = Callable[[], float]


@dataclass(slots=True)
class Reach:
    """Answers over HTTP, and what they say of our clock on the way."""

    clock: Clock = time.time
    skews_s: dict[str, float] = field(default_factory=dict)
    """Server → how far its clock is ahead of ours."""

    async def get(self, client: httpx.AsyncClient, url: str, **request: object) -> httpx.Response:
        began = self.clock()
        response = await client.get(url, timeout=CALL_S, **request)  # type: ignore[arg-type]
        skew_s = skew_of(response.headers.get("date", ""), began, self.clock())
        if skew_s is not None:
            self.skews_s[response.url.netloc.decode("ascii")] = skew_s
        return response


def skew_of(date: str, began: float, ended: float) -> float | None:
    """How far a `Date` lies outside the time in which it was written; it has whole seconds, cut off."""
    try:
        said = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None
    if said + 1 < began:
        return said + 1 - began
    return max(said - ended, 0.0)


def clock_findings(skews_s: dict[str, float]) -> list[Finding]:
    """One line for each server that said the time."""
    if not skews_s:
        hint = "run `chronyc tracking` or `timedatectl`: logins fail when the clock is half a minute off"
        return [warned("clock_unknown", "clock", "no server was reached that says the time", hint)]
    return [_clock(server, skew_s) for server, skew_s in sorted(skews_s.items())]


def _clock(server: str, skew_s: float) -> Finding:
    said = f"this machine is {abs(skew_s):.0f} s {'behind' if skew_s > 0 else 'ahead'}"
    hint = "set the clock by NTP (systemd-timesyncd, chrony): tokens live for seconds"
    if abs(skew_s) > SKEW_WRONG_S:
        return wrong("clock_off", server, said, hint)
    if abs(skew_s) > SKEW_WARNED_S:
        return warned("clock_off", server, said, hint)
    return good("clock", server, "the same time, within seconds")


_HINTS = {
    "dns": "the name is unknown here: check it, and /etc/resolv.conf",
    "tls": "check the certificate; a private authority is named by `ca_file`",
    "refused": "nothing listens there: is it started, is the port right?",
    "timeout": "no answer: open the outgoing flow in the firewall",
    "unreachable": "check the address and the route to it",
}


def unreached(prefix: str, about: str, error: BaseException) -> Finding:
    """`prefix_dns`, `prefix_tls`, `prefix_refused`, `prefix_timeout` or `prefix_unreachable`."""
    kind, said = _kind(error)
    return wrong(f"{prefix}_{kind}", about, said, _HINTS[kind])


def _kind(error: BaseException) -> tuple[str, str]:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "tls", f"its certificate is refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "tls", "TLS fails"
        if isinstance(cause, socket.gaierror):
            return "dns", "the name has no address"
        if isinstance(cause, ConnectionRefusedError):
            return "refused", "the connection is refused"
    if any(isinstance(cause, TimeoutError | httpx.TimeoutException) for cause in causes):
        return "timeout", "no answer in time"
    if any("Name or service not known" in str(cause) for cause in causes):
        return "dns", "the name has no address"
    return "unreachable", "it cannot be reached"


def _causes(error: BaseException | None, seen: frozenset[int] = frozenset()) -> list[BaseException]:
    if error is None or id(error) in seen:
        return []
    seen |= {id(error)}
    found = [error]
    if isinstance(error, BaseExceptionGroup):
        found += [cause for each in error.exceptions for cause in _causes(each, seen)]
    return found + _causes(error.__cause__, seen) + _causes(error.__context__, seen)


def certificate_finding(prefix: str, about: str, certificate: object, now: float) -> Finding | None:
    """A warning when the peer's certificate ends soon."""
    ends = certificate.get("notAfter") if isinstance(certificate, dict) else None
    if not isinstance(ends, str):
        return None
    left_s = ssl.cert_time_to_seconds(ends) - now
    if left_s > CERTIFICATE_SOON_S:
        return None
    said = f"its certificate ends in {max(left_s, 0) / 86_400:.0f} days"
    return warned(f"{prefix}_certificate_soon", about, said, "have it renewed")
