"""Before the departure for FranceConnect: a place among the calls that API Particulier accepts, or a turn in the line.

The access token lives 60 s, so nobody can queue once they are back: decision 0010.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway.core.model import LoginTransaction, Need, Source
from gateway.core.paths import OWN_PREFIX
from gateway.core.quota import Turn
from gateway.web.enquiry import place_name
from gateway.web.exchange import Destination, Exchange, destination, own_url
from gateway.web.information import accepted_by, alternative_of
from gateway.web.leaving import prepare, with_form_targets
from gateway.web.services import Services
from gateway.web.speech import Speech

REFRESH_S = (20, 120)
"""The page comes again by itself after a sixth of the wait, within these bounds."""
REFRESH_SHARE = 1 / 6

FIRST_S = 75.0
"""Who has only just arrived comes again after the shortest of these pauses, or has gone elsewhere."""
KEEP_S = 3 * REFRESH_S[1] + 60.0
"""Three pauses without a sign of the browser, and its turn is given up."""
KEEP_MANUAL_S = 300.0
"""Who reads at their own pace comes back by so long after the time that they were told."""

FIRST, MANUAL = "first", "off"
"""`refresh=`: the page that one is sent to, and the one that stays as it is; else it comes again by itself."""

_PARIS = ZoneInfo("Europe/Paris")


async def must_wait(
    services: Services, exchange: Exchange, transaction: LoginTransaction, place: Destination | None
) -> Response | None:
    """None when this login may leave now: it asks nothing of CAF, or has its places."""
    sources = [source for source in services.lines if _asks(transaction, source)]
    if not sources:
        return None
    names = [(services.lines[source], place_name(transaction.browser, source)) for source in sources]
    turn = _together([await line.join(name, keep_s=FIRST_S) for line, name in names])
    services.metrics.count("gateway_quota_total", source=str(sources[0]), event=_event(turn))
    if turn.granted:
        return None
    asked = {
        "return_to": place.url if place else "",
        "provider": transaction.provider,
        "asked_by": transaction.asked_by,
        "of": " ".join(map(str, sources)),
    }
    return (
        exchange.pages.redirect(_address(asked, refresh=FIRST))
        if turn.waits
        else await _page(services, exchange, place, asked, turn)
    )


async def waive(services: Services, transaction: LoginTransaction) -> None:
    """Who goes on without waiting stands in nobody's way."""
    services.metrics.count("gateway_quota_total", source=str(Source.HOUSEHOLD), event="waived")
    for source, line in services.lines.items():
        await line.leave(place_name(transaction.browser, source))


def _asks(transaction: LoginTransaction, source: Source) -> bool:
    return any(need.source is source for need in Need if str(need) in transaction.scopes)


def _together(turns: Sequence[Turn]) -> Turn:
    """One login makes a call of each source: it leaves when it has a place for all of them."""
    last = max(turns, key=lambda turn: (not turn.granted, turn.wait_s))
    waits = not last.granted and all(turn.granted or turn.waits for turn in turns)
    until_s = min((turn.until_s for turn in turns if turn.granted or turn.waits), default=0.0)
    return last._replace(waits=waits, until_s=until_s)


def _event(turn: Turn) -> str:
    return "placed" if turn.granted else "waits" if turn.waits else "full"


def _address(asked: Mapping[str, str], **more: str) -> str:
    return f"{OWN_PREFIX}/waiting?{urlencode({**asked, **more})}"


async def show_waiting(services: Services, exchange: Exchange) -> Response:
    """`/_gateway/waiting`: position and time; the button once it is this browser's turn."""
    query = exchange.snapshot.query
    place = destination(services, query.get("return_to", ""), exchange.snapshot.host)
    sources = [source for source in services.lines if source in query.get("of", "").split()]
    if not sources or exchange.browser is None:
        return exchange.pages.redirect(own_url("login", place.url if place else ""))
    asked = {
        "return_to": place.url if place else "",
        "provider": query.get("provider", ""),
        "asked_by": query.get("asked_by", ""),
        "of": " ".join(map(str, sources)),
    }
    pace = query.get("refresh", "")
    manual, keep_s = pace == MANUAL, {MANUAL: KEEP_MANUAL_S, FIRST: FIRST_S}.get(pace, KEEP_S)
    browser = services.cookies.browser_digest(exchange.browser)
    names = [(services.lines[source], place_name(browser, source)) for source in sources]
    turn = _together([await line.stay(name, keep_s=keep_s, keep_share=1.0 if manual else 0.0) for line, name in names])
    page = await _page(services, exchange, place, asked, turn, manual=manual)
    if turn.waits and not manual:
        pause_s = REFRESH_S[0] if pace == FIRST else refresh_s(turn.wait_s)
        page.headers["refresh"] = f"{pause_s}; url={_address(asked)}"
    return page


def refresh_s(wait_s: float) -> int:
    return int(min(max(wait_s * REFRESH_SHARE, REFRESH_S[0]), REFRESH_S[1]))


async def _page(
    services: Services,
    exchange: Exchange,
    place: Destination | None,
    asked: Mapping[str, str],
    turn: Turn,
    *,
    manual: bool = False,
) -> Response:
    accepted = accepted_by(services, place.route.policy if place else None)
    await prepare(services, accepted)
    full = not (turn.granted or turn.waits) and bool(turn.wait_s)
    page = exchange.pages.page(
        "waiting",
        503 if full else 200,
        state="placed" if turn.granted else "waits" if turn.waits else "full" if full else "over",
        position=turn.ahead + 1,
        wait=how_long(turn.wait_s),
        at=when(exchange.pages.speech, services.clock(), turn.wait_s),
        until=when(exchange.pages.speech, services.clock(), turn.until_s),
        manual=manual,
        again=_address(asked, **({"refresh": MANUAL} if manual else {})),
        other=_address(asked, **({} if manual else {"refresh": MANUAL})),
        asked=asked,
        token=services.cookies.form_token(exchange.browser or ""),
        alternative=alternative_of(place),
    )
    # Its buttons end at the provider, by a redirect that the page must allow.
    return with_form_targets(page, services, accepted, place.url if place else "")


def how_long(seconds: float) -> dict[str, int]:
    """Hours and whole minutes, rounded up."""
    hours, minutes = divmod(-int(-seconds // 60), 60)
    return {"hours": hours, "minutes": minutes}


def when(speech: Speech, now: float, seconds: float) -> str:
    """`15 h 40` in Paris; with its day when that is another one."""
    return speech.at(now + seconds, now)
