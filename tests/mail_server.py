"""A mail server that we did not write (aiosmtpd), as well or as badly set up as a test wants it."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "passerelle", "un mot de passe inventé".encode("ascii", "replace").decode("ascii")


class Mailbox:
    """Letters that arrived, and whether the connection that brought each was sealed and logged in."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.sealed: list[bool] = []
        self.authenticated: list[bool] = []
        self.heard: list[str] = []
        """Who was named, in each MAIL FROM."""
        self.refused = ""
        """A recipient that it does not take."""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's
        self.heard.append(address)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's
        if address == self.refused:
            return "550 unknown here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self.letters.append(envelope.content.decode("ascii"))
        self.sealed.append(
            session.ssl is not None or isinstance(server.transport.get_extra_info("sslcontext"), ssl.SSLContext)
        )
        self.authenticated.append(bool(session.authenticated))
        return "250 kept"


def _login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(
    *, starttls: ssl.SSLContext | None = None, implicit: ssl.SSLContext | None = None, login: bool = False
) -> Iterator[tuple[int, Mailbox]]:
    """Its port on loopback, and what arrived."""
    mailbox, loop = Mailbox(), asyncio.new_event_loop()

    def smtp() -> SMTP:
        return SMTP(mailbox, hostname="localhost", tls_context=starttls, require_starttls=starttls is not None, auth_required=login,
                    auth_require_tls=starttls is not None, authenticator=_login, loop=loop)  # fmt: skip

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(loop.create_server(smtp, "127.0.0.1", 0, ssl=implicit), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1], mailbox
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
