"""What must hold for any bytes at all as a request target."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestRejected
from gateway.core.paths import Target, normalise, read_closely, read_target

_PIECES = [
    *[b"/", b"//", b".", b"..", b"%2e", b"%2E", b"%2f", b"%2F", b";", b";x=1", b"%3b", b"%5c", b"\\", b"%25", b"%2"],
    *[b"2e", b"2f", b"%32", b"%65", b"a", b"B", b"%61", b"%00", b"%c2%85", b"%C3%A9", b"%e9", b"%20", b"%u002e"],
    *["．".encode(), b"%EF%BC%8E", b"%EF%BC%8F", b"%E2%80%A5", b"%E2%88%95", b"?", b"#", b"x=1", b" ", b"%"],
]
TARGETS = st.lists(st.sampled_from(_PIECES), max_size=8).map(lambda pieces: b"/" + b"".join(pieces)) | st.binary()


_PLAIN = st.text("ab.~@:/?!&'()*+,=#-_$", max_size=12).map(lambda text: b"/" + text.encode("ascii"))


def _outcome(raw: bytes, read: Callable[[bytes], Target] = read_target) -> Target | RequestRejected:
    try:
        return read(raw)
    except RequestRejected as rejected:
        return rejected


def _read(raw: bytes) -> Target | None:
    outcome = _outcome(raw)
    return outcome if isinstance(outcome, Target) else None


def _decodings(path: bytes) -> list[bytes]:
    found = [path]
    while (decoded := unquote_to_bytes(found[-1])) != found[-1]:
        found.append(decoded)
    return found


def _said(target: Target) -> tuple[object, ...]:
    return target.path, target.wire_path, target.query, target.irregular


@given(TARGETS)
def test_any_bytes_are_read_or_refused_with_a_code(raw: bytes) -> None:
    outcome = _outcome(raw)
    if isinstance(outcome, RequestRejected):
        assert outcome.status == 400
        assert re.fullmatch(r"(path|query)_[a-z0-9_]+", outcome.code)


@given(TARGETS | _PLAIN)
def test_a_plain_target_is_read_at_a_glance_as_it_is_read_closely(raw: bytes) -> None:
    glance, close = _outcome(raw), _outcome(raw, read_closely)
    if isinstance(close, RequestRejected):
        assert isinstance(glance, RequestRejected)
        assert glance.code == close.code
    else:
        assert isinstance(glance, Target)
        assert _said(glance) == _said(close)


@given(_PLAIN)
def test_a_target_of_letters_is_read(raw: bytes) -> None:
    target = _read(raw)
    assert target is None or (target.wire, target.irregular) == (raw, frozenset())


@given(TARGETS)
def test_reading_twice_changes_nothing(raw: bytes) -> None:
    target = _read(raw)
    assert target is None or _said(read_target(target.wire)) == _said(target)


@given(TARGETS)
def test_no_number_of_decodings_uncovers_a_dot_segment(raw: bytes) -> None:
    target = _read(raw)
    for decoded in _decodings(target.wire_path) if target else []:
        segments = [segment.partition(b";")[0].strip() for segment in re.split(rb"[/\\]", decoded)]
        assert not {b".", b".."} & set(segments)


@given(TARGETS)
def test_what_is_accepted_decodes_to_text_without_controls_or_backslashes(raw: bytes) -> None:
    target = _read(raw)
    if target:
        text = unquote_to_bytes(target.wire_path).decode("utf-8")
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\\]", text)


@given(TARGETS)
def test_what_routing_sees_and_what_goes_upstream_differ_by_the_parameters_only(raw: bytes) -> None:
    target = _read(raw)
    if target:
        assert re.sub(rb";[^/]*", b"", target.wire_path).decode("ascii") == target.path
        assert unquote_to_bytes(target.wire_path) == unquote_to_bytes(raw.partition(b"?")[0])


@given(TARGETS)
def test_a_query_is_never_touched(raw: bytes) -> None:
    target = _read(raw)
    _, mark, query = raw.partition(b"?")
    assert target is None or target.query == (query if mark else None)


@given(st.lists(st.text(alphabet="abcéèœ-_~", min_size=1, max_size=8), max_size=4))
def test_a_configured_path_is_the_path_that_a_browser_sends(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    sent = "".join(f"%{byte:02x}" if byte > 0x7F else chr(byte) for byte in path.encode())
    assert normalise(path) == read_target(sent.encode("ascii")).path


@given(st.text(max_size=12))
def test_a_configured_path_is_refused_or_regular(path: str) -> None:
    try:
        normal = normalise(path)
    except RequestRejected:
        return
    target = read_target(normal.encode("ascii"))
    assert (target.path, target.irregular) == (normal, frozenset())


@pytest.mark.slow
@given(st.integers(0, 2**24 - 1))
def test_no_three_escapes_hide_a_dot_segment(number: int) -> None:
    raw = b"/" + b"".join(b"%%%02x" % (number >> shift & 0xFF) for shift in (16, 8, 0)) + b"/x"
    target = _read(raw)
    assert target is None or b"/../" not in unquote_to_bytes(target.wire_path)
