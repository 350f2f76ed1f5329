"""Word of a dispute through a real mail server: sealed, logged in, and otherwise kept until it can leave."""

import asyncio
import email
import smtplib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.disputes.mail import by_email
from gateway.adapters.disputes.notify import RETRY_S, Notifier, Word
from gateway.adapters.metrics.cells import Cells
from gateway.adapters.sessions.memory import MemoryRecords
from gateway.cli.doctors import mail
from gateway.cli.doctors.finding import Level
from gateway.settings import EmailSettings
from tests.authorities import Authority
from tests.mail_server import PASSWORD, USER, mail_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
"""aiosmtpd counts STARTTLS alone as TLS."""

PAGE = "https://services.ville.example/_gateway/agents/dispute"
WORD = Word("K7QM-2F4D", "contest", "quotient", "email")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca", "Autorité d’essai")


def _settings(port: int, tls: str, authority: Authority | None = None, **more: str) -> EmailSettings:
    told = EmailSettings("localhost", port, tls, "passerelle@ville.example", "guichet@ville.example", **more)
    return replace(told, ca_file=authority.file) if authority else told


def _send(settings: EmailSettings) -> None:
    asyncio.run(by_email(settings, PAGE)(WORD))


def test_starttls_and_a_right_login_leave_one_sealed_letter(authority: Authority) -> None:
    with mail_server(starttls=authority.serving("localhost"), login=True) as (port, box):
        _send(_settings(port, "starttls", authority, username=USER, password=PASSWORD))
    assert (box.sealed, box.authenticated) == ([True], [True])
    letter = email.message_from_string(box.letters[0])
    assert (letter["To"], letter["From"]) == ("guichet@ville.example", "passerelle@ville.example")
    assert letter["Subject"] == "Contestation K7QM-2F4D"


def test_implicit_tls_and_a_right_login_leave_one_sealed_letter(authority: Authority) -> None:
    with mail_server(implicit=authority.serving("localhost"), login=True) as (port, box):
        _send(_settings(port, "implicit", authority, username=USER, password=PASSWORD))
    assert (box.sealed, box.authenticated) == ([True], [True])


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_wrong_login_leaves_nothing(authority: Authority, tls: str) -> None:
    context = authority.serving("localhost")
    with (
        mail_server(**{tls: context}, login=True) as (port, box),
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        _send(_settings(port, tls, authority, username=USER, password="another"))
    assert box.letters == box.heard == []


def test_a_server_without_starttls_is_told_nothing_in_clear() -> None:
    with mail_server() as (port, box):
        with pytest.raises(smtplib.SMTPNotSupportedError):
            _send(_settings(port, "starttls", username=USER, password=PASSWORD))
        assert box.letters == box.heard == []
        _send(_settings(port, "none"))  # its twin: the same server takes what was meant to be in clear
    assert len(box.letters) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("name", ["other.example", "localhost"])
def test_a_certificate_of_another_name_or_authority_is_refused(
    authority: Authority, tmp_path: Path, tls: str, name: str
) -> None:
    believed = authority if name != "localhost" else Authority(tmp_path / "other", "Une autre autorité")
    context = authority.serving(name)
    with (
        mail_server(**{tls: context}) as (port, box),  # type: ignore[arg-type]
        pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        _send(_settings(port, tls, believed))
    assert box.letters == box.heard == []


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_word_waits_for_a_mail_server_that_is_down_or_refuses_and_leaves_when_it_is_back(authority: Authority) -> None:
    """By the store, the clock and the metrics that the gateway has."""
    said: list[tuple[str, object]] = []
    at = [1_790_000_000]
    metrics, records = Cells(), MemoryRecords()

    def notifier(settings: EmailSettings) -> Notifier:
        send = by_email(settings, PAGE)
        return Notifier(records, lambda: at[0], b"k" * 32, {"email": send}, metrics=metrics,
                        log=lambda event, **codes: said.append((event, codes.get("error_type"))))  # fmt: skip

    async def scene(port: int) -> None:
        down = notifier(_settings(_closed_port(), "starttls", authority))
        await down.leave("K7QM-2F4D", "contest", "quotient")
        await down.carry()
        at[0] += RETRY_S[0] + 1
        await notifier(_settings(port, "starttls", authority, username=USER, password="mot de passe é")).carry()
        assert [event for event, _ in said] == ["notification_failed"] * 2
        assert said[1] == ("notification_failed", "UnicodeEncodeError")
        await notifier(_settings(port, "starttls", authority, username=USER, password=PASSWORD)).carry()
        assert box.letters == []
        at[0] += RETRY_S[1] + 1
        await notifier(_settings(port, "starttls", authority, username=USER, password=PASSWORD)).carry()
        assert len(box.letters) == 1

    with mail_server(starttls=authority.serving("localhost"), login=True) as (port, box):
        asyncio.run(scene(port))


def test_the_doctor_says_what_is_wrong_with_the_mail_server_and_sends_nothing(authority: Authority) -> None:
    with mail_server(starttls=authority.serving("localhost"), login=True) as (port, box):
        right = _settings(port, "starttls", authority, username=USER, password=PASSWORD)
        found = mail.tried(right)
        assert (found.level, found.code) == (Level.OK, "mail")
        assert mail.tried(replace(right, password="another")).code == "mail_login"
        assert mail.tried(replace(right, ca_file=None)).code == "mail_tls"
        assert mail.tried(replace(right, tls="implicit")).code == "mail_tls"
        box.refused = "guichet@ville.example"
        assert mail.tried(right).code == "mail_addresses"
        assert box.letters == []
    with mail_server() as (port, box):
        assert mail.tried(_settings(port, "starttls")).code == "mail_not_offered"
        assert mail.tried(_settings(port, "none")).code == "mail"
    assert mail.tried(_settings(_closed_port(), "none")).code == "mail_refused"
