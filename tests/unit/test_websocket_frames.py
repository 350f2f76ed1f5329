"""Between two frames a farewell may be said, inside one never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.websocket_frames import SESSION_ENDED, FrameStream


def _frame(payload: bytes, *, first: int = 0x81, masked: bool = False) -> bytes:
    size = len(payload)
    short = size if size < 126 else 126 if size < 65_536 else 127
    wide = b"" if size < 126 else size.to_bytes(2 if size < 65_536 else 8, "big")
    return bytes([first, short | (0x80 if masked else 0)]) + wide + (b"mask" if masked else b"") + payload


def _after(data: bytes, step: int = 1_000_000) -> FrameStream:
    stream = FrameStream()
    for at in range(0, len(data), step):
        stream.feed(data[at : at + step])
    return stream


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300, 65_535, 65_536])
@pytest.mark.parametrize("masked", [False, True])
def test_at_the_end_of_a_frame_there_is_room_and_nowhere_in_it(size: int, masked: bool) -> None:
    frame = _frame(b"x" * size, masked=masked)
    assert _after(b"").takes_another
    assert _after(frame).takes_another
    for cut in {*range(1, min(len(frame), 20)), len(frame) - 1}:
        assert not _after(frame[:cut]).takes_another


def test_inside_a_fragmented_message_there_is_room_between_its_frames() -> None:
    assert _after(_frame(b"a", first=0x01)).takes_another
    assert _after(_frame(b"a", first=0x01) + _frame(b"", first=0x89)).takes_another


def test_after_a_farewell_nothing_more_is_said() -> None:
    assert not _after(SESSION_ENDED).takes_another
    assert not _after(_frame(b"hello") + _frame(b"", first=0x88) + _frame(b"late")).takes_another


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(1, 50))
def test_how_the_network_cuts_a_stream_changes_nothing(payloads: list[bytes], step: int) -> None:
    data = b"".join(map(_frame, payloads))
    for end in range(len(data) + 1):
        assert _after(data[:end], step).takes_another is _after(data[:end]).takes_another
    assert _after(data, step).takes_another
