"""Verifies every request before a Python application sees it; the application's own code stays as it is.

WSGI and ASGI. Name this instead of the application where the server is told what to run:

    application = passerelle.wsgi(application)      # gunicorn, uWSGI, mod_wsgi
    application = passerelle.asgi(application)      # uvicorn, hypercorn

The configuration is `passerelle.json` in the working folder, the file that PASSERELLE_CONFIG names, or a second
argument. It is read once: a mistake in it stops the start. Python 3.9 or later.

Whatever goes wrong with a request, the answer is 403 and the application does not run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from io import BytesIO
from pathlib import Path
from typing import Any

from passerelle.keys import Refused, require
from passerelle.verification import Request, Settings, Verifier, decoded, fold

PAGE = "403. Cette page ne s’ouvre que par la passerelle. / This page opens through the gateway alone.\n".encode()
ANSWER = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
RAW_TARGETS = ("RAW_URI", "REQUEST_URI")
"""gunicorn; uWSGI and mod_wsgi. Plain WSGI has decoded the path, and says no more what was signed."""

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("passerelle")


def wsgi(app: WsgiApp, config: str | Path | None = None) -> WsgiApp:
    verifier = _verifier(config)

    def guarded(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            request = _from_environ(environ, verifier.settings)
            verifier.verify(request, int(time.time()))
            _hand_over(environ, request, verifier.settings)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, nothing is served
            _log_refusal(error)
            start_response("403 Forbidden", [*ANSWER, ("Content-Length", str(len(PAGE)))])
            return [PAGE]
        return app(environ, start_response)

    return guarded


def asgi(app: AsgiApp, config: str | Path | None = None) -> AsgiApp:
    verifier = _verifier(config)
    # ASGI has no such variable: what would not be done is not accepted in silence.
    require(not verifier.settings.remote_user, "configuration")

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        try:
            receive = await _verified(verifier, scope, receive)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, nothing is served
            _log_refusal(error)
            await _refuse(scope, send)
            return
        await app(scope, receive, send)

    return guarded


def _verifier(config: str | Path | None) -> Verifier:
    return Verifier(Settings.read(Path(config or os.environ.get("PASSERELLE_CONFIG") or "passerelle.json").resolve()))


def _log_refusal(error: Exception) -> None:
    code = str(error) if isinstance(error, Refused) else f"error, {type(error).__name__}"
    _log.warning("passerelle: refused, code=%s", code)


def _from_environ(environ: Environ, settings: Settings) -> Request:
    raw = next((environ[name] for name in RAW_TARGETS if environ.get(name)), None)
    if raw is None:
        raise Refused("target_unknown")
    # gunicorn lets a neighbour on the same machine move the path by such a header; no signature covers it.
    require("HTTP_SCRIPT_NAME" not in environ and "HTTP_PATH_INFO" not in environ, "target")
    fields = [(name[5:], str(value).encode("latin-1")) for name, value in environ.items() if name.startswith("HTTP_")]

    def body() -> bytes:
        read = _read(environ, settings.max_body_bytes)
        environ["wsgi.input"] = BytesIO(read)
        return read

    return Request(environ["REQUEST_METHOD"], (str(raw).encode("latin-1"),), fields, body)


def _read(environ: Environ, at_most: int) -> bytes:
    if environ.get("CONTENT_LENGTH"):
        length = int(environ["CONTENT_LENGTH"])
        require(0 <= length <= at_most, "body_too_long")
    else:
        # Without a length a body is there only where the server says that its end will show.
        length = at_most + 1 if environ.get("wsgi.input_terminated") or "HTTP_TRANSFER_ENCODING" in environ else 0
    body: bytes = environ["wsgi.input"].read(length)
    require(len(body) <= at_most, "body_too_long")
    return body


def _hand_over(environ: Environ, request: Request, settings: Settings) -> None:
    """Take the identity away under every name that it has, then set what was verified."""
    values = _decoded(request, settings)
    for variable in list(environ):
        bare = variable
        while bare.startswith("REDIRECT_"):
            bare = bare.removeprefix("REDIRECT_")
        if (bare.startswith("HTTP_") and _is_ours(bare[5:], settings)) or (
            bare == "REMOTE_USER" and settings.remote_user
        ):
            del environ[variable]
    for name, (value, text) in values.items():
        # What came as bytes stays as WSGI writes bytes; what was written in ASCII becomes the text that it means.
        said = value.decode("latin-1") if text is None else text
        environ["HTTP_" + name.upper().replace("-", "_")] = said
        if name == settings.remote_user:
            environ["REMOTE_USER"] = said


def _is_ours(name: str, settings: Settings) -> bool:
    folded = fold(name)
    return folded.startswith("xgateway") or folded in {fold(each) for each in settings.headers}


def _decoded(request: Request, settings: Settings) -> dict[str, tuple[bytes, str | None]]:
    """For each header that is there, its bytes, and its text where the encoding is one of ASCII."""
    values = {}
    for name, encoding in settings.headers.items():
        if request.values(name):
            value = request.only(name, "header_missing_or_repeated")
            values[name] = (value, None if encoding in ("utf-8", "latin-1") else decoded(value, encoding))
    return values


class _BodyNeeded(Exception):
    """The signature covers a body that was not read yet."""


async def _verified(verifier: Verifier, scope: Scope, receive: Receive) -> Receive:
    """Verify, change the scope, and say from where the application reads the body."""
    if not scope.get("raw_path"):
        raise Refused("target_unknown")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    # ASGI does not tell `/a` from `/a?`, neither here nor to the application.
    targets = (scope["raw_path"] + query,) if query else (scope["raw_path"], scope["raw_path"] + b"?")
    fields = [(name.decode("latin-1"), value) for name, value in scope["headers"]]
    request = Request(scope.get("method", "GET"), targets, fields, _unread)
    try:
        await asyncio.to_thread(verifier.verify, request, int(time.time()))
    except _BodyNeeded:
        body = await _received(scope, receive, verifier.settings.max_body_bytes)
        request.body = lambda: body
        await asyncio.to_thread(verifier.verify, request, int(time.time()))
        receive = _again(body, receive)
    _hand_over_scope(scope, request, verifier.settings)
    return receive


def _unread() -> bytes:
    raise _BodyNeeded


async def _received(scope: Scope, receive: Receive, at_most: int) -> bytes:
    body, more = b"", scope["type"] == "http"
    while more:
        message = await receive()
        require(message["type"] == "http.request", "body_unreadable")
        body += message.get("body", b"")
        require(len(body) <= at_most, "body_too_long")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what the server says next: that the client left."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return received


def _hand_over_scope(scope: Scope, request: Request, settings: Settings) -> None:
    values = _decoded(request, settings)
    fields = [(name, value) for name, value in scope["headers"] if not _is_ours(name.decode("latin-1"), settings)]
    for name, (value, text) in values.items():
        fields.append((name.lower().encode(), value if text is None else text.encode(settings.charset)))
    scope["headers"] = fields


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    fields = [(name.lower().encode(), value.encode()) for name, value in ANSWER]
    length = (b"content-length", str(len(PAGE)).encode())
    await send({"type": "http.response.start", "status": 403, "headers": [*fields, length]})
    await send({"type": "http.response.body", "body": PAGE})
