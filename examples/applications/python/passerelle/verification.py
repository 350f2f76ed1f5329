"""The verification itself, without a server around it: a request, what was configured, the time.

The steps and their order are those of docs/signatures.md. `hmac` needs the standard library alone; `jwt` also the
library `cryptography`, on which joserfc and PyJWT stand: they would add three segments of base64url, read here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passerelle.keys import Keys, Refused, base64url, require, signature_holds

MAX_BYTES, REMEMBERED_S = 4096, 300
"""The second: longer than any signature is good for: 32 s and the tolerance at both ends."""
ENCODINGS = {"utf-8", "latin-1", "percent", "base64", "rfc8187"}

_SIGNATURE = re.compile(
    rb"v1;kid=([0-9a-f]{16});ts=([1-9][0-9]{0,11});jti=([!-:<-~]{32});dec=([!-:<-~]+);pol=([0-9a-f]+);mac=([0-9a-f]{64})"
)

ReadBody = Callable[[], bytes]
"""The whole body, or `Refused` when it is longer than configured."""


def fold(name: str) -> str:
    """Letters and digits in lower case: what all spellings of a name have in common."""
    return re.sub("[^a-z0-9]", "", name.lower())


@dataclass
class Request:
    """One request as it arrived: nothing decoded, nothing normalised."""

    method: str
    targets: tuple[bytes, ...]
    """As it was on the wire; two where the server does not tell them apart."""
    fields: list[tuple[str, bytes]]
    body: ReadBody

    def values(self, name: str) -> list[bytes]:
        return [value for each, value in self.fields if fold(each) == fold(name)]

    def only(self, name: str, code: str) -> bytes:
        values = self.values(name)
        require(len(values) == 1, code)
        return values[0]


@dataclass
class Settings:
    """What the integrator wrote in passerelle.json."""

    form: str
    issuer: str
    audience: str
    headers: dict[str, str]
    """Encoding by name."""
    keys: str = ""
    """File or address of the key set."""
    secrets: list[Any] = field(default_factory=list)
    """Files; once read, the secrets themselves."""
    allow_unbound: list[str] = field(default_factory=list)
    seen: str = ""
    """Folder of the ids that were here, for several processes; without one, each process remembers its own."""
    remote_user: str = ""
    charset: str = "utf-8"
    max_body_bytes: int = 1_000_000
    leeway_s: int = 60

    @classmethod
    def read(cls, path: Path) -> Settings:
        """`Refused` for what cannot be read, and for a misspelt name: it would leave a protection out in silence."""
        try:
            settings = cls(**json.loads(path.read_bytes()))
            require(set(settings.headers.values()) <= ENCODINGS, "configuration")
            require(isinstance(settings.allow_unbound, list), "configuration")  # a text would be read letter by letter
            require(bool(settings.issuer and settings.audience) and 0 <= settings.leeway_s <= 60, "configuration")
            require(settings.form in ("jwt", "hmac") and settings.charset in ("utf-8", "latin-1"), "configuration")
            require(not settings.remote_user or settings.remote_user in settings.headers, "configuration")
            require(bool(settings.keys if settings.form == "jwt" else settings.secrets), "configuration")
        except (OSError, TypeError, ValueError, AttributeError):
            raise Refused("configuration") from None
        settings._find(path.parent)
        return settings

    def _find(self, folder: Path) -> None:
        if self.form == "jwt" and "://" not in self.keys:
            self.keys = str(folder / self.keys)
        if self.seen:
            self.seen = str(folder / self.seen)
            require(os.access(self.seen, os.W_OK), "seen")
        try:
            self.secrets = [(folder / name).read_bytes().rstrip(b"\r\n") for name in self.secrets]
        except OSError:
            raise Refused("secrets") from None
        require(all(len(secret) >= 32 for secret in self.secrets), "secrets")

    def allows_unbound(self, target: bytes) -> bool:
        """A place ends with a slash and covers what is below, or is one path exactly."""
        path = target.partition(b"?")[0].decode("latin-1")
        return any(path == each or (each.endswith("/") and path.startswith(each)) for each in self.allow_unbound)


class Seen:
    """Ids that were here: in a folder that processes share, or in this process alone."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def once(self, request_id: str, method: str) -> None:
        """Refuse an id that was here before. Reading again does no harm."""
        if method in ("GET", "HEAD"):
            return
        once = self._once_in_folder if self._folder else self._once_here
        once(hashlib.sha256(request_id.encode()).hexdigest())

    def _once_here(self, name: str) -> None:
        now = time.monotonic()
        with self._lock:
            while self._until and next(iter(self._until.values())) < now:
                del self._until[next(iter(self._until))]
            require(name not in self._until, "replayed")
            self._until[name] = now + REMEMBERED_S

    def _once_in_folder(self, name: str) -> None:
        try:
            (Path(self._folder) / name).touch(exist_ok=False)  # made or refused, in one step
        except FileExistsError:
            raise Refused("replayed") from None
        if name.startswith("00"):
            for each in Path(self._folder).glob("?" * 64):
                if each.stat().st_mtime < time.time() - REMEMBERED_S:
                    each.unlink(missing_ok=True)


