"""An application of the old kind: it reads headers, knows nothing of FranceConnect, and verifies the assertion."""

import base64
import hashlib
import html
import json
import ssl
import time
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

ASSERTION = "x-gateway-assertion"
SKEW_S = 60

_STYLE = (
    "body{font:1rem/1.5 serif;max-width:45rem;margin:1rem auto;padding:0 1rem}"
    "td,th{text-align:left;border:1px solid #767676;padding:.3rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%;table-layout:fixed}th{width:40%}"
)
_UPLOAD = (
    "<h2>Déposer un justificatif</h2><form method=post enctype=multipart/form-data>"
    "<p><label>Attestation <input type=file name=piece></label></p><p><button>Envoyer</button></p></form>"
)

FetchKeys = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    words: str
    code: str
    claims: dict[str, Any] | None = None


def legacy_app(keys_url: str, fetch_keys: FetchKeys | None = None) -> Starlette:
    """Any path answers. `keys_url` is the gateway's `/_gateway/keys`."""

    # Once: to read the system's authorities takes longer than all the rest of a request.
    trust = ssl.create_default_context()

    async def fetched() -> dict[str, Any]:
        async with httpx.AsyncClient(verify=trust, trust_env=False, timeout=5) as client:
            answer = await client.get(keys_url)
            return dict(answer.json())

    async def show(request: Request) -> Response:
        verdict = await verify(request, fetch_keys or fetched)
        if "application/json" in request.headers.get("accept", ""):
            body = {
                "signature": verdict.code,
                "headers": _headers(request),
                "path": request.url.path,
                "claims": verdict.claims,
            }
            return JSONResponse(body)
        return HTMLResponse(_page(request, verdict))

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", show, methods=methods)])


async def verify(request: Request, fetch_keys: FetchKeys) -> Verdict:
    """Cheap to dear, and closed: one header, its form, its signature, its times, this request, these headers."""
    assertions = [value for name, value in request.headers.items() if name == ASSERTION]
    if not assertions:
        return Verdict("Signature absente", "absent")
    try:
        claims = await _claims(assertions, fetch_keys)
        code = _fault(claims, request, await request.body())
    except Exception as error:  # noqa: BLE001 - whatever fails, the request is not believed
        return Verdict(f"Signature refusée : {type(error).__name__}", "refused")
    if code:
        return Verdict(f"Signature refusée : {code}", code)
    if claims.get("anon"):
        return Verdict("Signature valide, anonyme (signé par la passerelle)", "anonymous", claims)
    return Verdict("Signature valide", "valid", claims)


async def _claims(assertions: Sequence[str], fetch_keys: FetchKeys) -> dict[str, Any]:
    if len(assertions) != 1 or len(assertions[0]) > 4096:
        raise ValueError
    header = json.loads(_decoded(assertions[0].split(".")[0]))
    if header.get("typ") != "gw-assert+jwt" or header.get("alg") not in {"ES256", "EdDSA"}:
        raise ValueError
    keys = KeySet.import_key_set(await fetch_keys())  # type: ignore[arg-type]
    with warnings.catch_warnings():
        # RFC 9864 renames EdDSA; applications in the field know the old name.
        warnings.simplefilter("ignore", SecurityWarning)
        verified = jws.deserialize_compact(assertions[0], keys, algorithms=[header["alg"]])
    return dict(json.loads(verified.payload))


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _fault(claims: dict[str, Any], request: Request, body: bytes) -> str:
    now = time.time()
    target = request.scope["raw_path"] + (
        b"?" + request.scope["query_string"] if request.scope["query_string"] else b""
    )
    checks = [
        ("times", claims["nbf"] - SKEW_S <= now <= claims["exp"] + SKEW_S and claims["exp"] - claims["iat"] <= 60),
        ("method", claims["htm"] == request.method),
        ("host", claims["hta"] == request.headers["host"]),
        (
            "target",
            claims["htp"].partition("?")[0].encode() == request.scope["raw_path"]
            and claims["htp"].encode().rstrip(b"?") == target,
        ),
        ("body", _body_fits(claims, body)),
        (
            "headers",
            all(_digest(request.headers.get(name, "")) == digest for name, digest in claims.get("hdr", {}).items()),
        ),
    ]
    return next((code for code, holds in checks if not holds), "")


def _body_fits(claims: dict[str, Any], body: bytes) -> bool:
    if claims["bodm"] == "digest":
        return bool(claims["bod"] == _label(body))
    return claims["bodm"] == "unbound" or not body


def _digest(value: str) -> str:
    return _label(value.encode("latin-1"))


def _label(raw: bytes) -> str:
    return "sha-256:" + base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()


def _headers(request: Request) -> dict[str, str]:
    """As an application reads them: UTF-8 where it is, percent-encoding undone."""
    return {name: _text(value) for name, value in request.headers.items()}


def _text(value: str) -> str:
    try:
        return unquote(value.encode("latin-1").decode("utf-8"))
    except UnicodeDecodeError:
        return value


def _page(request: Request, verdict: Verdict) -> str:
    headers = {name: value for name, value in _headers(request).items() if name.startswith("x-") and name != ASSERTION}
    rows = "".join(
        f"<tr><th scope=row>{html.escape(n.title())}</th><td>{html.escape(v)}</td></tr>" for n, v in headers.items()
    )
    upload = _UPLOAD if request.url.path.endswith("/justificatif") else ""
    return (
        '<!doctype html><html lang="fr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Application métier</title><style>{_STYLE}</style></head><body><h1>Application métier</h1>"
        f"<p><strong>{html.escape(verdict.words)}</strong></p><h2>En-têtes reçus</h2><table>{rows}</table>"
        f"{_family(headers)}{upload}</body></html>"
    )


def _family(headers: dict[str, str]) -> str:
    parts = []
    for name, title in (("x-caf-adresse", "Adresse"), ("x-caf-enfants", "Enfants")):
        if name in headers:
            value = json.loads(headers[name])
            items = value if isinstance(value, list) else [value]
            lines = "".join(f"<li>{html.escape(_sentence(item))}</li>" for item in items)
            parts.append(f"<h2>{title}</h2><ul>{lines}</ul>")
    return "".join(parts)


def _sentence(item: dict[str, Any]) -> str:
    return ", ".join(" ".join(part) if isinstance(part, list) else str(part) for part in item.values())
