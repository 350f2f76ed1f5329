"""Value or error → response, with the security headers that our own pages need."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from gateway.settings import Authority
from gateway.web import texts
from gateway.web.texts import Message


class Pages:
    """Our pages in the authority's name and colours: French, no script, nothing from elsewhere."""

    def __init__(self, authority: Authority, *, secure: bool, form_targets: Sequence[str]) -> None:
        self._authority = authority
        self._templates = Environment(
            loader=PackageLoader("gateway.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._templates.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
        self._templates.globals |= {"authority": authority, "month": texts.month, "funds": texts.FUNDS, "told": _told}
        origins = " ".join(sorted({_origin(target) for target in form_targets}))
        self._headers = {
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self' {origins}".rstrip(),
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cross-origin-opener-policy": "same-origin",
        }
        if secure:
            self._headers["strict-transport-security"] = "max-age=31536000"

    def speaking(self, language: str) -> "Pages":
        """The same pages in `fr` or `en`."""
        return self

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page of ours; `context` is escaped by the template."""
        html = self._templates.get_template(f"{template}.html").render(**context)
        return Response(html, status, self._headers, media_type="text/html; charset=utf-8")

    def message(self, message: Message, status: int, *, reference: str = "", **context: Any) -> Response:
        """What happened, what it means, one action, a reference."""
        defaults = {"message": message, "reference": reference, "alternative": None, "restart": None, "proceed": None}
        return self.page("message", status, **(defaults | context))

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
        return Response(content, 200, self._headers | {"cache-control": "public, max-age=3600"}, media_type=media_type)


def _told(text: object) -> object:
    """A policy's own words."""
    return getattr(text, "fr", text)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
