"""What must hold for any fields at all, from a client or from an upstream."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestRejected
from gateway.core.headers import (
    ALWAYS_STRIPPED,
    FRAMING,
    HOP_BY_HOP,
    check_headers,
    fold,
    request_headers,
    response_headers,
    stripped_names,
)

OWN = frozenset({b"__Host-S"})
STRIPPED = stripped_names(["X-Usager-Nom"])
_NAMES = [b"X-Usager-Nom", b"X-Forwarded-For", b"Connection", b"Host", b"Cookie", b"Accept", b"Cache-Control", b"X-A"]

Fields = list[tuple[bytes, bytes]]


@st.composite
def _spelt(draw: st.DrawFn) -> bytes:
    """A known name under some upstream's spelling of it."""
    name = draw(st.sampled_from(_NAMES)).replace(b"-", draw(st.sampled_from([b"-", b"_", b".", b"", b"--"])))
    prefix = draw(st.sampled_from([b"", b"HTTP_", b"http-", b"_"]))
    return prefix + draw(st.sampled_from([name, name.lower(), name.upper(), name.swapcase()]))


_VALUES = st.sampled_from([b"", b"close, X-A", b"host", b"a=1; __Host-S=2", b"__Host-S=1", b"public, max-age=9", b'"'])
FIELDS = st.lists(st.tuples(_spelt() | st.binary(max_size=6), _VALUES | st.binary(max_size=12)), max_size=6)


def _cleaned(fields: Fields) -> Fields:
    try:
        return request_headers(fields, STRIPPED, OWN)
    except RequestRejected:
        return []


@given(FIELDS)
def test_nothing_that_the_gateway_says_comes_from_the_client(fields: Fields) -> None:
    for name, _ in _cleaned(fields):
        assert fold(name) not in STRIPPED | ALWAYS_STRIPPED | HOP_BY_HOP | FRAMING
        assert not fold(name).startswith(("http", "xforwarded", "xgateway"))


def _refusal(looked_at: Callable[[], object]) -> str:
    try:
        looked_at()
    except RequestRejected as error:
        return error.code
    return ""


@given(FIELDS)
def test_who_only_looks_refuses_the_same(fields: Fields) -> None:
    assert _refusal(lambda: check_headers(fields)) == _refusal(lambda: request_headers(fields, STRIPPED, OWN))


@given(FIELDS)
def test_cleaning_twice_changes_nothing(fields: Fields) -> None:
    once = _cleaned(fields)
    assert request_headers(once, STRIPPED, OWN) == once


@given(FIELDS)
def test_nothing_is_invented(fields: Fields) -> None:
    names = {name.lower() for name, _ in fields}
    assert all(name.lower() in names for name, _ in _cleaned(fields))


PAIRS = st.lists(st.sampled_from([b"a=1", b"__Host-S=x", b"__Host-S", b"b=", b"=", b"", b" c=2", b"__Host-S2=3"]))


@given(PAIRS, PAIRS)
def test_no_cookie_of_ours_leaves_and_every_other_stays(first: list[bytes], second: list[bytes]) -> None:
    lines = [(b"Cookie", b";".join(first)), (b"Cookie", b";".join(second))]
    left = b";".join(value for _, value in request_headers(lines, STRIPPED, OWN))
    pairs = [pair.strip() for pair in left.split(b";") if pair.strip()]
    others = [pair.strip() for pair in first + second if pair.partition(b"=")[0] != b"__Host-S" and pair.strip()]
    assert pairs == others


@given(st.lists(st.sampled_from([b"public", b"max-age=9", b"s-maxage=9", b"no-store", b'x="', b'private="a"', b","])))
def test_an_answer_to_a_person_is_private_or_not_stored(directives: list[bytes]) -> None:
    answer = response_headers([(b"Cache-Control", each) for each in directives], OWN, private=True)
    (value,) = (value for name, value in answer if name == b"Cache-Control")
    kept = [each.strip() for each in value.split(b",")]
    assert {b"private", b"no-store"} & set(kept)
    assert not {b"public", b"s-maxage=9"} & set(kept)
