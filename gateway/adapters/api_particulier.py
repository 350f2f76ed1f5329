"""Households from API Particulier: one GET in one of three modes, the few retries allowed, one answer.

URLs hold civil status or a numéro d'allocataire: no exception of httpx leaves this module, its loggers are silenced.
"""

import asyncio
import logging
import random
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from zoneinfo import ZoneInfo

import httpx

from gateway.adapters.api_particulier_answers import (
    Refusal,
    is_outage,
    needs_operator,
    quota_wait_s,
    read_refusal,
    retry_delay_s,
    spent_for_s,
    status_of,
)
from gateway.adapters.api_particulier_query import IdentityUnusable, Parameters, identity_parameters
from gateway.adapters.breaker import Breaker
from gateway.adapters.childcare_payload import parse_childcare
from gateway.adapters.household_payload import PayloadRefused, parse_household
from gateway.adapters.quotas import SharedQuotas
from gateway.adapters.reuse import LIMITS
from gateway.adapters.trust import trust
from gateway.core.model import Absent, Household, HouseholdStatus, Source
from gateway.core.rules import Mode
from gateway.ports import Clock, HouseholdRequest, Sleep
from gateway.settings import ApiParticulierSettings

BUDGET_S = 20.0
"""From the start of `fetch` to its last retry: a person is waiting. `HouseholdRequest.until` may come first."""

CALL_S = 2.0
"""Less than this before the deadline is not worth a call: cut short, it still counts against the quota."""

BODY_BYTES_AT_MOST = 1_000_000

_PRODUCTS = {
    Source.HOUSEHOLD: "/v3/dss/quotient_familial",
    Source.CHILDCARE: "/v3/dss/participation_familiale_eaje",
}
_NUMBER_PATH = "/api/v2/composition-familiale"

_TOKEN = re.compile(r"[!-~]+")
_PARIS = ZoneInfo("Europe/Paris")

_REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")

OnTrouble = Callable[[str, str], None]
"""Code and request id of what only an operator can repair."""


@dataclass(frozen=True, slots=True)
class _Call:
    mode: Mode
    source: Source
    path: str
    parameters: Parameters = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    until: float = float("inf")
    """Unix seconds: no answer is waited for any longer."""
    place: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Answer:
    household: Household | Absent
    refusal: Refusal | None = None
    trouble: bool = False
    outage: bool = False
    cached: bool = False
    """From the provider's cache of 24 h."""


