"""Two requests never share their claims, and what is signed is what is read back."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.encodings import encode, render
from gateway.core.errors import ValueRefused
from gateway.core.model import Injected
from gateway.core.rules import Encoding
from gateway.core.signing import MAX_ASSERTION_BYTES, Signer, assertion_claims, bind, sign_assertion

SIGNER = Signer("EdDSA", "kid", lambda message: b"s" * 64)
Request = tuple[str, str, bytes, bytes | None]
REQUESTS: st.SearchStrategy[Request] = st.tuples(
    st.sampled_from(["GET", "POST"]),
    st.sampled_from(["ville.fr", "ville.fr:8443", "autre.fr"]),
    st.sampled_from([b"/", b"/a?b", b"/a", b"/a?", b"/a%3Fb", b"/b"]),
    st.none() | st.sampled_from([b"", b"a", b"b", b"/a?b"]),
)


def _with_one_part_of(one: Request, other: Request, part: int) -> Request:
    return tuple(theirs if index == part else ours for index, (ours, theirs) in enumerate(zip(one, other)))  # type: ignore[return-value]


def _claims(request: Request, values: tuple[Injected, ...] = ()) -> dict[str, object]:
    return assertion_claims(
        issuer="https://ville.fr",
        audience="urn:cantine",
        now=1_790_000_000,
        token_id="t",
        bound=bind(*request),
        route="r",
        policy_version="p",
        decision_id="d",
        subject=None,
        values=values,
        headers=(),
    )


@given(REQUESTS, REQUESTS)
def test_requests_that_differ_have_claims_that_differ(one: Request, other: Request) -> None:
    for near in (other, *(_with_one_part_of(one, other, part) for part in range(4))):
        assert (one == near) == (_claims(one) == _claims(near))


JSON = st.recursive(
    st.text(max_size=20) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _decoded(part: bytes) -> object:
    return json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))


@given(JSON)
def test_the_claims_read_back_as_they_were(value: object) -> None:
    claims = _claims(("GET", "ville.fr", b"/", b""), (Injected("X-A", "household.children", value),))
    header, payload, signature = sign_assertion(SIGNER, claims).split(b".")
    assert _decoded(header) == {"alg": "EdDSA", "kid": "kid", "typ": "gw-assert+jwt"}
    assert _decoded(payload) == claims
    assert b"=" not in signature


@given(st.text(max_size=400), st.integers(1, 30))
def test_an_assertion_is_whole_or_refused(text: str, number: int) -> None:
    values = tuple(Injected(f"X-{n}", f"household.{n}", text) for n in range(number))
    claims = _claims(("GET", "ville.fr", b"/", b""), values)
    try:
        assertion = sign_assertion(SIGNER, claims)
    except ValueRefused:
        assert len(text) > 255 or len(text.encode()) * number > 1_000
        return
    assert len(assertion) <= MAX_ASSERTION_BYTES
    assert _decoded(assertion.split(b".")[1]) == claims


@given(st.text(max_size=30), st.sampled_from(Encoding))
def test_an_encoded_value_never_ends_its_field(text: str, encoding: Encoding) -> None:
    try:
        raw = encode(text, encoding)
    except ValueRefused:
        return
    assert raw
    assert raw == raw.strip(b" \t")
    assert not any(byte < 0x20 or byte == 0x7F for byte in raw)


@given(JSON)
def test_a_structure_is_written_without_raw_line_ends(value: object) -> None:
    try:
        text = render([value, {"a": value}])
    except ValueRefused:
        return
    assert json.loads(text)
    assert text.splitlines() == [text] or not text.isascii()
