"""What is signed, byte for byte. Foreign verifiers judge the same forms in tests/contract/test_signature_forms.py."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.jwk import KeySet

from gateway.core.decision import Injected
from gateway.core.errors import ConfigError, DependencyFailed, Problem, RequestRejected, ValueRefused
from gateway.core.rules import SignatureForm, Upstream
from gateway.core.signing import BodyMode, Bound, Signer, prepare
from gateway.core.signing.hmac_form import key_id
from tests.signatures import ANGELA, DECISION, ED25519, SECRET, TOKEN, bind, claims, signed, statement

JWT, HMAC, RFC9421 = SignatureForm.JWT, SignatureForm.HMAC, SignatureForm.RFC9421
FORMS = (JWT, HMAC, RFC9421)
GET = bind("GET", b"ville.fr", b"/cantine/?a=1", b"")
POST = bind("POST", b"ville.fr", b"/cantine/?a=1", b"a=1")
STREAM = bind("POST", b"ville.fr", b"/cantine/?a=1", None)
NOBODY = statement(subject=None, values=(), headers=())


def test_the_claims_name_one_request_one_person_and_every_value() -> None:
    said = statement(
        values=(
            Injected("X-Nom", "identity.birth_name", "DUBOIS"),
            Injected("X-Tranche", "brackets.name", "T2"),
            Injected("X-Portail", "const", "famille"),
        ),
        headers=(("X-Nom", b"DUBOIS"),),
    )
    assert claims(said, GET) == {
        "iss": "https://ville.fr",
        "aud": "https://ville.fr/cantine/",
        "jti": TOKEN,
        "iat": 1_790_000_100,
        "nbf": 1_790_000_098,
        "exp": 1_790_000_130,
        "htm": "GET",
        "hta": "ville.fr",
        "htp": "/cantine/?a=1",
        "bodm": "empty",
        "rid": "ville.fr/cantine/",
        "pol": "0123456789ab",
        "dec": DECISION,
        "sub": ANGELA.sub,
        "acr": "eidas1",
        "auth_time": 1_790_000_000,
        "sid": "pseudonym",
        "idn": {"birth_name": "DUBOIS"},
        "dat": {"brackets.name": "T2", "x-portail": "famille"},
        "hdr": {"x-nom": "sha-256:caBZnVjTCnlIsvbwHfoCjJnpT6r0yKfqksl0isoOyvc"},
    }


def test_a_body_is_bound_by_its_digest_or_said_to_be_unbound() -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"a=1").digest()).rstrip(b"=").decode()
    bound = claims(statement(), POST)
    assert (bound["bodm"], bound["bod"]) == ("digest", f"sha-256:{digest}")
    unbound = claims(statement(), STREAM)
    assert (unbound["bodm"], "bod" in unbound) == ("unbound", False)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("mode", "digest"), [(BodyMode.DIGEST, None), (BodyMode.UNBOUND, b"d" * 32), (BodyMode.EMPTY, b"d" * 32)]
)
def test_a_mode_that_its_digest_contradicts_is_a_defect(
    form: SignatureForm, mode: BodyMode, digest: bytes | None
) -> None:
    assert signed(form, statement(), POST)
    with pytest.raises(ValueError, match="digest"):
        signed(form, statement(), Bound("POST", b"ville.fr", b"/", mode, digest))


def test_the_mac_is_over_every_field_with_its_length() -> None:
    kid = hashlib.sha256(b"gateway key id\n" + SECRET).hexdigest()[:16]
    message = (
        b"GWv1\n"
        b"16:%b\n"
        b"25:https://ville.fr/cantine/\n"
        b"10:1790000100\n"
        b"32:%b\n"
        b"9:K7QM-2F4D\n"
        b"12:0123456789ab\n"
        b"4:POST\n"
        b"8:ville.fr\n"
        b"13:/cantine/?a=1\n"
        b"64:%b\n"
        b"1:3\n"
        b"13:x-caf-tranche\n"
        b"2:T2\n"
        b"9:x-portail\n"
        b"7:famille\n"
        b"12:x-usager-nom\n"
        b"6:DUBOIS\n"
    ) % (kid.encode(), TOKEN.encode(), hashlib.sha256(b"a=1").hexdigest().encode())
    mac = hmac.digest(SECRET, message, "sha256").hex()
    said = f"v1;kid={kid};ts=1790000100;jti={TOKEN};dec=K7QM-2F4D;pol=0123456789ab;mac={mac}"
    assert signed(HMAC, statement(), POST) == [(b"X-Gateway-Signature", said.encode())]


def _macs(*bounds: Bound) -> set[bytes]:
    return {signed(HMAC, NOBODY, bound)[0][1].rpartition(b"=")[2] for bound in bounds}


def _got(mode: BodyMode, digest: bytes | None = None) -> Bound:
    return Bound(GET.method, GET.authority, GET.target, mode, digest)


def test_an_empty_body_is_one_of_no_bytes_and_a_stream_is_another_thing() -> None:
    empty = hashlib.sha256(b"").digest()
    assert len(_macs(GET, _got(BodyMode.DIGEST, empty))) == 1
    assert len(_macs(GET, _got(BodyMode.UNBOUND))) == 2


def test_a_secret_has_a_name_that_tells_nothing_of_it() -> None:
    assert len(key_id(SECRET)) == 16
    assert key_id(SECRET) != key_id(SECRET + b".")
    assert key_id(SECRET) not in hashlib.sha256(SECRET).hexdigest()


def _base(bound: Bound, said: Any = None) -> tuple[dict[bytes, bytes], list[str]]:
    """The fields added, and the signature base as the key was given it."""
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return b"s" * 64

    fields = dict(signed(RFC9421, said or statement(), bound, Signer("ES256", "kid", sign)))
    return fields, seen[0].decode("ascii").split("\n")


def test_a_message_signature_covers_the_request_the_body_and_every_value() -> None:
    fields, base = _base(POST)
    digest = base64.b64encode(hashlib.sha256(b"a=1").digest()).decode()
    params = (
        '("@method" "@authority" "@path" "@query" "content-digest" "x-gateway-decision" "x-caf-tranche"'
        ' "x-gateway-audience" "x-gateway-policy" "x-portail" "x-usager-nom")'
        f';created=1790000100;expires=1790000130;nonce="{TOKEN}";keyid="kid";alg="ecdsa-p256-sha256";tag="gw-assert"'
    )
    assert base == [
        '"@method": POST',
        '"@authority": ville.fr',
        '"@path": /cantine/',
        '"@query": ?a=1',
        f'"content-digest": sha-256=:{digest}:',
        '"x-gateway-decision": K7QM-2F4D',
        '"x-caf-tranche": T2',
        '"x-gateway-audience": https://ville.fr/cantine/',
        '"x-gateway-policy": 0123456789ab',
        '"x-portail": famille',
        '"x-usager-nom": DUBOIS',
        f'"@signature-params": {params}',
    ]
    assert fields == {
        b"X-Gateway-Audience": b"https://ville.fr/cantine/",
        b"X-Gateway-Policy": b"0123456789ab",
        b"X-Gateway-Decision": b"K7QM-2F4D",
        b"Content-Digest": f"sha-256=:{digest}:".encode(),
        b"Signature-Input": b"gw=" + params.encode(),
        b"Signature": b"gw=:" + base64.b64encode(b"s" * 64) + b":",
    }


def test_a_message_without_a_query_is_signed_with_a_lone_question_mark() -> None:
    _, base = _base(bind("GET", b"Ville.fr:8443", b"/cantine/", b""))
    assert base[1:4] == ['"@authority": ville.fr:8443', '"@path": /cantine/', '"@query": ?']


def test_an_empty_body_has_a_digest_too() -> None:
    fields, _ = _base(GET)
    assert fields[b"Content-Digest"] == b"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"


def test_a_stream_is_said_to_be_unbound_under_the_signature() -> None:
    fields, base = _base(STREAM)
    assert base[4] == '"x-gateway-body": unbound'
    assert '"x-gateway-body"' in base[-1]
    assert fields[b"X-Gateway-Body"] == b"unbound"
    assert b"Content-Digest" not in fields


def test_a_value_outside_ascii_is_wrapped_in_the_signature_base() -> None:
    _, base = _base(GET, statement(headers=(("X-Nom", "Zoë".encode()),)))
    assert '"x-nom";bs: :Wm/Dqw==:' in base
    assert '"x-nom";bs' in base[-1]


def test_an_audience_is_written_in_visible_letters() -> None:
    fields, _ = _base(GET, statement(audience="urn:crèche municipale"))
    assert fields[b"X-Gateway-Audience"] == b"urn:cr%C3%A8che%20municipale"


@pytest.mark.parametrize(
    "audience", ["urn:crèche", "urn:cr%C3%A8che", "urn:cr%25C3%25A8che", "https://ville.fr/%", "a%2fb"]
)
def test_an_audience_can_be_read_back_and_is_told_from_its_own_spelling(audience: str) -> None:
    fields, _ = _base(GET, statement(audience=audience))
    assert unquote(fields[b"X-Gateway-Audience"].decode("ascii"), errors="strict") == audience


def test_a_message_signature_holds_with_the_published_key_and_no_longer_once_changed() -> None:
    fields = dict(signed(RFC9421, statement(), POST))
    _, lines = _base(POST)
    base = "\n".join(lines[:-1]).encode() + b'\n"@signature-params": ' + fields[b"Signature-Input"][3:]
    raw = base64.b64decode(fields[b"Signature"][4:-1])
    x = ED25519.jwks["keys"][0]["x"]
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))
    key.verify(raw, base)
    with pytest.raises(InvalidSignature):
        key.verify(raw, base.replace(b"/cantine/", b"/creche/"))


def test_nobody_is_said_to_be_nobody() -> None:
    said = claims(NOBODY, GET)
    assert said["anon"] is True
    assert not {"sub", "idn", "dat", "hdr", "bod"} & said.keys()
    fields, base = _base(GET, NOBODY)
    assert fields[b"X-Gateway-Anonymous"] == b"?1"
    assert '"x-gateway-anonymous": ?1' in base
    assert b"X-Gateway-Anonymous" not in _base(GET)[0]
    assert len(_macs(GET)) == 1


@pytest.mark.parametrize("form", FORMS)
def test_an_identity_without_a_subject_is_a_defect(form: SignatureForm) -> None:
    assert signed(form, statement(), GET)
    with pytest.raises(ValueError, match="without a subject"):
        signed(form, statement(subject=None), GET)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("second", ["x-nom", "X_Nom"])
def test_a_header_injected_twice_is_a_defect(form: SignatureForm, second: str) -> None:
    assert signed(form, statement(headers=(("X-Nom", b"a"), ("X-Prenom", b"b"))), GET)
    with pytest.raises(ValueError, match="twice"):
        signed(form, statement(headers=(("X-Nom", b"a"), (second, b"b"))), GET)


def test_a_route_may_sign_nothing() -> None:
    assert prepare(SignatureForm.NONE, statement(), signer=ED25519.signer, secret=b"") is None


@pytest.mark.filterwarnings("ignore:EdDSA")
def test_another_library_verifies_the_assertion() -> None:
    [(name, assertion)] = signed(JWT, statement(), POST)
    keys = KeySet.import_key_set(ED25519.jwks)  # type: ignore[arg-type]
    verified = jws.deserialize_compact(assertion, keys, algorithms=["EdDSA"])
    assert name == b"X-Gateway-Assertion"
    assert verified.headers() == {"alg": "EdDSA", "kid": ED25519.signer.kid, "typ": "gw-assert+jwt"}
    assert json.loads(verified.payload) == claims(statement(), POST)


@pytest.mark.parametrize("form", FORMS)
def test_a_claim_over_255_characters_refuses_the_request(form: SignatureForm) -> None:
    def named(length: int) -> Any:
        return statement(values=(Injected("X-Nom", "identity.birth_name", "É" * length),), headers=())

    assert signed(form, named(255), GET)
    with pytest.raises(ValueRefused, match="assertion_claim_too_long"):
        signed(form, named(256), GET)


def test_a_host_over_255_characters_refuses_the_request() -> None:
    assert signed(JWT, NOBODY, bind("GET", b"a" * 255, b"/", b""))
    with pytest.raises(ValueRefused, match="assertion_claim_too_long"):
        signed(JWT, NOBODY, bind("GET", b"a" * 256, b"/", b""))


def _long(number: int) -> Any:
    return statement(
        values=tuple(Injected(f"X-{n}", f"household.{n}", "a" * 200) for n in range(number)),
        headers=tuple((f"X-{n}", b"a" * 200) for n in range(number)),
    )


@pytest.mark.parametrize("form", FORMS)
def test_what_needs_over_4_kb_refuses_the_request(form: SignatureForm) -> None:
    assert signed(form, _long(5), GET)
    with pytest.raises(ValueRefused, match="assertion_too_large"):
        signed(form, _long(21), GET)


def test_the_names_alone_may_be_too_many_for_a_message_signature() -> None:
    def many(number: int) -> Any:
        return statement(headers=tuple((f"X-{'a' * 100}-{n:02}", b"1") for n in range(number)))

    assert signed(RFC9421, many(30), GET)
    with pytest.raises(ValueRefused, match="assertion_too_large"):
        signed(RFC9421, many(36), GET)


def test_a_message_signature_is_held_to_what_a_verifier_counts() -> None:
    def size_with(characters: int) -> int:
        fields = dict(signed(RFC9421, statement(headers=(("X-" + "a" * characters, b"1"),)), GET))
        return len(fields[b"Signature-Input"]) + len(fields[b"Signature"])

    longest = 1 + 4096 - size_with(1)
    assert size_with(longest) == 4096
    with pytest.raises(ValueRefused, match="assertion_too_large"):
        size_with(longest + 1)


def test_a_target_that_an_assertion_cannot_hold_is_the_clients_doing() -> None:
    def target(characters: int) -> bytes:
        return b"/".ljust(characters, b"a")

    assert signed(JWT, statement(), bind("GET", b"ville.fr", target(2_000), b""))
    with pytest.raises(RequestRejected, match="target_too_long") as refused:
        signed(JWT, statement(), bind("GET", b"ville.fr", target(4_000), b""))
    assert refused.value.status == 414
    for form in (HMAC, RFC9421):
        assert signed(form, statement(), bind("GET", b"ville.fr", target(8_000), b""))


def test_values_that_leave_no_room_for_any_target_are_not_the_clients_doing() -> None:
    """Between the two there is no third answer: whichever target, a shorter one is served or none is."""
    fits = next(number for number in range(30, 0, -1) if _fits(number, 1))
    assert _refusal(fits, 3_000) is RequestRejected
    assert _refusal(fits + 1, 3_000) is ValueRefused
    assert _refusal(fits + 1, 1) is ValueRefused


def _fits(number: int, characters: int) -> bool:
    return _refusal(number, characters) is None


def _refusal(number: int, characters: int) -> type | None:
    try:
        signed(JWT, _long(number), bind("GET", b"ville.fr", b"/".ljust(characters, b"a"), b""))
    except (RequestRejected, ValueRefused) as error:
        return type(error)
    return None


def test_a_long_target_is_the_clients_and_counts_in_the_whole_only() -> None:
    long = bind("GET", b"ville.fr", b"/" + b"a" * 500, b"")
    assert all(signed(form, statement(), long) for form in FORMS)
    assert claims(statement(), long)["htp"] == "/" + "a" * 500


def test_neither_a_request_nor_a_statement_shows_a_person() -> None:
    said = statement(headers=(("X-Nom", b"DUBOIS"),))
    shown = repr(bind("GET", b"ville.fr", b"/?nom=DUBOIS", b"")) + repr(said) + repr(ED25519.signer)
    assert "DUBOIS" not in shown
    assert ANGELA.sub not in shown
    assert "/cantine/" in shown


def test_an_upstreams_authority_names_a_port_that_is_not_its_own() -> None:
    assert Upstream("http", "127.0.0.1", 8081).authority == "127.0.0.1:8081"
    assert Upstream("https", "app.example", 443).authority == "app.example"
    assert Upstream("http", "::1", 80).authority == "[::1]"


def test_errors_say_their_code_and_where() -> None:
    error = ConfigError([Problem("b.yaml", 2, "second"), Problem("a.yaml", 1, "first", "write this")])
    assert str(error) == "a.yaml:1: first\n  hint: write this\nb.yaml:2: second"
    failure = DependencyFailed("upstream", "upstream_connect", 502, reference="r")
    assert (failure.dependency, failure.code, failure.status, failure.reference) == (
        "upstream",
        "upstream_connect",
        502,
        "r",
    )


def test_under_another_host_everything_else_is_the_same() -> None:
    other = POST.at(b"autre.fr")
    assert (other.authority, other.method, other.target, other.mode, other.digest) == (
        b"autre.fr",
        POST.method,
        POST.target,
        POST.mode,
        POST.digest,
    )
