"""Each form of signature before a verifier in another language, written from docs/signatures.md alone."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.rules import SignatureForm
from tests.signatures import ED25519, KEYS, P256, SECRET, Requests, statement
from tests.verifiers import Arrived, judged

JWT, HMAC, RFC9421 = SignatureForm.JWT, SignatureForm.HMAC, SignatureForm.RFC9421
NOW = 1_790_000_100
EXPECTED: dict[str, Any] = {
    "now": NOW + 1,
    "issuer": "https://ville.fr",
    "audience": "https://ville.fr/cantine/",
    "secrets": [base64.b64encode(SECRET).decode("ascii")],
    "headers": ["x-usager-nom", "x-usager-prenoms", "x-caf-tranche", "x-portail"],
    "allow_unbound": False,
}
CASES = [(JWT, "ed25519"), (JWT, "p256"), (HMAC, "ed25519"), (RFC9421, "ed25519"), (RFC9421, "p256")]


class Form(Requests):
    """Signs requests, and has them judged."""

    def __init__(self, form: SignatureForm, key: str) -> None:
        super().__init__(form, KEYS[key])

    def judged(self, *requests: Arrived, **expected: Any) -> list[str]:
        return judged(self.form, {**EXPECTED, "keys": self.keys.jwks, **expected}, *requests)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}, {case[1]}" if case[0] is not HMAC else "hmac")
def form(request: pytest.FixtureRequest) -> Form:
    return Form(*request.param)


def _value(name: str, value: bytes) -> Callable[[Arrived], Arrived]:
    return lambda request: request.without(name).with_field(name, value)


def _renamed(request: Arrived) -> Arrived:
    return request.without("X-Usager-Nom").with_field("X-Usager-Prenoms", request.value("X-Usager-Nom"))


def _exchanged(request: Arrived) -> Arrived:
    one, other = request.value("X-Usager-Nom"), request.value("X-Portail")
    return _value("X-Usager-Nom", other)(_value("X-Portail", one)(request))


# What is altered, how, and what each form then says: jwt, hmac, rfc9421.
ALTERED: dict[str, tuple[Callable[[Arrived], Arrived], tuple[str, str, str]]] = {
    "the method": (lambda it: replace(it, method="PUT"), ("method", "signature", "signature")),
    "the path": (lambda it: replace(it, target=b"/cantine/annulation?etape=2"), ("target", "signature", "signature")),
    "the case of the path": (
        lambda it: replace(it, target=b"/cantine/Inscription?etape=2"),
        ("target", "signature", "signature"),
    ),
    "the spelling of the path": (
        lambda it: replace(it, target=b"/cantine/%69nscription?etape=2"),
        ("target", "signature", "signature"),
    ),
    "the query": (
        lambda it: replace(it, target=b"/cantine/inscription?etape=3"),
        ("target", "signature", "signature"),
    ),
    "the query taken away": (
        lambda it: replace(it, target=b"/cantine/inscription"),
        ("target", "signature", "signature"),
    ),
    "the place of the question mark": (
        lambda it: replace(it, target=b"/cantine/?inscriptionetape=2"),
        ("target", "signature", "signature"),
    ),
    "the body": (lambda it: replace(it, body=b"enfant=Zo%C3%AC"), ("body", "signature", "body")),
    "the body taken away": (lambda it: replace(it, body=b""), ("body", "signature", "body")),
    "a byte after the body": (lambda it: replace(it, body=it.body + b"\n"), ("body", "signature", "body")),
    "the host": (_value("Host", b"ville.example"), ("host", "signature", "signature")),
    "the port of the host": (_value("Host", b"ville.fr:8443"), ("host", "signature", "signature")),
    "a header's value": (_value("X-Usager-Nom", b"DURAND"), ("header_altered", "signature", "signature")),
    "two headers' values, exchanged": (_exchanged, ("header_altered", "signature", "signature")),
    "a header added": (
        lambda it: it.with_field("X-Usager-Prenoms", b"Zoe"),
        ("header_not_signed", "signature", "header_not_signed"),
    ),
    "a header added under another spelling": (
        lambda it: it.with_field("x_usager_prenoms", b"Zoe"),
        ("header_not_signed", "signature", "header_not_signed"),
    ),
    "a header sent twice": (
        lambda it: it.with_field("x_usager_nom", b"DURAND"),
        ("header_missing_or_repeated", "header_missing_or_repeated", "header_missing_or_repeated"),
    ),
    "a header removed": (
        lambda it: it.without("X-Usager-Nom"),
        ("header_missing_or_repeated", "signature", "header_missing_or_repeated"),
    ),
    "a header renamed": (_renamed, ("header_not_signed", "signature", "header_not_signed")),
}


@pytest.mark.parametrize("altered", ALTERED)
def test_a_request_is_accepted_and_the_same_altered_in_one_thing_is_refused(form: Form, altered: str) -> None:
    alter, reasons = ALTERED[altered]
    reason = dict(zip((JWT, HMAC, RFC9421), reasons))[form.form]
    assert form.judged(form.arrived(), alter(form.arrived())) == ["accepted", reason]


def test_a_request_is_accepted_once(form: Form) -> None:
    one, other = form.arrived(), form.arrived()
    assert form.judged(one, other, one) == ["accepted", "accepted", "replayed"]


def test_a_request_for_another_application_is_refused(form: Form) -> None:
    other = statement(audience="https://ville.fr/creche/")
    reason = {JWT: "audience", HMAC: "signature", RFC9421: "audience"}[form.form]
    assert form.judged(form.arrived(), form.arrived(said=other)) == ["accepted", reason]
    assert form.judged(form.arrived(said=other), audience=other.audience) == ["accepted"]
    for audience in ("https://ville.fr/crèche/", "https://ville.fr/cr%C3%A8che/"):
        odd = form.arrived(said=statement(audience=audience))
        assert form.judged(odd, audience=audience) == ["accepted"]
        assert form.judged(odd, audience="https://ville.fr/cr%25C3%25A8che/") == [reason]


@pytest.mark.parametrize(
    ("later_s", "verdict"), [(-60, "accepted"), (-63, "time"), (0, "accepted"), (90, "accepted"), (91, "time")]
)
def test_a_request_is_good_for_half_a_minute_and_the_tolerance(form: Form, later_s: int, verdict: str) -> None:
    assert form.judged(form.arrived(), now=NOW + later_s) == [verdict]


def test_a_request_without_a_signature_or_with_two_is_refused(form: Form) -> None:
    good = form.arrived()
    [name] = [name for name, _ in good.fields if name in {"X-Gateway-Assertion", "X-Gateway-Signature", "Signature"}]
    twice = good.with_field(name, form.arrived().value(name))
    assert form.judged(good.without(name), twice, good) == ["not_one_signature", "not_one_signature", "accepted"]


def test_the_signature_of_another_request_is_refused(form: Form) -> None:
    good, other = form.arrived(), form.arrived(target=b"/cantine/menu")
    names = {name for name, _ in other.fields} - {"Host"}
    moved = replace(
        good, fields=tuple((name, other.value(name) if name in names else value) for name, value in good.fields)
    )
    reason = {JWT: "target", HMAC: "signature", RFC9421: "signature"}[form.form]
    assert form.judged(moved, good, other) == [reason, "accepted", "accepted"]


def test_a_key_that_was_not_published_is_refused(form: Form) -> None:
    stranger = P256 if form.keys is ED25519 else ED25519
    other = {"keys": stranger.jwks, "secrets": [base64.b64encode(SECRET[::-1]).decode("ascii")]}
    assert form.judged(form.arrived(), **other) == ["kid"]
    both = {
        "keys": {"keys": [*stranger.jwks["keys"], *form.keys.jwks["keys"]]},
        "secrets": [*other["secrets"], *EXPECTED["secrets"]],
    }
    assert form.judged(form.arrived(), **both) == ["accepted"]


def test_a_stream_is_accepted_only_where_unbound_bodies_are_allowed(form: Form) -> None:
    reason = {JWT: "body", HMAC: "signature", RFC9421: "body"}[form.form]
    assert form.judged(form.arrived(unbound=True)) == [reason]
    assert form.judged(form.arrived(unbound=True), form.arrived(), allow_unbound=True) == ["accepted", "accepted"]


def test_a_bound_body_stays_bound_where_streams_are_allowed(form: Form) -> None:
    altered = replace(form.arrived(), body=b"enfant=Max")
    reason = {JWT: "body", HMAC: "signature", RFC9421: "body"}[form.form]
    assert form.judged(altered, form.arrived(), allow_unbound=True) == [reason, "accepted"]


def test_nobody_is_told_from_somebody(form: Form) -> None:
    nobody = statement(subject=None, values=(), headers=())
    assert form.judged(form.arrived(said=nobody), form.arrived()) == ["anonymous", "accepted"]


def test_a_header_added_to_a_request_of_nobody_is_refused(form: Form) -> None:
    nobody = form.arrived(said=statement(subject=None, values=(), headers=()))
    reason = {JWT: "header_not_signed", HMAC: "signature", RFC9421: "header_not_signed"}[form.form]
    assert form.judged(nobody.with_field("X-Usager-Nom", b"DUBOIS"), nobody) == [reason, "anonymous"]


TARGETS = [
    b"/",
    b"/?",
    b"/?a",
    b"/?a=1?b=2",
    b"/a%2Fb/",
    b"/a;b=c",
    b"/?q=[]{}|^`\\'",
    b"/?%",
    b"/a'(b)!*",
    b"/%C3%A9?%c3%a9",
]
HOSTS = [b"ville.fr", b"ville.fr:8443", b"127.0.0.1:8000", b"[::1]:8000", b"Ville.FR"]
BODIES = [b"", b"\0", b"\r\n", bytes(range(256)), b"a" * 100_000]
VALUES = [b'a"b', b"a\\b", b"a, b;c=d", b"UTF-8''Zo%C3%AB", "Zoë".encode(), "Zoë".encode("latin-1"), b"[]", b"(", b"?1"]


def test_a_target_is_signed_as_it_is_on_the_wire(form: Form) -> None:
    verdicts = form.judged(*(form.arrived(method="GET", target=target, body=b"") for target in TARGETS))
    assert dict(zip(TARGETS, verdicts)) == dict.fromkeys(TARGETS, "accepted")


def test_a_host_is_signed_as_it_is_sent(form: Form) -> None:
    verdicts = form.judged(*(form.arrived(host=host) for host in HOSTS))
    assert dict(zip(HOSTS, verdicts)) == dict.fromkeys(HOSTS, "accepted")


def test_any_body_is_bound(form: Form) -> None:
    verdicts = form.judged(*(form.arrived(body=body) for body in BODIES))
    assert dict(zip(BODIES, verdicts)) == dict.fromkeys(BODIES, "accepted")
    longer = (replace(form.arrived(body=body), body=body + b".") for body in BODIES)
    assert set(form.judged(*longer)) == {"signature" if form.form is HMAC else "body"}


def test_any_value_of_a_header_is_signed(form: Form) -> None:
    good = [form.arrived(said=statement(headers=(("X-Usager-Nom", value),))) for value in VALUES]
    assert dict(zip(VALUES, form.judged(*good))) == dict.fromkeys(VALUES, "accepted")
    altered = (_value("X-Usager-Nom", it.value("X-Usager-Nom") + b".")(it) for it in good)
    assert set(form.judged(*altered)) == {"header_altered" if form.form is JWT else "signature"}


def test_an_assertion_that_names_its_own_algorithm_is_refused() -> None:
    form = Form(JWT, "ed25519")
    good = form.arrived()
    _, payload, signature = good.value("X-Gateway-Assertion").split(b".")
    verdicts = []
    for changes in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256"}, {"typ": "JWT"}, {"kid": "other"}):
        header = {"alg": "EdDSA", "kid": ED25519.signer.kid, "typ": "gw-assert+jwt", **changes}
        segment = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
        forged = b".".join([segment, payload, signature])
        verdicts += form.judged(_value("X-Gateway-Assertion", forged)(good))
    assert verdicts == ["alg", "alg", "alg", "typ", "kid"]
    assert form.judged(good) == ["accepted"]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b"v1;", b"v2;", "malformed"),
        (b";pol=", b";pol=;pol=", "malformed"),
        (b"ts=", b"ts=0", "malformed"),
        (b"dec=K7QM", b"dec=K7QN", "signature"),
        (b"pol=0123", b"pol=0124", "signature"),
        (b"ts=1790000100", b"ts=1790000101", "signature"),
        (b"jti=0", b"jti=1", "signature"),
    ],
)
def test_each_part_of_the_mac_field_counts(before: bytes, after: bytes, reason: str) -> None:
    form = Form(HMAC, "ed25519")
    good = form.arrived()
    field = good.value("X-Gateway-Signature")
    assert field.count(before) == 1
    altered = _value("X-Gateway-Signature", field.replace(before, after))(good)
    assert form.judged(altered, good) == [reason, "accepted"]


@pytest.mark.parametrize(
    ("name", "before", "after", "reason"),
    [
        ("Signature-Input", b'"@query" ', b"", "not_covered"),
        ("Signature-Input", b' "x-gateway-decision"', b"", "not_covered"),
        ("Signature-Input", b' "x-usager-nom"', b"", "header_not_signed"),
        ("Signature-Input", b' "content-digest"', b"", "body"),
        ("Signature-Input", b'"@method"', b'"@method";req', "malformed"),
        ("Signature-Input", b"gw=(", b"sig1=(", "not_one_signature"),
        ("Signature-Input", b'tag="gw-assert"', b'tag="web-bot-auth"', "tag"),
        ("Signature-Input", b"created=1790000100", b"created=1790000101", "signature"),
        ("Signature-Input", b"expires=1790000130", b"expires=1790000160", "signature"),
        ("Signature-Input", b'nonce="0', b'nonce="1', "signature"),
        ("Signature-Input", b';nonce="', b';nonce="x', "malformed"),
        ("X-Gateway-Decision", b"K7QM", b"K7QN", "signature"),
        ("X-Gateway-Policy", b"0123", b"0124", "signature"),
        ("X-Gateway-Audience", b"cantine", b"creche", "signature"),
        ("Content-Digest", b"=:", b"=:A", "signature"),
    ],
)
def test_each_part_of_a_message_signature_counts(name: str, before: bytes, after: bytes, reason: str) -> None:
    form = Form(RFC9421, "p256")
    good = form.arrived()
    field = good.value(name)
    assert before in field
    altered = _value(name, field.replace(before, after, 1))(good)
    assert form.judged(altered, good) == [reason, "accepted"]
