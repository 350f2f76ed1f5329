"""Who comes, what they do, and what became of each."""

import re
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urljoin, urlsplit

from bench.day.addresses import address
from bench.day.browser import Answer, Browser, Wire
from bench.day.clock import HandMovedClock

PEAK_S = 3600.0

NO_SHOW = 0.10
"""Of those who leave for FranceConnect: they never come back."""
AWAY_MEDIAN_S, AWAY_SPREAD, AWAY_S = 50.0, 0.6, (15.0, 900.0)
"""Log-normal. Between the button and the confirmation, at FranceConnect and at the identity provider."""
PATIENCE_MEAN_S = 2700.0
"""Exponential. Who is told more than they have goes on without waiting, or leaves."""
WITHOUT = 0.5
"""Of those without patience, the rest leaves."""
VANISHES = 0.10
"""Of those who stay: the page is closed without a word, somewhere in the wait."""
MANUAL = 0.15
"""Of those who stay: the page is not to refresh itself; they come back at the time that they were told."""

_POSITION = re.compile(r"en position (\d+)\.")
_HOURS = re.compile(r"(\d+) heures? et")
_MINUTES = re.compile(r"(\d+) minutes")
LATE_S = 180.0
"""The place is kept no longer for who is at FranceConnect."""


@dataclass
class Visit:
    """One person's story."""

    arrived_at: float
    address: str
    outcome: str = "under way"
    status: str = ""
    told_s: float | None = None
    """The first wait that was told."""
    position: int = 0
    joined_at: float = 0
    placed_at: float | None = None
    away_s: float = 0
    looks: int = 0


@dataclass
class Crowd:
    clock: HandMovedClock
    wire: Wire
    base_url: str
    path: str
    login: str
    chance: Random
    visits: list[Visit] = field(default_factory=list)


class Person:
    def __init__(self, crowd: Crowd, arrives_at: float) -> None:
        self._crowd = crowd
        self._clock = crowd.clock
        self._chance = Random(crowd.chance.random())
        self.visit = Visit(arrives_at, address(len(crowd.visits)))
        self._browser = Browser(crowd.wire, urlsplit(crowd.base_url).netloc, self.visit.address)
        crowd.visits.append(self.visit)

    async def live(self) -> None:
        try:
            await self._clock.sleep(self.visit.arrived_at - self._clock.now)
            await self._come()
        finally:
            self._clock.leaves()

    async def _come(self) -> None:
        page = await self._browser.get(self._crowd.base_url + self._crowd.path)
        page = await self._browser.get(page.location)
        answer = await self._browser.post(self._crowd.base_url + "/_gateway/login", page.fields())
        departure = await self._wait(answer)
        if departure is not None:
            await self._depart(departure)

    async def _wait(self, answer: Answer) -> Answer | None:
        """From the answer to the button to the departure; None for who leaves before."""
        if answer.status == 503:
            return await self._told(answer, self._chance.expovariate(1 / PATIENCE_MEAN_S))
        if "/_gateway/waiting" not in answer.location:
            self.visit.placed_at = self._clock.now
            return answer
        patience_s = self._chance.expovariate(1 / PATIENCE_MEAN_S)
        self.visit.joined_at = self._clock.now
        page = await self._browser.get(answer.location)
        return await self._told(page, patience_s)

    async def _told(self, page: Answer, patience_s: float) -> Answer | None:
        wait_s = told_s(page)
        self.visit.told_s = wait_s
        self.visit.position = int(found[1]) if (found := _POSITION.search(page.text)) else 0
        if wait_s is None or (not self.visit.position and page.status == 200):
            self.visit.outcome = "not told"
            return None
        if wait_s > patience_s or page.status == 503:
            return await self._without(page)
        vanishes = self._chance.random() < VANISHES
        gone_at = self._clock.now + self._chance.random() * wait_s if vanishes else float("inf")
        return await self._stand(page, manual=self._chance.random() < MANUAL, gone_at=gone_at)

    async def _without(self, page: Answer) -> Answer | None:
        if self._chance.random() >= WITHOUT:
            self.visit.outcome = "left, told when"
            return None
        self.visit.outcome = "without"
        return await self._browser.post(self._crowd.base_url + "/_gateway/login", page.fields())

    async def _again(self, page: Answer) -> Answer:
        """As the browser does by itself: where the page's own `Refresh` sends it."""
        _, _, address = page.headers.get("refresh", "").partition("url=")
        return await self._browser.get(urljoin(page.url, address) if address else page.url)

    async def _stand(self, page: Answer, *, manual: bool, gone_at: float) -> Answer | None:
        if manual:
            page = await self._browser.get(page.url.replace("refresh=first", "refresh=off"))
        while "en position" in page.text:
            pause_s = (told_s(page) or 0) if manual else float(page.headers["refresh"].partition(";")[0])
            await self._clock.sleep(max(pause_s, 1.0))
            if self._clock.now > gone_at:
                self.visit.outcome = "vanished from the line"
                return None
            self.visit.looks += 1
            page = await self._again(page)
        if "C’est votre tour" not in page.text:
            self.visit.outcome = "lost the turn"
            return None
        self.visit.placed_at = self._clock.now
        await self._clock.sleep(2 + 20 * self._chance.random())
        return await self._browser.post(self._crowd.base_url + "/_gateway/login", page.fields())

    async def _depart(self, answer: Answer) -> None:
        page = await self._browser.get(answer.location) if "location" in answer.headers else answer
        base = page.url.partition("/authorize")[0]
        uid = re.search(r"/choose/(\w+)", page.text)
        if uid is None:
            self.visit.outcome = f"no way to FranceConnect: {page.status} {page.url.partition('?')[0]}"
            return
        await self._browser.post(f"{base}/choose/{uid[1]}", {"login": self._crowd.login})
        away_s = min(max(self._chance.lognormvariate(0, AWAY_SPREAD) * AWAY_MEDIAN_S, AWAY_S[0]), AWAY_S[1])
        self.visit.away_s = away_s
        if self._chance.random() < NO_SHOW:
            self.visit.outcome = "never came back" if self.visit.outcome == "under way" else self.visit.outcome
            return
        await self._clock.sleep(away_s)
        page = await self._browser.post(f"{base}/consent/{uid[1]}", {})
        page = await self._browser.get(page.location)
        page = await self._browser.get(page.location)
        self.visit.status = page.text if page.status == 200 else f"HTTP {page.status}"
        if self.visit.outcome == "under way":
            self.visit.outcome = "served" if self.visit.status == "verified" else "came back, no answer"


def told_s(page: Answer) -> float | None:
    """Seconds that the page tells; None when it tells none."""
    if "moins d’une minute" in page.text:
        return 60.0
    if "pleine" in page.text:
        return 0.0
    minutes, hours = _MINUTES.search(page.text), _HOURS.search(page.text)
    return None if minutes is None else int(minutes[1]) * 60.0 + (int(hours[1]) * 3600.0 if hours else 0.0)
