"""What is signed, byte for byte, verified by another library."""

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from gateway.adapters.keys import generate_pem, load_signing_keys
from gateway.core.errors import ConfigError, DependencyFailed, Problem, ValueRefused
from gateway.core.model import Injected
from gateway.core.rules import Upstream
from gateway.core.signing import (
    BodyMode,
    Bound,
    Subject,
    assertion_claims,
    bind,
    digest_label,
    sign_assertion,
)

KEYS = load_signing_keys(generate_pem(), [])
GET = bind("GET", "ville.fr", b"/cantine/?a=1", b"")
ANGELA = Subject("s" * 66, "eidas1", 1_790_000_000, "pseudonym")


def _claims(**changes: Any) -> dict[str, object]:
    plain: dict[str, Any] = {
        "issuer": "https://ville.fr",
        "audience": "https://ville.fr/cantine/",
        "now": 1_790_000_100,
        "token_id": "t" * 32,
        "bound": GET,
        "route": "ville.fr/cantine/",
        "policy_version": "0123456789ab",
        "decision_id": "K7QM-2F4D",
        "subject": ANGELA,
        "values": (
            Injected("X-Nom", "identity.birth_name", "DUBOIS"),
            Injected("X-Tranche", "brackets.name", "T2"),
            Injected("X-Portail", "const", "famille"),
        ),
        "headers": (("X-Nom", b"DUBOIS"),),
    }
    return assertion_claims(**(plain | changes))


def test_the_claims_name_one_request_one_person_and_every_value() -> None:
    assert _claims() == {
        "iss": "https://ville.fr",
        "aud": "https://ville.fr/cantine/",
        "jti": "t" * 32,
        "iat": 1_790_000_100,
        "nbf": 1_790_000_098,
        "exp": 1_790_000_130,
        "htm": "GET",
        "hta": "ville.fr",
        "htp": "/cantine/?a=1",
        "bodm": "empty",
        "rid": "ville.fr/cantine/",
        "pol": "0123456789ab",
        "dec": "K7QM-2F4D",
        "sub": "s" * 66,
        "acr": "eidas1",
        "auth_time": 1_790_000_000,
        "sid": "pseudonym",
        "idn": {"birth_name": "DUBOIS"},
        "dat": {"brackets.name": "T2", "x-portail": "famille"},
        "hdr": {"x-nom": "sha-256:caBZnVjTCnlIsvbwHfoCjJnpT6r0yKfqksl0isoOyvc"},
    }


def test_nobody_is_said_to_be_nobody() -> None:
    claims = _claims(subject=None, values=(), headers=())
    assert claims["anon"] is True
    assert not {"sub", "idn", "dat", "hdr", "bod"} & claims.keys()


def test_an_identity_without_a_subject_is_a_defect() -> None:
    with pytest.raises(ValueError, match="without a subject"):
        _claims(subject=None)


def test_a_header_injected_twice_is_a_defect() -> None:
    with pytest.raises(ValueError, match="twice"):
        _claims(headers=(("X-Nom", b"a"), ("x-nom", b"b")))


def test_a_body_is_bound_by_its_digest_or_said_to_be_unbound() -> None:
    bound = bind("POST", "ville.fr", b"/", b"a=1")
    assert (bound.mode, bound.digest) == (BodyMode.DIGEST, digest_label(__import__("hashlib").sha256(b"a=1").digest()))
    assert _claims(bound=bound)["bod"] == bound.digest
    assert bind("POST", "ville.fr", b"/", None).mode is BodyMode.UNBOUND
    with pytest.raises(ValueError, match="digest"):
        Bound("POST", "ville.fr", "/", BodyMode.DIGEST)


def _verify(assertion: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    keys = KeySet.import_key_set(KEYS.jwks)  # type: ignore[arg-type]
    verified = jws.deserialize_compact(assertion, keys, algorithms=["EdDSA"])
    return dict(verified.headers()), json.loads(verified.payload)


@pytest.mark.filterwarnings("ignore:EdDSA")
def test_another_library_verifies_the_assertion() -> None:
    header, payload = _verify(sign_assertion(KEYS.signer, _claims()))
    assert header == {"alg": "EdDSA", "kid": KEYS.signer.kid, "typ": "gw-assert+jwt"}
    assert payload == _claims()


@pytest.mark.parametrize("length", [255, 256])
def test_a_claim_over_255_characters_refuses_the_request(length: int) -> None:
    claims = _claims(values=(Injected("X-Nom", "identity.birth_name", "É" * length),))
    if length == 255:
        assert sign_assertion(KEYS.signer, claims)
        return
    with pytest.raises(ValueRefused, match="assertion_claim_too_long"):
        sign_assertion(KEYS.signer, claims)


def test_an_assertion_over_4_kb_refuses_the_request() -> None:
    values = tuple(Injected(f"X-{n}", f"household.{n}", "a" * 200) for n in range(20))
    with pytest.raises(ValueRefused, match="assertion_too_large"):
        sign_assertion(KEYS.signer, _claims(values=values))


def test_a_long_target_is_the_clients_and_counts_in_the_whole_only() -> None:
    assert sign_assertion(KEYS.signer, _claims(bound=bind("GET", "ville.fr", b"/" + b"a" * 500, b"")))


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
