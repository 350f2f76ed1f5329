"""Each shim of `examples/applications/` before an application of the old kind, over HTTP; every refusal has its twin."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.core.rules import SignatureForm
from tests.contract.conftest import OpenShield
from tests.shims import PUBLISHED, STACKS, case_name
from tests.shims.asking import Before, stated, token
from tests.signatures import ED25519, P256, statement
from tests.verifiers import Arrived

JWT, HMAC = SignatureForm.JWT, SignatureForm.HMAC
FIELD = {JWT: "X-Gateway-Assertion", HMAC: "X-Gateway-Signature"}
GET: dict[str, Any] = {"method": "GET", "body": b""}
CASES = [(stack, form) for stack in STACKS for form in stack.forms]
WITH_KEYS = [case for case in CASES if case[1] is JWT]


@pytest.fixture(params=CASES, ids=case_name)
def app(request: pytest.FixtureRequest, open_shield: OpenShield) -> Before:
    return Before(open_shield(*request.param))


def _value(name: str, value: bytes) -> Callable[[Arrived], Arrived]:
    return lambda request: request.without(name).with_field(name, value)


def test_a_request_of_the_gateway_is_served_as_if_nothing_stood_before(app: Before) -> None:
    seen = app.served(app.made())
    assert seen["identity"] == app.expected()
    assert seen["body"] == "enfant=Zo%C3%AB"
    assert seen.get("form", {"enfant": "Zoë"}) == {"enfant": "Zoë"}
    assert app.served(app.made(**GET))["identity"] == app.expected()


def test_either_kind_of_key_is_accepted(app: Before) -> None:
    """And so is the key of before a rotation: both are published."""
    assert Before(app.shield, P256).served(app.made())["identity"] == app.expected()
    other = Before(app.shield, P256)
    assert other.served(other.made())["identity"] == app.expected()


def test_nobody_is_served_without_an_identity(app: Before) -> None:
    nobody = statement(subject=None, values=(), headers=())
    assert app.served(app.made(said=nobody))["identity"] == {}
    app.refused(app.made(said=nobody).with_field("X-Usager-Nom", b"FORGED"), "header_not_signed", "signature")


def test_a_name_is_read_as_it_is_written(app: Before) -> None:
    headers = (("X-Usager-Nom", "Noël%20Œillet+%25".encode()), ("X-Usager-Prenoms", b"Zo%C3%AB"))
    encoded = tuple(
        (name, value.replace("ë".encode(), b"%C3%AB").replace("Œ".encode(), b"%C5%92")) for name, value in headers
    )
    seen = app.served(app.made(said=statement(headers=encoded)))["identity"]
    assert (seen["xusagernom"], seen["xusagerprenoms"]) == ("Noël Œillet+%", "Zoë")


ALTERED: dict[str, tuple[Callable[[Arrived], Arrived], str]] = {
    "the method": (lambda it: replace(it, method="PUT"), "method"),
    "the path": (lambda it: replace(it, target=b"/cantine/annulation?etape=2"), "target"),
    "the case of the path": (lambda it: replace(it, target=b"/cantine/Inscription?etape=2"), "target"),
    "the spelling of the path": (lambda it: replace(it, target=b"/cantine/%69nscription?etape=2"), "target"),
    "the query": (lambda it: replace(it, target=b"/cantine/inscription?etape=3"), "target"),
    "the query taken away": (lambda it: replace(it, target=b"/cantine/inscription"), "target"),
    "a place where streams are allowed": (lambda it: replace(it, target=b"/cantine/depot/"), "target"),
    "the body": (lambda it: replace(it, body=b"enfant=Zo%C3%AC"), "body"),
    "the body taken away": (lambda it: replace(it, body=b""), "body"),
    "a byte after the body": (lambda it: replace(it, body=it.body + b"\n"), "body"),
    "the host": (_value("Host", b"ville.example"), "host"),
    "the port of the host": (_value("Host", b"ville.fr:8443"), "host"),
    "a header's value": (_value("X-Usager-Nom", b"FORGED"), "header_altered"),
    "a header added": (lambda it: it.with_field("X-Usager-Prenoms", b"FORGED"), "header_not_signed"),
    "a header removed": (lambda it: it.without("X-Usager-Nom"), "header_missing_or_repeated"),
}


@pytest.mark.parametrize("altered", ALTERED)
def test_a_request_altered_in_one_thing_is_refused(app: Before, altered: str) -> None:
    alter, reason = ALTERED[altered]
    app.refused(alter(app.made()), reason if app.form is JWT else "signature")
    app.served(app.made())


@pytest.mark.parametrize("name", ["X-Usager-Nom", "x-usager-nom", "X_Usager_Nom", "X-Usager_Nom", "X.Usager.Nom"])
@pytest.mark.parametrize("signed", [True, False], ids=["beside what was signed", "alone"])
def test_no_spelling_of_a_name_brings_a_value_in(app: Before, name: str, signed: bool) -> None:
    """Refused, or dropped by the server before anybody reads it; never seen."""
    said = statement() if signed else statement(subject=None, values=(), headers=())
    requests = [app.made(said=said), app.made(said=said)]
    after, first = (
        requests[0].with_field(name, b"FORGED"),
        replace(requests[1], fields=((name, b"FORGED"), *requests[1].fields)),
    )
    for sent in (after, first):
        answer = app.ask(sent)
        # Apache drops names with other characters; the others hand them on, and the shim refuses.
        assert answer.status == 403 or (app.shield.stack.name == "perl" and name.lower() != "x-usager-nom")
        assert b"FORGED" not in answer.body
    app.served(app.made(said=said))


def test_a_header_sent_twice_is_refused_whatever_it_says(app: Before) -> None:
    good = app.made()
    app.refused(good.with_field("X-Usager-Nom", b"FORGED"), "header_missing_or_repeated", "header_altered", "signature")
    ran = app.shield.ran()
    # Some servers say 400 by themselves.
    assert app.ask(good.with_field("Host", b"ville.example")).status in {400, 403}
    assert app.shield.ran() == ran


@pytest.mark.parametrize("name", ["X-Gateway-Audience", "X_Gateway_Decision", "X-Gateway-User"])
def test_what_the_gateway_might_have_said_is_not_handed_on(app: Before, name: str) -> None:
    assert app.served(app.made().with_field(name, b"FORGED"))["identity"] == app.expected()


def test_one_signature_is_required_and_no_more(app: Before) -> None:
    field = FIELD[app.form]
    good = app.made()
    app.refused(good.without(field), "not_one_signature")
    app.refused(good.with_field(field, app.made().value(field)), "not_one_signature", "malformed", "too_long")
    # The same twice: some servers hand on one of them, which is what was signed.
    assert app.ask(good.with_field(field, good.value(field))).status in {200, 403}
    app.refused(_value(field, good.value(field) + b"A" * 4096)(good), "too_long")
    app.served(app.made())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"a.b",
        b"a.b.c",
        b"....",
        b"v1",
        b"v2;kid=0123456789abcdef",
        b"\xff\xfe",
        b"e30.e30.",
        b"bnVsbA.bnVsbA.AA",
        b"W10.W10.AA",
    ],
)
def test_what_is_no_signature_is_refused(app: Before, value: bytes) -> None:
    app.refused(_value(FIELD[app.form], value)(app.made()), "malformed", "not_one_signature")


def test_another_application_or_another_gateway_is_refused(app: Before) -> None:
    audience = app.made(said=statement(audience="https://ville.fr/creche/"))
    app.refused(audience, "audience" if app.form is JWT else "signature")
    if app.form is JWT:
        app.refused(app.made(said=statement(issuer="https://ville.example")), "issuer")
    app.served(app.made(said=statement(audience="https://ville.fr/cantine/")))


@pytest.mark.parametrize("later_s", [-50, 80])
def test_a_clock_may_be_a_minute_off(app: Before, later_s: int) -> None:
    app.served(app.made(now=int(time.time()) - later_s))
    over = later_s + (15 if later_s > 0 else -15)
    app.refused(app.made(now=int(time.time()) - over), "time")


def test_a_request_is_served_once_unless_it_only_reads(app: Before) -> None:
    once, again, put = app.made(), app.made(**GET), app.made(method="PUT")
    app.served(once)
    app.refused(once, "replayed")
    app.served(again)
    app.served(again)
    app.served(put)
    app.refused(put, "replayed")


def test_of_many_that_come_at_once_one_is_served(app: Before) -> None:
    made = app.made()
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: app.ask(made).status, range(8)))
    assert statuses == [200, *[403] * 7]


def test_a_body_that_streams_is_served_only_where_it_is_allowed(app: Before) -> None:
    allowed = {"target": b"/cantine/depot/?piece=1"}
    app.refused(app.made(unbound=True), "body", "signature")
    assert app.served(app.made(unbound=True, **allowed))["body"] == "enfant=Zo%C3%AB"
    app.refused(replace(app.made(**allowed), body=b"enfant=FORGED"), "body", "signature")
    assert app.served(app.made(**allowed))["body"] == "enfant=Zo%C3%AB"


TARGETS = [
    b"/",
    b"/?",
    b"/?a",
    b"/?a=1?b=2",
    b"/a%2Fb/",
    b"/a;b=c",
    b"/?%C3%A9",
    b"/%C3%A9?%c3%a9",
    b"/a'(b)!*",
    b"//a",
]


NOT_TAKEN = {("java", b"/a%2Fb/")}
"""Tomcat answers 400 by itself unless it is told otherwise."""


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_compared_as_it_is_on_the_wire(app: Before, target: bytes) -> None:
    if (app.shield.stack.name, target) in NOT_TAKEN:
        assert app.ask(app.made(target=target, **GET)).status == 400
        return
    app.served(app.made(target=target, **GET))
    app.refused(replace(app.made(target=target, **GET), target=target + b"x"), "target", "signature")


@pytest.mark.parametrize("body", [b"", b"\0", b"\r\n", bytes(range(256)), b"a" * 200_000], ids=len)
def test_any_body_is_compared_and_read_again(app: Before, body: bytes) -> None:
    raw = [("Content-Type", b"application/octet-stream")]
    made = app.made(body=body)
    seen = app.served(replace(made, fields=(*made.fields, *raw)))
    assert seen["body"].encode("latin-1") == body


WELL_SIGNED: dict[str, tuple[dict[str, Any], str]] = {
    "good for ten minutes": ({"exp": 2_000_000_000}, "time"),
    "a time that is a text": ({"iat": "1"}, "malformed"),
    "a time that is no whole number": ({"nbf": 1.5}, "malformed"),
    "no time": ({"exp": None}, "malformed"),
    "no id": ({"jti": None}, "malformed"),
    "a short id": ({"jti": "1"}, "malformed"),
    "a digest that is not there": ({"bod": None}, "body"),
    "empty, with a digest": ({"bodm": "empty"}, "body"),
    "an unknown kind of body": ({"bodm": "trailer"}, "body"),
    "digests that are none": ({"hdr": "x"}, "malformed"),
    "no digests": ({"hdr": None}, "header_not_signed"),
    "a digest of a header that is not there": ({"hdr": {"x-autre": "sha-256:"}}, "header"),
}


@pytest.mark.parametrize("app", WITH_KEYS, indirect=True, ids=case_name)
def test_a_true_signature_over_something_else_is_refused(app: Before) -> None:
    """A gateway of another version, or one that errs: what is not as agreed is not believed."""
    made, empty = app.made(), app.made(body=b"")
    for changes, code in WELL_SIGNED.values():
        app.refused(stated(made, changes), code)
    for changes in ({"bodm": "trailer"}, {"bod": "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}):
        app.refused(stated(empty, changes), "body")
    good = made.value("X-Gateway-Assertion")
    app.refused(_value("X-Gateway-Assertion", good + b".AA")(made), "malformed")
    app.refused(_value("X-Gateway-Assertion", good + b"=")(made), "malformed")
    app.served(stated(made, {}))
    app.served(stated(empty, {}))


def _confused(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, hashlib.sha256)


@pytest.mark.parametrize("app", WITH_KEYS, indirect=True, ids=case_name)
def test_an_assertion_that_somebody_else_made_is_refused(app: Before) -> None:
    made = app.made()
    good = made.value("X-Gateway-Assertion")
    kid, other = ED25519.signer.kid, P256.signer.kid
    usual = {"typ": "gw-assert+jwt", "alg": "EdDSA", "kid": kid}
    published = json.dumps(ED25519.jwks["keys"][0]).encode()
    raw = base64.urlsafe_b64decode(ED25519.jwks["keys"][0]["x"] + "=")
    forged = {
        token({**usual, "alg": "none"}, good): "alg",
        token({**usual, "alg": "HS256"}, good, _confused(published)): "alg",
        token({**usual, "alg": "HS256"}, good, _confused(raw)): "alg",
        token({**usual, "alg": "ES256"}, good, P256.signer.sign): "alg",
        token({**usual, "kid": other}, good, P256.signer.sign): "alg",
        token({**usual, "kid": "unknown"}, good, ED25519.signer.sign): "kid",
        token({**usual, "kid": 1}, good, ED25519.signer.sign): "kid",
        token({**usual, "jwk": P256.jwks["keys"][0]}, good, P256.signer.sign): "signature",
        token({**usual, "typ": "JWT"}, good, ED25519.signer.sign): "typ",
        token(usual, good, lambda _: b"\0" * 64): "signature",
        token(usual, good, lambda signed: ED25519.signer.sign(signed)[:63]): "signature",
        token({**usual, "alg": "ES256", "kid": other}, good, lambda _: b"\0" * 64): "signature",
    }
    for assertion, code in forged.items():
        app.refused(_value("X-Gateway-Assertion", assertion)(made), code)
    app.served(_value("X-Gateway-Assertion", token(usual, good, ED25519.signer.sign))(made))


@pytest.mark.parametrize("app", [case for case in CASES if case[1] is HMAC], indirect=True, ids=case_name)
def test_a_mac_under_another_secret_is_refused(app: Before) -> None:
    made = app.made()
    field = made.value("X-Gateway-Signature")
    for before, after, code in (
        (b"kid=", b"kid=0", "malformed"),
        (b"ts=1", b"ts=2", "signature"),
        (b"mac=", b"mac=A", "malformed"),
    ):
        app.refused(_value("X-Gateway-Signature", field.replace(before, after, 1))(made), code)
    kid = field.split(b";")[1]
    app.refused(_value("X-Gateway-Signature", field.replace(kid, b"kid=" + b"0" * 16))(made), "kid")
    mac = field[-64:]
    app.refused(_value("X-Gateway-Signature", field.replace(mac, mac[::-1]))(made), "signature")
    app.served(made)


def test_a_body_longer_than_configured_is_refused(app: Before) -> None:
    app.refused(app.made(body=b"a" * 1_000_001), "body_too_long")
    app.served(app.made(body=b"a" * 1_000_000))


def test_a_body_in_pieces_is_bound_too(app: Before) -> None:
    made = app.made()
    pieces = b"8\r\n" + made.body[:8] + b"\r\n%x\r\n" % len(made.body[8:]) + made.body[8:] + b"\r\n0\r\n\r\n"
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in made.fields)
    head = (
        b"POST " + made.target + b" HTTP/1.1\r\n" + lines + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    statuses = [app.sent(head + sent).status for sent in (pieces.replace(b"enfant", b"parent"), pieces)]
    assert statuses == [403, 403 if app.shield.stack.name == "perl" else 200]


PARTS = b"--b\r\nContent-Disposition: form-data; name=piece; filename=a\r\n\r\nFORGED\r\n--b--\r\n"


@pytest.mark.parametrize(
    "app", [case for case in CASES if case[0].name in {"php", "java"}], indirect=True, ids=case_name
)
def test_an_upload_that_the_server_reads_itself_needs_an_unbound_place(app: Before) -> None:
    form = ("Content-Type", b"multipart/form-data; boundary=b")
    for made in (app.made(body=PARTS), app.made(body=PARTS, target=b"/cantine/depot/"), app.made(body=b"")):
        app.refused(replace(made, fields=(*made.fields, form), body=PARTS), "body_unreadable")
    made = app.made(body=PARTS, target=b"/cantine/depot/", unbound=True)
    app.served(replace(made, fields=(*made.fields, form)))


def _write(path: Path, text: str) -> None:
    """As an operator should: whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


