"""Two requests never share what is signed, and what is signed is what is read back."""

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.decision import Injected
from gateway.core.encodings import encode, plain, render
from gateway.core.errors import ValueRefused
from gateway.core.rules import Encoding, SignatureForm
from gateway.core.signing import Bound, Signer, Statement
from gateway.core.signing.bound import MAX_SIGNATURE_BYTES
from tests.signatures import bind, claims, decoded, signed, statement

Request = tuple[str, bytes, bytes, bytes | None]
REQUESTS: st.SearchStrategy[Request] = st.tuples(
    st.sampled_from(["GET", "POST"]),
    st.sampled_from([b"ville.fr", b"ville.fr:8443", b"autre.fr"]),
    st.sampled_from([b"/", b"/a?b", b"/a", b"/a?", b"/a%3Fb", b"/b"]),
    st.none() | st.sampled_from([b"", b"a", b"b", b"/a?b"]),
)
# Short fields of few letters, line feeds and length prefixes among them, so that pieces of one request can pass for
# another's. What core never hands over (a line feed in a header) is here too: the lengths alone must tell.
PIECE = st.text(alphabet="a1:\n", max_size=4).map(lambda text: text.encode("ascii"))
NAMES = st.lists(st.sampled_from(["X-A", "X-B", "X-C", "X-AA"]), max_size=3, unique=True)
HEADERS = NAMES.flatmap(lambda names: st.tuples(*(st.tuples(st.just(name), PIECE) for name in names)))
COLLIDING = st.tuples(PIECE, PIECE, st.none() | st.just(b"") | PIECE, HEADERS, PIECE, PIECE)


def _with_one_part_of(one: Request, other: Request, part: int) -> Request:
    return tuple(theirs if index == part else ours for index, (ours, theirs) in enumerate(zip(one, other)))  # type: ignore[return-value]


def _nobody(
    values: tuple[Injected, ...] = (), headers: tuple[tuple[str, bytes], ...] = (), **changes: Any
) -> Statement:
    return statement(subject=None, values=values, headers=headers, **changes)


def _mac(said: Statement, bound: Bound, **changes: Any) -> bytes:
    [(_, value)] = signed(SignatureForm.HMAC, said, bound, **changes)
    return value.rpartition(b"=")[2]


def _base(said: Statement, bound: Bound, **changes: Any) -> bytes:
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return b"s" * 64

    signed(SignatureForm.RFC9421, said, bound, Signer("EdDSA", "kid", sign), **changes)
    return seen[0]


def _without_a_lone_mark(request: Request) -> Request:
    """RFC 9421 §2.2.7 signs an absent query and an empty one alike."""
    method, host, target, body = request
    return method, host, target.removesuffix(b"?"), body


@given(REQUESTS, REQUESTS)
def test_requests_that_differ_have_signatures_that_differ(one: Request, other: Request) -> None:
    for near in (other, *(_with_one_part_of(one, other, part) for part in range(4))):
        ours, theirs = bind(*one), bind(*near)
        assert (one == near) == (claims(_nobody(), ours) == claims(_nobody(), theirs))
        assert (one == near) == (_mac(_nobody(), ours) == _mac(_nobody(), theirs))
        alike = _without_a_lone_mark(one) == _without_a_lone_mark(near)
        assert alike == (_base(_nobody(), ours) == _base(_nobody(), theirs))


def _colliding(parts: tuple[Any, ...]) -> bytes:
    host, target, body, headers, token, decision = parts
    said = _nobody(headers=headers)
    return _mac(said, bind("GET", host, target, body), token_id=token.decode(), decision_id=decision.decode())


def _sorted(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*parts[:3], sorted(parts[3]), *parts[4:])


