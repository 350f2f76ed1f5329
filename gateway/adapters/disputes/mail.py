"""Word of a dispute by SMTP (RFC 5321): sealed, or not at all.

STARTTLS (RFC 3207) that a server does not offer is never done without: somebody in between may have hidden it.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Protocol

from gateway.adapters.trust import trust
from gateway.settings import EmailSettings

TIMEOUT_S = 10

_KINDS = {"contest": "contestation", "objection": "opposition"}


class Said(Protocol):
    """What a letter says of a dispute: codes and a reference."""

    @property
    def reference(self) -> str: ...

    @property
    def kind(self) -> str: ...


def by_email(settings: EmailSettings, page_url: str) -> Callable[[Said], Coroutine[None, None, None]]:
    """In a thread: the event loop never waits for a mail server."""

    def deliver(word: Said) -> None:
        with mail_server(settings) as server:
            server.send_message(_letter(settings, word, page_url))

    async def send(word: Said) -> None:
        await asyncio.to_thread(deliver, word)

    return send


@contextmanager
def mail_server(settings: EmailSettings) -> Iterator[smtplib.SMTP]:
    """A server ready for a letter. `OSError` (TLS included), `smtplib.SMTPException`; blocks, 10 s a step."""
    context = trust(settings.ca_file)
    with _connected(settings, context) as server:
        if settings.tls == "starttls":
            server.starttls(context=context)
        if settings.username:
            server.login(settings.username, settings.password)
        yield server


def _connected(settings: EmailSettings, context: ssl.SSLContext) -> smtplib.SMTP:
    if settings.tls == "implicit":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT_S, context=context)
    return smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)


def _letter(settings: EmailSettings, word: Said, page_url: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"] = settings.sender, settings.to
    letter["Subject"] = f"{_KINDS[word.kind].capitalize()} {word.reference}"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(
        f"Une {_KINDS[word.kind]} a été enregistrée sous la référence {word.reference}.\n\n"
        f"Pour la lire et y répondre : {page_url}?reference={word.reference}\n\n"
        "Ce message ne contient aucune donnée de la CAF ou de la MSA.\n"
    )
    return letter
