"""Before the departure for FranceConnect: a place among the calls that API Particulier accepts, or a turn in the line.

The access token lives 60 s, so nobody can queue once they are back: decision 0010.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway.core.model import LoginTransaction, Need, Source
from gateway.core.quota import Turn
from gateway.web import texts
from gateway.web.enquiry import place_name
from gateway.web.exchange import OWN_PREFIX, Destination, Exchange, destination, own_url
from gateway.web.information import accepted_by, alternative_of
from gateway.web.leaving import prepare, with_form_targets
from gateway.web.services import Services

REFRESH_S = (20, 300)
"""The page comes again by itself after a sixth of the wait, within these bounds."""
REFRESH_SHARE = 1 / 6

KEEP_S, KEEP_SHARE = 90.0, 0.5
"""Three times that long without a sign of the browser, and its turn is given up."""
KEEP_MANUAL_S, KEEP_MANUAL_SHARE = 300.0, 1.0
"""Who reads at their own pace comes back by five minutes after the time they were told."""

_PARIS = ZoneInfo("Europe/Paris")


async def must_wait(
    services: Services, exchange: Exchange, transaction: LoginTransaction, place: Destination | None
) -> Response | None:
    """None when this login may leave now: it asks nothing of CAF, or has its places."""
    sources = [source for source in services.lines if _asks(transaction, source)]
    if not sources:
        return None
    names = [(services.lines[source], place_name(transaction.browser, source)) for source in sources]
    turn = _together([await line.join(name, keep_s=KEEP_S, keep_share=KEEP_SHARE) for line, name in names])
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
        exchange.pages.redirect(_address(asked)) if turn.waits else await _page(services, exchange, place, asked, turn)
    )


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
    manual = query.get("refresh") == "off"
    keep_s, share = (KEEP_MANUAL_S, KEEP_MANUAL_SHARE) if manual else (KEEP_S, KEEP_SHARE)
    browser = services.cookies.browser_digest(exchange.browser)
    names = [(services.lines[source], place_name(browser, source)) for source in sources]
    turn = _together([await line.stay(name, keep_s=keep_s, keep_share=share) for line, name in names])
    page = await _page(services, exchange, place, asked, turn, manual=manual)
    if turn.waits and not manual:
        page.headers["refresh"] = str(refresh_s(turn.wait_s))
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
        at=when(services.clock(), turn.wait_s),
        until=when(services.clock(), turn.until_s),
        manual=manual,
        again=_address(asked, **({"refresh": "off"} if manual else {})),
        other=_address(asked, **({} if manual else {"refresh": "off"})),
        asked=asked,
        token=services.cookies.form_token(exchange.browser or ""),
        alternative=alternative_of(place),
    )
    # Its buttons end at the provider, by a redirect that the page must allow.
    return with_form_targets(page, services, accepted)


def how_long(seconds: float) -> dict[str, Any]:
    """Whole minutes, rounded up, below two hours; whole hours from there."""
    minutes = -int(-seconds // 60)
    return {"minutes": minutes, "hours": 0} if minutes < 120 else {"minutes": 0, "hours": -(-minutes // 60)}


def when(now: float, seconds: float) -> str:
    """`15 h 40` in Paris; with its day when that is another one."""
    today, then = datetime.fromtimestamp(now, _PARIS), datetime.fromtimestamp(now + seconds, _PARIS)
    time = f"{then.hour} h {then.minute:02d}"
    return time if then.date() == today.date() else f"{time}, {then.day} {texts.MONTHS[then.month - 1]}"
