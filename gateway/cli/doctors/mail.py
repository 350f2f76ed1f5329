"""The mail server that carries word of disputes: reached, sealed, logged in to, and willing. Nothing is sent."""

import asyncio
import smtplib

from gateway.adapters.disputes.mail import mail_server
from gateway.cli.doctors.finding import Finding, good, wrong
from gateway.cli.doctors.reach import unreached
from gateway.settings import EmailSettings, Settings

_STARTTLS = "the word waits, and never leaves in clear: `tls: implicit` (port 465), or enable STARTTLS there"
_LOGIN = "check `username` and `password`, and that the file has no more than it"
_ADDRESSES = "check `from` and `to`, and whether this machine may send through it"


async def examine(settings: Settings) -> list[Finding]:
    disputes = settings.disputes
    if disputes is None or disputes.email is None:
        return []
    return [await asyncio.to_thread(tried, disputes.email)]


def tried(email: EmailSettings) -> Finding:
    """Everything but the letter."""
    about = f"{email.host}:{email.port}"
    try:
        with mail_server(email) as server:
            return _envelope(server, email, about)
    except smtplib.SMTPNotSupportedError:
        return wrong(
            "mail_not_offered", about, f"it does not offer what `tls: {email.tls}` or a login needs", _STARTTLS
        )
    except smtplib.SMTPAuthenticationError as error:
        return wrong("mail_login", about, f"our login is refused ({error.smtp_code})", _LOGIN)
    except smtplib.SMTPException:
        return wrong("mail_answer", about, "it does not answer as a mail server does", "check `host`, `port` and `tls`")
    except OSError as error:
        return unreached("mail", about, error)


def _envelope(server: smtplib.SMTP, email: EmailSettings, about: str) -> Finding:
    """The addresses of a letter, then none: RSET forgets them."""
    server.ehlo_or_helo_if_needed()
    codes = [server.mail(email.sender)[0], server.rcpt(email.to)[0]]
    server.rset()
    if max(codes) >= 400:
        return wrong("mail_addresses", about, f"it refuses the addresses ({max(codes)})", _ADDRESSES)
    return good("mail", about, f"it would take a letter to {email.to}")
