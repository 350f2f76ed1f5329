"""What arrives at an application through the running gateway, judged by verifiers in other languages."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.adapters.keys import load_signing_keys
from gateway.core.rules import SignatureForm
from tests.fronted import Fronted, gateway_at
from tests.verifiers import Arrived, judged, skip_without

ROUTES = """
  - {path: /jwt/, upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: jwt}
  - {path: /hmac/, upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: hmac, sign: hmac, secret: {env: SESSION_SECRET}}
  - {path: /rfc9421/, upstream: "http://127.0.0.1:CANARY", policy: signed-in, name: rfc9421, sign: rfc9421}
  - {path: /open/jwt/, upstream: "http://127.0.0.1:CANARY", policy: public, name: open jwt}
  - {path: /open/hmac/, upstream: "http://127.0.0.1:CANARY", policy: public, name: open hmac, sign: hmac, secret: {env: SESSION_SECRET}}
  - {path: /open/rfc9421/, upstream: "http://127.0.0.1:CANARY", policy: public, name: open rfc9421, sign: rfc9421}
"""
FORGED = (
    b"X-Gateway-Assertion: a.b.c\r\nX-Gateway-Signature: v1\r\nx_gateway_audience: x\r\nX-Gateway-Body: unbound\r\n"
    b"Content-Digest: sha-256=:AAAA:\r\nSignature-Input: gw=()\r\nSignature: gw=:AAAA:\r\nX-Usager-Nom: FORGED\r\n"
)


@pytest.fixture(scope="module", params=[True, False], ids=["quick lane", "ASGI"])
def fronted(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Fronted]:
    with gateway_at(tmp_path_factory.mktemp("signed"), routes=ROUTES, quick_lane=request.param) as started:
        yield started


@pytest.fixture(params=[SignatureForm.JWT, SignatureForm.HMAC, SignatureForm.RFC9421])
def form(request: pytest.FixtureRequest) -> SignatureForm:
    skip_without(request.param)
    form: SignatureForm = request.param
    return form


def _arrived(fronted: Fronted, request: bytes) -> Arrived:
    fronted.forget()
    assert fronted.ask(request, request.partition(b" ")[0].decode("ascii")).status == 200
    [seen] = fronted.canary.seen
    return Arrived(seen.method, seen.target, tuple(seen.fields), seen.body)


def _expected(fronted: Fronted, prefix: str) -> dict[str, Any]:
    settings = fronted.world.settings
    keys = load_signing_keys(settings.signing.key_pem, settings.signing.previous)
    [route] = [route for route in settings.routes if route.path == f"/{prefix}/"]
    return {
        "now": int(fronted.world.clock()),
        "issuer": settings.public_url,
        "audience": route.audience,
        "keys": keys.jwks,
        "secrets": [base64.b64encode(b"s" * 64).decode("ascii")],
        "headers": [injection.header.lower() for injection in route.policy.inject] or ["x-usager-nom"],
        "allow_unbound": False,
    }


def _post(fronted: Fronted, path: str, body: bytes = b"enfant=1", *fields: bytes) -> bytes:
    head = b"POST /%b?q=[]|'%%20 HTTP/1.1\r\nHost: HOST\r\n%b" % (path.encode("ascii"), FORGED)
    lines = b"".join(field + b"\r\n" for field in (*fields, b"Content-Length: %d" % len(body)))
    return head + lines + b"\r\n" + body


def test_a_persons_request_is_accepted_as_it_arrives_and_refused_once_altered(
    fronted: Fronted, form: SignatureForm
) -> None:
    arrived = [_arrived(fronted, _post(fronted, f"{form}/x", b"enfant=1", fronted.signed_in)) for _ in range(3)]
    altered = replace(arrived[1], body=b"enfant=2")
    added = arrived[2].with_field("X-Usager-Nom", b"FORGED")
    accepted, *refused = judged(form, _expected(fronted, str(form)), arrived[0], altered, added)
    assert accepted == "accepted"
    assert refused[0] in {"body", "signature"}
    assert refused[1] in {"header_missing_or_repeated", "header_not_signed"}
    assert b"FORGED" not in b"".join(value for _, value in arrived[0].fields)


def test_nobodys_request_is_signed_as_nobodys(fronted: Fronted, form: SignatureForm) -> None:
    arrived = _arrived(fronted, _post(fronted, f"open/{form}/x"))
    assert judged(form, _expected(fronted, f"open/{form}"), arrived) == ["anonymous"]


def test_two_requests_of_one_session_are_two(fronted: Fronted, form: SignatureForm) -> None:
    request = _post(fronted, f"{form}/x", b"enfant=1", fronted.signed_in)
    one, other = _arrived(fronted, request), _arrived(fronted, request)
    assert judged(form, _expected(fronted, str(form)), one, other, one) == ["accepted", "accepted", "replayed"]
