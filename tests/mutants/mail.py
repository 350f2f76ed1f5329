"""Word of a dispute by mail."""

from tests.mutants import Mutant

_TESTS = "tests/integration/test_mail_of_disputes.py::"
_FILE = "gateway/adapters/disputes/mail.py"

MUTANTS = (
    Mutant(
        "a mail server without STARTTLS is spoken to in clear",
        _FILE,
        '        if settings.tls == "starttls":\n',
        '        if settings.tls == "starttls" and server.ehlo() and server.has_extn("starttls"):\n',
        _TESTS + "test_a_server_without_starttls_is_told_nothing_in_clear",
    ),
    Mutant(
        "any certificate is good enough for STARTTLS",
        _FILE,
        "server.starttls(context=context)",
        "server.starttls()",
        _TESTS + "test_a_certificate_of_another_name_or_authority_is_refused",
    ),
    Mutant(
        "any certificate is good enough for implicit TLS",
        _FILE,
        "timeout=TIMEOUT_S, context=context)",
        "timeout=TIMEOUT_S)",
        _TESTS + "test_a_certificate_of_another_name_or_authority_is_refused",
    ),
)
