"""What goes wrong in a real week, all of it in minutes."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from time import monotonic

from tests.browser import Person as Browser
from tests.fronted import Fronted
from tests.processes import Gateway
from tests.soak.ledger import RECOVERY_S, Ledger, Person
from tests.soak.visitors import Visitors, Wish, connection, read_answer
from tests.world import ROOT

GONE_WITHIN_S = 1.0
"""A logout takes effect within this on every worker."""


class Upstream:
    """The application as a process that can die."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.soak.upstream", str(self._port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()


@dataclass
class Disturbers:
    fronted: Fronted
    gateway: Gateway
    upstream: Upstream
    visitors: Visitors
    random: Random

    @property
    def ledger(self) -> Ledger:
        return self.visitors.ledger

    async def _every(self, mean_s: float) -> AsyncIterator[None]:
        while self.visitors.go_on():
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * mean_s)
            if self.visitors.go_on():
                yield

    async def kill_the_upstream(self) -> None:
        async for _ in self._every(15):
            with self.ledger.upstream_down.lasting(after_s=RECOVERY_S):
                await asyncio.to_thread(self.upstream.kill)
                await asyncio.sleep(self.random.choice([0, 0.5, 1.5]))
                await asyncio.to_thread(self.upstream.start)
            self.ledger.right("upstream kills")

    async def reload(self) -> None:
        async for _ in self._every(5):
            self.gateway.signal(signal.SIGHUP)
            self.ledger.right("reloads")

    async def sign_out_and_in(self, person: Person, login: str) -> None:
        """The old cookie is worth nothing a second later, and a new session is as good as the first."""
        browser = self.fronted.world.people[-1]
        async for _ in self._every(8):
            with person.away.lasting(after_s=1.0):
                old = person.cookie
                await asyncio.to_thread(_sign_out, browser)
                out = monotonic()
                browser, cookie = await asyncio.to_thread(self.fronted.person, login)
                await asyncio.sleep(max(0.0, GONE_WITHIN_S - (monotonic() - out)))
                await self._is_worth_nothing(Person(person.name, old, person.away))
                person.cookie = cookie + b"\r\n"
            self.ledger.right("logouts")

    async def _is_worth_nothing(self, person: Person) -> None:
        wish = Wish("after-logout", b"/soak/", 100)
        async with connection(self.visitors.port) as (reader, writer):
            writer.write(wish.head(self.visitors.authority, person))
            status, _, _ = await read_answer(reader)
        if status != 401:
            self.ledger.say(f"{status} a second after the logout")

    async def abort_uploads(self, person: Person) -> None:
        async for _ in self._every(0.2):
            wish = Wish("aborted", b"/soak/", 100, b"x" * self.random.choice([20_000, 2_000_000]))
            with suppress(OSError):
                async with connection(self.visitors.port) as (_, writer):
                    writer.write(
                        wish.head(self.visitors.authority, person) + wish.body[: self.random.randint(0, 19_000)]
                    )
                    await asyncio.sleep(self.random.choice([0, 0.05]))
            self.ledger.right("aborted uploads")

    async def abort_downloads(self, person: Person) -> None:
        async for _ in self._every(0.2):
            wish = Wish("aborted", b"/soak/", 3_000_000, chunked_answer=self.random.random() < 0.5)
            with suppress(OSError, asyncio.IncompleteReadError):
                async with connection(self.visitors.port) as (reader, writer):
                    writer.write(wish.head(self.visitors.authority, person))
                    await reader.readexactly(self.random.randint(1, 50_000))
            self.ledger.right("aborted downloads")

    async def send_slowly(self) -> None:
        """A head that never ends is 408, whatever else goes on."""
        async for _ in self._every(1):
            with suppress(OSError):
                async with connection(self.visitors.port) as (reader, writer):
                    writer.write(b"GET /soak/ HTTP/1.1\r\n")
                    status, _, _ = await asyncio.wait_for(read_answer(reader), 20)
                    if status == 408:
                        self.ledger.right("slow heads given up")
                    else:
                        self.ledger.say(f"{status} for half a head")

    async def read_slowly(self, person: Person, seed: int) -> None:
        """A client that takes its time still gets every byte."""
        number = 0
        while self.visitors.go_on():
            number += 1
            began = monotonic()
            wish = Wish(f"slow-{seed}-{number}", b"/soak/", 1_500_000, chunked_answer=number % 2 == 0)
            try:
                async with connection(self.visitors.port) as (reader, writer):
                    await self.visitors.ask(reader, writer, wish, person, pace_s=0.1)
            except (OSError, asyncio.IncompleteReadError):
                self.ledger.cut(person, began, f"slow reader {wish.number}")


def _sign_out(browser: Browser) -> None:
    browser.press(browser.visit("/_gateway/logout"), "Se déconnecter")
