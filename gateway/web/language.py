"""In which language a person is answered: their own choice, else what their browser says, else French."""

import re
from collections.abc import Sequence

LANGUAGES = ("fr", "en")

COOKIE = "gateway-language"
"""Holds `fr` or `en`, nothing else: a choice of language needs no consent (CNIL), and is listed among the cookies."""

YEAR_S = 31_536_000

_CHOSEN = re.compile(rb"(?:^|&)lang=(fr|en)(?=&|$)")
_COOKIE = re.compile(rb"(?:^|;)[ \t]*(?:__Host-)?gateway-language=(fr|en)[ \t]*(?=;|$)")
_RANGE = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?(?:\s*;\s*q\s*=\s*([01](?:\.\d{0,3})?))?")


def chosen(query: bytes | None) -> str | None:
    """`?lang=en`, or nothing; whatever else stands there is not a choice."""
    found = _CHOSEN.search(query or b"")
    return found[1].decode("ascii") if found else None


def kept(cookies: Sequence[bytes]) -> str | None:
    for line in cookies:
        if found := _COOKIE.search(line):
            return found[1].decode("ascii")
    return None


def preferred(accept_language: bytes) -> str:
    """RFC 9110 §12.5.4 as far as two languages need it: the heavier of the two, French when they are equal."""
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in accept_language[:200].decode("latin-1").split(","):
        found = _RANGE.fullmatch(part.strip())
        if found and found[1].lower() in weights:
            name = found[1].lower()
            weights[name] = max(weights[name], float(found[2]) if found[2] else 1.0)
    return "en" if weights["en"] > weights["fr"] else "fr"


def set_cookie(language: str, *, secure: bool) -> str:
    name = f"__Host-{COOKIE}" if secure else COOKIE
    ending = "; Secure" if secure else ""
    return f"{name}={language}; Path=/; HttpOnly; SameSite=Lax; Max-Age={YEAR_S}{ending}"
