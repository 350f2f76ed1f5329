"""The service is told of a dispute by mail and by webhook: the reference, never a value, never a name; and nothing lost."""

import asyncio
import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gateway.adapters.disputes.mail import by_email
from gateway.adapters.disputes.notify import RETRY_S, Notifier, Word
from gateway.adapters.metrics.cells import Cells
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.settings import EmailSettings
from tests.agents import contest, office, received
from tests.processes import until

SECRET = b"w" * 64
NOW = 1_790_000_000


class _Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs to leave one letter."""

    letters: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 localhost\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.letters.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"250 kept\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 localhost\r\n")


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    letters: list[str] = []
    handler = type("Mailbox", (_Mailbox,), {"letters": letters})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], letters
        finally:
            server.shutdown()


@contextmanager
def hook() -> Iterator[tuple[int, list[tuple[str, bytes]], list[int]]]:
    """Port, calls received (signature, body), and statuses to answer before 204."""
    calls: list[tuple[str, bytes]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            calls.append((self.headers["x-gateway-signature"], body))
            self.send_response(statuses.pop(0) if statuses else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silence."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], calls, statuses
        finally:
            server.shutdown()


def test_a_contest_is_announced_by_mail_and_by_a_signed_call_without_value_or_name(tmp_path: Path) -> None:
    with mail_server() as (smtp, letters), hook() as (port, calls, _):
        notify = (
            f"{{email: {{host: 127.0.0.1, port: {smtp}, tls: none, from: passerelle@ville.example, to: guichet@ville.example}},"
            f" webhook: {{url: 'http://127.0.0.1:{port}/', secret: {{env: WEBHOOK_SECRET}}}}}}"
        )
        with office(tmp_path, notify=notify) as town:
            parent = town.parent()
            reference = contest(parent, text="Mots de la personne", contact="0102030405")
            until(lambda: letters and calls)
            signature, body = calls[0]
            at, proof = (part.partition("=")[2] for part in signature.split(","))
            assert hmac.compare_digest(proof, hmac.new(SECRET, at.encode() + b"." + body, hashlib.sha256).hexdigest())
            assert json.loads(body) == {"reference": reference, "kind": "contest", "about": "quotient"}
            assert reference in letters[0]
            assert "To: guichet@ville.example" in letters[0]
            for secret in ("DUBOIS", "Angela", "2550", "Mots de la personne", "0102030405"):
                assert secret not in letters[0]
                assert secret not in body.decode()


def test_a_hook_that_is_down_loses_no_dispute_and_is_called_again(tmp_path: Path) -> None:
    with hook() as (port, calls, statuses):
        statuses += [500]
        notify = f"{{webhook: {{url: 'http://127.0.0.1:{port}/', secret: {{env: WEBHOOK_SECRET}}}}}}"
        with office(tmp_path, notify=notify) as town:
            parent = town.parent()
            contest(parent)
            until(lambda: "notification_failed" in town.world.logs.getvalue())
            assert received(parent, "/quotient/") == {"x-statut": "contested"}
            assert len(calls) == 1
            town.world.clock.ahead_s += RETRY_S[0] + 1
            contest(parent, "Adresse")
            until(lambda: len(calls) == 3)
            assert {json.loads(body)["about"] for _, body in calls} == {"quotient", "address"}


class Hand:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


def _notifier(records: MemoryRecords, clock: Hand, sent: list[Word], fails: list[bool]) -> Notifier:
    async def send(word: Word) -> None:
        if fails and fails.pop(0):
            raise OSError("down")
        sent.append(word)

    def log(event: str, **codes: object) -> None:
        logged.append(event)

    return Notifier(records, clock, b"k" * 32, {"webhook": send}, log=log, metrics=Cells())


logged: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_logged() -> None:
    logged.clear()


def test_word_that_never_leaves_is_given_up_after_a_bounded_number_of_tries() -> None:
    async def scene() -> None:
        records, clock, sent = MemoryRecords(), Hand(), list[Word]()
        notifier = _notifier(records, clock, sent, [True] * 100)
        await notifier.leave("K7QM-2F4D", "contest", "quotient")
        for wait in (0, *RETRY_S, *RETRY_S):
            clock.at += wait
            await notifier.carry()
        assert sent == []
        assert logged.count("notification_failed") == len(RETRY_S) + 1
        assert logged[-1] == "notification_given_up"

    asyncio.run(scene())


def test_two_workers_send_one_word_once_and_another_process_sends_what_this_one_left() -> None:
    async def scene() -> None:
        records, clock, sent = MemoryRecords(), Hand(), list[Word]()
        workers = [_notifier(records, clock, sent, []) for _ in range(2)]
        await workers[0].leave("K7QM-2F4D", "contest", "quotient")
        await asyncio.gather(*(each.carry() for each in workers))
        assert [word.reference for word in sent] == ["K7QM-2F4D"]

    asyncio.run(scene())


def test_a_mail_server_that_is_not_there_is_a_failure_and_not_a_crash() -> None:
    async def scene() -> None:
        records, clock = MemoryRecords(), Hand()
        send = by_email(
            EmailSettings("127.0.0.1", 1, "none", "a@ville.example", "b@ville.example"), "https://x.example"
        )
        notifier = Notifier(
            records, clock, b"k" * 32, {"email": send}, log=lambda event, **_: logged.append(event), metrics=Cells()
        )
        await notifier.leave("K7QM-2F4D", "objection", "cantine")
        await notifier.carry()
        assert logged == ["notification_failed"]

    asyncio.run(scene())


@pytest.mark.anyio
async def test_word_that_another_version_left_keeps_no_other_from_leaving() -> None:
    said: list[str] = []

    async def send(word: Word) -> None:
        said.append(word.reference)

    records = MemoryRecords()
    quiet = Cells()
    notifier = Notifier(records, lambda: NOW, b"k" * 32, {"email": send}, log=lambda *_, **__: None, metrics=quiet)
    name = notifier._keyed.name("word", "OLD", "email")
    await records.create(name, notifier._keyed.close(name, b'{"other":1}'), NOW + 60, [notifier._tag])
    await notifier.leave("NEW", "contest", "quotient")
    await notifier.carry()
    assert said == ["NEW"]
