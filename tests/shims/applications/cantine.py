"""Applications of the old kind: they know nothing of what runs before them."""

import json
import os
import re
from pathlib import Path
from typing import Any

_IDENTITY = re.compile("USAGER|TRANCHE|PORTAIL|GATEWAY|REMOTE_USER", re.IGNORECASE)


def _answer(identity: dict[str, str], body: bytes, name: bytes = b"") -> bytes:
    with Path(os.environ["RAN"]).open("a", encoding="utf-8") as ran:
        ran.write("x")
    return json.dumps({"identity": identity, "body": body.decode("latin-1"), "nom": name.hex()}).encode()


def plain_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    identity = {name: str(value) for name, value in environ.items() if _IDENTITY.search(name)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [_answer(identity, body)]


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    named = ((name.decode("latin-1"), value.decode(errors="replace")) for name, value in scope["headers"])
    identity = {name: value for name, value in named if _IDENTITY.search(name)}
    nom = dict(scope["headers"]).get(b"x-usager-nom", b"")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": _answer(identity, body, nom)})
