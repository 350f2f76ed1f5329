"""Our cookies: a signed session id, a mark of the browser that forms are tied to, one for each login under way."""

import hashlib
import re
from collections.abc import Sequence

from itsdangerous import BadSignature, Signer

from gateway.core.model import SessionId
from gateway.ports import NewToken
from gateway.web import language
from gateway.web.cookie_family import CookieFamily

LOGIN_S = 1800
"""A login may last as long as FranceConnect lets a person stay on its own pages."""

LOGINS_AT_MOST = 8
"""Under way in one browser. With the browser's own cookies the head stays far below what any server takes."""

FORMS_AT_MOST = 4

OUTAGE_S = 300
"""How long a browser remembers that a provider failed it: as long as an outage that passes by itself lasts, mostly."""

OUTAGES_AT_MOST = 4

_TOKEN = re.compile(r"[0-9a-f]{64}")


def new_session_id(new_token: NewToken) -> SessionId:
    return SessionId(new_token())


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


class Cookies:
    """Names, attributes and signatures follow from `public_url`; the newest secret signs, all of them verify."""

    def __init__(self, public_url: str, secrets: Sequence[bytes]) -> None:
        secure = public_url.startswith("https:")
        prefix = "__Host-" if secure else ""
        self._session = f"{prefix}gateway-session"
        self._session_name = self._session.encode("ascii")
        self._browser = f"{prefix}gateway-browser"
        self._agent = f"{prefix}gateway-agent"
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
        self.names = _every_name(("gateway-session", "gateway-browser", "gateway-agent", language.COOKIE))
        """What is never forwarded and never settable by an upstream."""
        self._sessions = _signer(secrets, "session cookie")
        self._browsers = _signer(secrets, "browser cookie")
        self._agents = _signer(secrets, "agent cookie")
        self._forms = _signer(secrets, "form token")
        self._returns = _signer(secrets, "logout return")

        def family(name: str, at_most: int, ttl_s: int) -> CookieFamily:
            signer = _signer(secrets, f"{name} cookie")
            return CookieFamily(f"{prefix}gateway-{name}", self._attributes, signer, at_most=at_most, ttl_s=ttl_s)

        self.logins = family("login", LOGINS_AT_MOST, LOGIN_S)
        """One for each login under way, by its state: another browser cannot end it."""
        self.forms = family("form", FORMS_AT_MOST, LOGIN_S)
        """The ticket of each form that waits for a login, by its target."""
        self.outages = family("outage", OUTAGES_AT_MOST, OUTAGE_S)
        """A mark for each provider that failed this browser, by its name in `identity:`."""

    def session_id(self, headers: Sequence[bytes]) -> SessionId | None:
        """The id in a request's Cookie lines; repeated, unsigned or malformed counts as none."""
        cookie = self.session_cookie(headers)
        return None if cookie is None else self.check_session(cookie)

    def session_cookie(self, headers: Sequence[bytes]) -> bytes | None:
        """The value of the one session cookie as sent, unchecked; None when there is none or more than one."""
        found: bytes | None = None
        for line in headers:
            if self._session_name not in line:
                continue
            for pair in line.split(b";"):
                name, _, value = pair.strip(b" \t").partition(b"=")
                if name == self._session_name:
                    if found is not None:
                        return None
                    found = value
        return found

    def check_session(self, cookie: bytes) -> SessionId | None:
        """The id in a cookie's value, if we signed it."""
        value = _unsigned(cookie, self._sessions)
        return None if value is None else SessionId(value)

    def set_session(self, session_id: SessionId) -> str:
        return self._set(self._session, self._sessions, session_id)

    def clear_session(self) -> str:
        return f"{self._session}={self._attributes}; Max-Age=0"

    def agent_id(self, headers: Sequence[bytes]) -> SessionId | None:
        """An agent's session id: another cookie under another signature than a person's."""
        value = self._value(headers, self._agent, self._agents)
        return None if value is None else SessionId(value)

    def set_agent(self, session_id: SessionId) -> str:
        return self._set(self._agent, self._agents, session_id)

    def clear_agent(self) -> str:
        return f"{self._agent}={self._attributes}; Max-Age=0"

    def browser(self, headers: Sequence[bytes]) -> str | None:
        return self._value(headers, self._browser, self._browsers)

    def set_browser(self, value: str) -> str:
        return self._set(self._browser, self._browsers, value)

    def browser_digest(self, value: str) -> str:
        """What may be kept or shown of a secret value: its SHA-256."""
        return digest_of(value)

    def form_token(self, bound_to: str) -> str:
        return self._forms.get_signature(bound_to).decode("ascii")

    def check_form_token(self, token: str, bound_to: str) -> bool:
        return self._forms.verify_signature(bound_to.encode("ascii"), token.encode("utf-8", "replace"))

    def return_token(self, browser: str, once: str, ends_at: int) -> str:
        """A `state` for the way to the provider's logout and back, in the browser of this digest, until `ends_at`."""
        signature = self._returns.get_signature(f"{once}.{ends_at}.{browser}").decode("ascii")
        return f"{once}.{ends_at}.{signature}"

    def check_return_token(self, token: str, browser: str, now: int) -> bool:
        once, _, rest = token.partition(".")
        ends_at, _, signature = rest.partition(".")
        signed = f"{once}.{ends_at}.{browser}".encode("utf-8", "replace")
        if not self._returns.verify_signature(signed, signature.encode("utf-8", "replace")):
            return False
        return now < int(ends_at)

    def _set(self, name: str, signer: Signer, value: str) -> str:
        return f"{name}={signer.sign(value).decode('ascii')}{self._attributes}"

    def _value(self, headers: Sequence[bytes], name: str, signer: Signer) -> str | None:
        pairs = (pair.strip(b" \t").partition(b"=") for header in headers for pair in header.split(b";"))
        found = [value for key, _, value in pairs if key == name.encode("ascii")]
        return _unsigned(found[0], signer) if len(found) == 1 else None


def _unsigned(signed: bytes, signer: Signer) -> str | None:
    try:
        value = signer.unsign(signed).decode("ascii")
    except (BadSignature, UnicodeDecodeError):
        return None
    return value if _TOKEN.fullmatch(value) else None


def _every_name(plain: Sequence[str]) -> frozenset[bytes]:
    return frozenset(f"{prefix}{name}".encode("ascii") for prefix in ("", "__Host-") for name in plain)


def _signer(secrets: Sequence[bytes], salt: str) -> Signer:
    return Signer(list(secrets), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