def silence_http_loggers() -> None:
    """httpx writes each URL at INFO, httpcore each header at DEBUG: neither may, whatever level the root has."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def http_client(settings: ApiParticulierSettings) -> httpx.AsyncClient:
    """No redirects, no environment proxies, no cookies, no logged URLs: each call stands alone."""
    silence_http_loggers()
    client = httpx.AsyncClient(
        base_url=settings.base_url,
        verify=trust(settings.ca_file),
        timeout=httpx.Timeout(settings.read_s, connect=settings.connect_s),
        limits=LIMITS,
        # A compressed answer could be of any size once opened.
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return client


class ApiParticulier:
    """The household source. Quotas, closed doors and the lock of a recipient are shared by all workers."""

    def __init__(
        self,
        settings: ApiParticulierSettings,
        client: httpx.AsyncClient,
        *,
        quotas: SharedQuotas,
        clock: Clock,
        sleep: Sleep,
        on_trouble: OnTrouble = lambda code, request_id: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._client = client
        self._quotas = quotas
        self._breaker = Breaker()
        self._clock = clock
        self._sleep = sleep
        self._on_trouble = on_trouble
        self._jitter = jitter
        # Of this process: only one of its tasks then looks after the lease that all processes share.
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, request: HouseholdRequest) -> Household | Absent:
        """Ask, and ask again as far as the provider allows within `BUDGET_S`."""
        call = self._call(request)
        if isinstance(call, Absent):
            return call
        call = replace(call, until=request.until or call.until, place=request.place)
        answer = await self._asked(call)
        if self._is_stale(answer):
            # The provider's cache does not look at the month: what it kept may be another month's.
            answer = await self._asked(replace(call, headers={**call.headers, "Cache-Control": "no-cache"}))
            if self._is_stale(answer):
                answer = _unavailable("api_particulier_stale")
        if answer.trouble and isinstance(answer.household, Absent):
            self._on_trouble(answer.household.code, answer.household.request_id)
        return answer.household

    def _is_stale(self, answer: _Answer) -> bool:
        if not answer.cached or isinstance(answer.household, Absent):
            return False
        month = answer.household.reference_month
        return month is not None and month != datetime.fromtimestamp(self._clock(), _PARIS).strftime("%Y-%m")

    async def _asked(self, call: _Call) -> _Answer:
        deadline = min(self._clock() + BUDGET_S, call.until)
        tried = 0
        answer = await self._turn(call, deadline, tried)
        while (delay_s := self._delay_s(answer, tried, deadline)) is not None:
            await self._sleep(delay_s)
            tried += 1
            answer = await self._turn(call, deadline, tried)
        return answer

    def _call(self, request: HouseholdRequest) -> _Call | Absent:
        """What to send, or why nothing is worth sending."""
        recipient = ("recipient", self._settings.recipient)
        if request.mode is Mode.FRANCECONNECT:
            if request.access_token is None or not _TOKEN.fullmatch(request.access_token):
                return Absent(HouseholdStatus.NOT_AUTHENTICATED, "api_particulier_no_access_token")
            path = f"{_PRODUCTS[request.source]}/france_connect"
            return _Call(request.mode, request.source, path, (recipient,), _bearer(request.access_token))
        token = self._settings.token
        if token is None or not _TOKEN.fullmatch(token):
            self._on_trouble("api_particulier_no_token", "")
            return Absent(HouseholdStatus.UNAVAILABLE, "api_particulier_no_token")
        if request.mode is Mode.NUMBER:
            return _number_call(request, token)
        return _identity_call(request, recipient, token)

    def _delay_s(self, answer: _Answer, tried: int, deadline: float) -> float | None:
        """Before the next retry; None when it is not allowed, or would come too late."""
        if answer.refusal is None:
            return None
        delay_s = retry_delay_s(answer.refusal, tried, self._jitter())
        return delay_s if delay_s is not None and self._clock() + delay_s + CALL_S <= deadline else None

    async def _turn(self, call: _Call, deadline: float, tried: int) -> _Answer:
        """FranceConnect calls of one recipient differ by their token only, which the provider's lock (409) ignores."""
        if call.mode is not Mode.FRANCECONNECT:
            return await self._attempt(call, deadline, tried)
        try:
            async with asyncio.timeout(deadline - CALL_S - self._clock()):
                await self._one_at_a_time.acquire()
        except TimeoutError:
            return _unavailable("api_particulier_busy")
        try:
            return await self._alone(call, deadline, tried)
        finally:
            self._one_at_a_time.release()

    async def _alone(self, call: _Call, deadline: float, tried: int) -> _Answer:
        """The same between processes."""
        patience_s = deadline - CALL_S - self._clock()
        hold_s = self._settings.connect_s + self._settings.read_s + CALL_S
        name = f"recipient {self._settings.recipient} {call.source}"
        async with self._quotas.alone(name, hold_s=hold_s, patience_s=patience_s) as mine:
            return await self._attempt(call, deadline, tried) if mine else _unavailable("api_particulier_busy")

    async def _attempt(self, call: _Call, deadline: float, tried: int) -> _Answer:
        """One call, if the quota has room and the source is not at rest."""
        if call.until - self._clock() < CALL_S:
            return _unavailable("api_particulier_late")
        if not self._breaker.admits(self._clock()):
            return _unavailable("api_particulier_resting")
        patience_s = max(0.0, deadline - CALL_S - self._clock())
        turn = await self._quotas.call(call.mode, patience_s=patience_s, place=call.place)
        if not turn.granted:
            return _unavailable("api_particulier_closed" if turn.closed else "api_particulier_quota")
        answer = await self._within(call, deadline if tried else call.until)
        self._breaker.note(self._clock(), answered=not answer.outage)
        return answer

    async def _within(self, call: _Call, until: float) -> _Answer:
        patience_s = min(until - self._clock(), self._settings.connect_s + self._settings.read_s)
        try:
            # Timeouts of httpx are between two bytes; this one is for the whole.
            async with asyncio.timeout(patience_s):
                return await self._exchange(call)
        except (TimeoutError, httpx.TimeoutException):
            return _unavailable("api_particulier_timeout", outage=True)
        except httpx.HTTPError as error:
            return _broken(error)

    async def _exchange(self, call: _Call) -> _Answer:
        async with self._client.stream("GET", call.path, params=call.parameters, headers=call.headers) as response:
            body = await _body(response)
            request_id = _request_id(response)
        spent_s = spent_for_s(response.headers, self._clock())
        if spent_s:
            await self._quotas.close(call.mode, spent_s)
        if response.status_code == 200:
            cached = response.headers.get("X-Response-Cached", "").lower() == "true"
            return replace(_read(call.source, body, request_id, self._clock()), cached=cached)
        refusal = read_refusal(response.status_code, body or b"")
        if refusal.status == 429:
            refusal = await self._close(refusal, response.headers.get("Retry-After", ""))
        absent = Absent(status_of(refusal, call.mode), refusal.name, request_id)
        return _Answer(absent, refusal, needs_operator(refusal, call.mode), is_outage(refusal))

    async def _close(self, refusal: Refusal, retry_after: str) -> Refusal:
        """No worker asks before the quota says so: who ignores a 429 is banned for 12 hours without a word.

        This call may then ask again, a little later than that.
        """
        wait_s = quota_wait_s(retry_after, self._clock())
        await self._quotas.close(None, wait_s)
        return replace(refusal, retry_in_s=wait_s + 0.5)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _identity_call(request: HouseholdRequest, recipient: tuple[str, str], token: str) -> _Call | Absent:
    if request.identity is None:
        return Absent(HouseholdStatus.NOT_AUTHENTICATED, "api_particulier_no_identity")
    try:
        parameters = identity_parameters(request.identity)
    except IdentityUnusable as error:
        return Absent(HouseholdStatus.NOT_AVAILABLE, error.code)
    path = f"{_PRODUCTS[request.source]}/identite"
    return _Call(request.mode, request.source, path, (recipient, *parameters), _bearer(token))


