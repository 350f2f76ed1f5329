"""Value or error → response, with the security headers that our own pages need."""

import copy
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from gateway.settings import Authority
from gateway.web import language, texts
from gateway.web.speech import Catalogue, Speech
from gateway.web.stylesheet import version
from gateway.web.texts import Message

_OWN = "/_gateway/"
_OTHER = {"fr": ("en", "English"), "en": ("fr", "Français")}

_WITH_BUTTON = frozenset({"login", "login_facile"})
"""Templates that show the official button: its style sheet carries its logo and its letters as `data:`."""


class Pages:
    """Our pages in the authority's name and colours, in one language: no script, nothing from elsewhere."""

    def __init__(
        self,
        authority: Authority,
        *,
        secure: bool,
        form_targets: Sequence[str],
        catalogues: Mapping[str, Catalogue] | None = None,
    ) -> None:
        self._secure = secure
        self._speeches = {name: Speech(name, (catalogues or {}).get(name, {})) for name in language.LANGUAGES}
        self._templates = {name: _environment(authority, speech) for name, speech in self._speeches.items()}
        self._language = "fr"
        self._switch: dict[str, str] | None = None
        self._headers = _headers(form_targets, secure=secure)

    def speaking(self, name: str, here: str = "") -> "Pages":
        """The same pages in `fr` or `en`. `here` is the address that a GET asked for: each page links to it in the
        other language; without it (an answer to a POST, a callback) there is no such link."""
        spoken = copy.copy(self)
        spoken._language = name
        spoken._switch = _switch(name, here) if here else None
        if here.startswith(_OWN) and language.chosen(here.partition("?")[2].encode("latin-1")) == name:
            spoken._headers = self._headers | {"set-cookie": language.set_cookie(name, secure=self._secure)}
        return spoken

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page of ours; `context` is escaped by the template."""
        found = self._templates[self._language].get_template(f"{template}.html")
        html = found.render(switch=self._switch, **context)
        headers = self._headers | {"content-language": self._language}
        if template in _WITH_BUTTON:
            policy = headers["content-security-policy"]
            headers["content-security-policy"] = policy.replace(
                "img-src 'self'", "img-src 'self' data:; font-src data:"
            )
        return Response(html, status, headers, media_type="text/html; charset=utf-8")

    @property
    def speech(self) -> Speech:
        """This language, for what is not a template."""
        return self._speeches[self._language]

    def message(self, message: Message, status: int, *, reference: str = "", **context: Any) -> Response:
        """What happened, what it means, one action, a reference."""
        ways = dict.fromkeys(("alternative", "restart", "proceed", "home", "sign_in", "my_data"))
        return self.page("message", status, **(ways | {"message": message, "reference": reference} | context))

    def redirect(self, to: str, status: int = 303) -> Response:
        return RedirectResponse(to, status, self._headers)

    def problem(self, status: int, code: str, *, reference: str = "", **extra: object) -> Response:
        """RFC 9457, for whoever is not a person looking at a page."""
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
        if reference:
            body["reference"] = reference
        return Response(json.dumps(body | extra), status, self._headers, media_type="application/problem+json")

    def empty(self) -> Response:
        """200 that says all it has to say in headers that are added to it."""
        return Response(b"", 200, {"cache-control": "no-store"})

    def data(
        self, content: Mapping[str, object], *, media_type: str = "application/json", max_age_s: int = 0
    ) -> Response:
        headers = self._headers | ({"cache-control": f"public, max-age={max_age_s}"} if max_age_s else {})
        return Response(json.dumps(content), 200, headers, media_type=media_type)

    def file(self, content: bytes, media_type: str) -> Response:
        """Its address says its version (`?v=`); an old one may be kept for an hour. A picture can run nothing."""
        headers = self._headers | {"cache-control": "public, max-age=3600"}
        if media_type.startswith("image/"):
            headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        return Response(content, 200, headers, media_type=media_type)


def _environment(authority: Authority, speech: Speech) -> Environment:
    templates = Environment(
        loader=PackageLoader("gateway.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # Not `newstyle`: it takes every sentence for HTML, a policy's own included.
    templates.install_gettext_callables(speech.say, speech.say_several, newstyle=False)  # type: ignore[attr-defined]
    templates.globals |= {
        "authority": authority,
        "lang": speech.language,
        "told": speech.told,
        "listed": speech.listed,
        "month": speech.month,
        "amount": speech.amount,
        "day": speech.day,
        "dated": speech.dated,
        "funds": {name: speech.say(label) for name, label in texts.FUNDS.items()},
        "states": texts.ACCESSIBILITY_STATES,
        "version": version(authority),
    }
    return templates


def _headers(form_targets: Sequence[str], *, secure: bool) -> dict[str, str]:
    origins = " ".join(sorted({_origin(target) for target in form_targets}))
    headers = {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {origins}".rstrip(),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
    }
    return headers | ({"strict-transport-security": "max-age=31536000"} if secure else {})


def _switch(name: str, here: str) -> dict[str, str]:
    """Where the same page is in the other language: an application's own address is returned to by way of ours."""
    other, label = _OTHER[name]
    if not here.startswith(_OWN):
        return {"lang": other, "label": label, "url": f"{_OWN}language?lang={other}&return_to={quote(here, safe='')}"}
    path, _, query = here.partition("?")
    kept = [pair for pair in query.split("&") if pair and not pair.startswith("lang=")]
    return {"lang": other, "label": label, "url": f"{path}?" + "&".join([*kept, f"lang={other}"])}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