@given(COLLIDING, COLLIDING, st.integers(0, 5))
def test_no_pieces_of_one_request_pass_for_anothers_in_the_mac(
    one: tuple[Any, ...], other: tuple[Any, ...], part: int
) -> None:
    near = tuple(theirs if index == part else ours for index, (ours, theirs) in enumerate(zip(one, other)))
    for each in (other, near):
        assert (_sorted(one) == _sorted(each)) == (_colliding(one) == _colliding(each))


@given(PIECE, PIECE, PIECE)
def test_a_line_feed_does_not_end_a_field_of_the_mac(a: bytes, b: bytes, c: bytes) -> None:
    early, late = (a, b + b"\n" + c), (a + b"\n" + b, c)
    assert _mac(_nobody(), bind("GET", *early, b"")) != _mac(_nobody(), bind("GET", *late, b""))
    plain_request = bind("GET", b"ville.fr", b"/", b"")
    macs = {_mac(_nobody(headers=tuple(zip(("X-A", "X-B"), pair))), plain_request) for pair in (early, late)}
    assert len(macs) == 2


@given(st.sampled_from(["audience", "policy_version"]), st.sampled_from(["a", "aa", "1:a"]))
def test_the_audience_and_the_policy_are_signed_in_every_form(part: str, text: str) -> None:
    bound = bind("GET", b"ville.fr", b"/", b"")
    changed: dict[str, Any] = {part: text}
    assert claims(_nobody(), bound) != claims(_nobody(**changed), bound)
    assert _mac(_nobody(), bound) != _mac(_nobody(**changed), bound)
    assert _base(_nobody(), bound) != _base(_nobody(**changed), bound)


VALUES = st.binary(min_size=1, max_size=6).filter(
    lambda raw: raw == raw.strip(b" \t") and not any(byte < 0x20 or byte == 0x7F for byte in raw)
)


@given(
    st.dictionaries(st.sampled_from(["X-A", "X-B", "X-C"]), VALUES, max_size=3),
    st.dictionaries(st.sampled_from(["X-A", "X-B", "X-C"]), VALUES, max_size=3),
)
def test_headers_that_differ_have_signatures_that_differ(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    bound = bind("GET", b"ville.fr", b"/", b"")
    ours, theirs = _nobody(headers=tuple(one.items())), _nobody(headers=tuple(other.items()))
    assert (one == other) == (claims(ours, bound) == claims(theirs, bound))
    assert (one == other) == (_mac(ours, bound) == _mac(theirs, bound))
    assert (one == other) == (_base(ours, bound) == _base(theirs, bound))
    assert _base(ours, bound).isascii()


JSON = st.recursive(
    st.text(max_size=20) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
QUERY = st.text(alphabet=[chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"#<>'], max_size=20)


@given(JSON, QUERY)
def test_the_claims_read_back_as_they_were(value: object, query: str) -> None:
    said = _nobody((Injected("X-A", "household.children", value),))
    target = f"/?{query}"
    [(_, assertion)] = signed(SignatureForm.JWT, said, bind("GET", b"ville.fr", target.encode(), b""))
    header, payload, signature = assertion.split(b".")
    assert decoded(header)["typ"] == "gw-assert+jwt"
    assert decoded(payload)["dat"] == {"household.children": plain(value)}
    assert decoded(payload)["htp"] == target
    assert b"=" not in header + payload + signature
    assert len(base64.urlsafe_b64decode(signature + b"==")) == 64


@given(st.text(max_size=400), st.integers(1, 30))
def test_an_assertion_is_whole_or_refused(text: str, number: int) -> None:
    said = _nobody(tuple(Injected(f"X-{n}", f"household.{n}", text) for n in range(number)))
    try:
        [(_, assertion)] = signed(SignatureForm.JWT, said, bind("GET", b"ville.fr", b"/", b""))
    except ValueRefused:
        assert len(text) > 255 or len(text.encode()) * number > 1_000
        return
    assert len(assertion) <= MAX_SIGNATURE_BYTES
    assert decoded(assertion.split(b".")[1])["dat"] == {f"household.{n}": plain(text) for n in range(number)}


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