@pytest.fixture
def keys(app: Before) -> Iterator[Callable[[object], None]]:
    """Publish other keys to the running application; afterwards the usual ones are there again."""
    path = app.shield.folder / "keys.json"
    yield lambda published: _write(path, published if isinstance(published, str) else json.dumps(published))
    _write(path, json.dumps(PUBLISHED))


@pytest.mark.parametrize("app", WITH_KEYS, indirect=True, ids=case_name)
def test_keys_are_replaced_while_the_application_runs(app: Before, keys: Callable[[object], None]) -> None:
    old, new = app, Before(app.shield, P256)
    keys(ED25519.jwks)
    old.served(old.made())
    new.refused(new.made(), "kid")
    keys({"keys": [*P256.jwks["keys"], *ED25519.jwks["keys"]]})
    old.served(old.made())
    new.served(new.made())
    keys(P256.jwks)
    old.refused(old.made(), "kid")
    new.served(new.made())


BROKEN: list[object] = [
    "",
    "{}",
    "[]",
    "not json",
    {"keys": []},
    {"keys": {}},
    {"keys": [{"kty": "oct", "kid": ED25519.signer.kid, "k": "AAAA", "alg": "EdDSA"}]},
]


@pytest.mark.parametrize("app", WITH_KEYS, indirect=True, ids=case_name)
def test_without_usable_keys_nothing_is_served(app: Before, keys: Callable[[object], None]) -> None:
    for broken in BROKEN:
        keys(broken)
        app.refused(app.made(), "keys", "kid", "error")
    (app.shield.folder / "keys.json").unlink()
    app.refused(app.made(), "keys")
    keys(PUBLISHED)
    app.served(app.made())