class Verifier:
    """The verification itself, without a server around it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._keys = Keys(settings.keys)
        if settings.form == "jwt":
            self._keys.check_file()
        self._seen = Seen(settings.seen)

    def verify(self, request: Request, now: int) -> None:
        """`now` in Unix seconds. `Refused`, or the request is the gateway's."""
        token_id = self._assertion(request, now) if self.settings.form == "jwt" else self._mac(request, now)
        self._seen.once(token_id, request.method)

    def _assertion(self, request: Request, now: int) -> str:
        assertion = request.only("X-Gateway-Assertion", "not_one_signature")
        require(len(assertion) <= MAX_BYTES, "too_long")
        segments = assertion.split(b".")
        require(len(segments) == 3, "malformed")
        header, claims = _json_object(base64url(segments[0])), _json_object(base64url(segments[1]))
        require(isinstance(claims.get("jti"), str) and len(claims["jti"]) == 32, "malformed")

        require(header.get("typ") == "gw-assert+jwt", "typ")
        require(header.get("alg") in ("ES256", "EdDSA"), "alg")
        key = self._keys.find(header.get("kid"))
        signed = segments[0] + b"." + segments[1]
        require(signature_holds(key, header["alg"], signed, base64url(segments[2])), "signature")

        require(claims.get("iss") == self.settings.issuer, "issuer")
        require(claims.get("aud") == self.settings.audience, "audience")
        self._check_times(claims, now)
        self._check_request(claims, request)
        self._check_headers(claims.get("hdr", {}), request)
        return str(claims["jti"])

    def _check_times(self, claims: dict[str, Any], now: int) -> None:
        require(all(type(claims.get(name)) is int for name in ("iat", "nbf", "exp")), "malformed")
        require(claims["exp"] - claims["iat"] <= 60, "time")
        leeway = self.settings.leeway_s
        require(claims["nbf"] - leeway <= now <= claims["exp"] + leeway, "time")

    def _check_request(self, claims: dict[str, Any], request: Request) -> None:
        require(claims.get("htm") == request.method, "method")
        require(str(claims.get("hta")).encode() == request.only("Host", "host"), "host")
        require(str(claims.get("htp")).encode() in request.targets, "target")
        mode = claims.get("bodm")
        if mode == "unbound":
            require(self.settings.allows_unbound(request.targets[0]), "body")
            return
        require(mode == "digest" or (mode == "empty" and "bod" not in claims), "body")
        signed = claims.get("bod") if mode == "digest" else digest_label(b"")
        require(signed == digest_label(request.body()), "body")

    def _check_headers(self, digests: object, request: Request) -> None:
        if not isinstance(digests, dict):
            raise Refused("malformed")
        for name in self.settings.headers:
            require(not request.values(name) or name.lower() in digests, "header_not_signed")
        for name, digest in digests.items():
            value = request.only(name, "header_missing_or_repeated")
            require(digest == digest_label(value), "header_altered")

    def _mac(self, request: Request, now: int) -> str:
        value = request.only("X-Gateway-Signature", "not_one_signature")
        require(len(value) <= MAX_BYTES, "too_long")
        parts = _SIGNATURE.fullmatch(value)
        if parts is None:
            raise Refused("malformed")
        kid, ts, jti, dec, pol, mac = parts.groups()
        before = (kid, self.settings.audience.encode(), ts, jti, dec, pol, request.method.encode())
        secret, host, headers = self._secret(kid), request.only("Host", "host"), self._present(request)

        def holds(body: bytes) -> bool:
            messages = (b"GWv1\n" + _lengths(*before, host, each, body, *headers) for each in request.targets)
            return any(
                hmac.compare_digest(mac, hmac.new(secret, each, "sha256").hexdigest().encode()) for each in messages
            )

        # First without the body: one that streams need not be read.
        unbound = self.settings.allows_unbound(request.targets[0]) and holds(b"unbound")
        require(unbound or holds(hashlib.sha256(request.body()).hexdigest().encode()), "signature")
        leeway = self.settings.leeway_s
        require(int(ts) - 2 - leeway <= now <= int(ts) + 30 + leeway, "time")
        return jti.decode("ascii")

    def _present(self, request: Request) -> list[bytes]:
        """Of the names that the policy injects, those that are there: their number, then name and value of each."""
        names = sorted(name.lower() for name in self.settings.headers if request.values(name))
        pairs = ((name.encode(), request.only(name, "header_missing_or_repeated")) for name in names)
        return [b"%d" % len(names), *(part for pair in pairs for part in pair)]

    def _secret(self, kid: bytes) -> bytes:
        for secret in self.settings.secrets:
            known = hashlib.sha256(b"gateway key id\n" + secret).hexdigest()[:16].encode()
            if hmac.compare_digest(known, kid):
                return bytes(secret)
        raise Refused("kid")


def _lengths(*values: bytes) -> bytes:
    return b"".join(b"%d:%b\n" % (len(value), value) for value in values)


def digest_label(body: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=")
    return f"sha-256:{digest.decode()}"


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("malformed") from None
    require(isinstance(value, dict), "malformed")
    return dict(value)


def decoded(value: bytes, encoding: str) -> str:
    """The text of a value; what stands as bytes is read as UTF-8 or Latin-1."""
    try:
        if encoding == "percent":
            return urllib.parse.unquote_to_bytes(value).decode()
        if encoding == "base64":
            return base64.b64decode(value, validate=True).decode()
        if encoding == "rfc8187":
            require(value[:7].upper() == b"UTF-8''", "value_encoding")
            return urllib.parse.unquote_to_bytes(value[7:]).decode()
        return value.decode(encoding)
    except ValueError:
        raise Refused("value_encoding") from None