def _number_call(request: HouseholdRequest, token: str) -> _Call | Absent:
    if request.number is None:
        return Absent(HouseholdStatus.NOT_AVAILABLE, "api_particulier_no_number")
    parameters = (("numeroAllocataire", request.number.number), ("codePostal", request.number.postal_code))
    return _Call(request.mode, request.source, _NUMBER_PATH, parameters, {"X-Api-Key": token})


async def _body(response: httpx.Response) -> bytes | None:
    """None when it is too long, or encoded although we asked for plain bytes."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > BODY_BYTES_AT_MOST:
            return None
    return bytes(body)


def _read(source: Source, body: bytes | None, request_id: str, now: float) -> _Answer:
    if body is None:
        return _unavailable("payload_unread", request_id, trouble=True)
    try:
        found = parse_household(body) if source is Source.HOUSEHOLD else parse_childcare(body, now)
        return _Answer(replace(found, request_id=request_id) if isinstance(found, Absent) else found)
    except PayloadRefused as error:
        return _unavailable(error.code, request_id, trouble=True)


def _request_id(response: httpx.Response) -> str:
    value = response.headers.get("X-Request-Id", "")
    return value if _REQUEST_ID.fullmatch(value) else ""


def _unavailable(code: str, request_id: str = "", *, trouble: bool = False, outage: bool = False) -> _Answer:
    return _Answer(Absent(HouseholdStatus.UNAVAILABLE, code, request_id), trouble=trouble, outage=outage)


def _broken(error: httpx.HTTPError) -> _Answer:
    """A certificate that does not hold waits for an operator; a lost connection or name comes back."""
    cause: BaseException | None = error
    seen = set[int]()  # chains of exceptions may loop
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, ssl.SSLError):
            return _unavailable("api_particulier_tls", trouble=True, outage=True)
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return _unavailable("api_particulier_connection", outage=True)
