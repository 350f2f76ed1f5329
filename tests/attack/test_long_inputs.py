"""Inputs whose reading takes the square of their length, or worse: a few kilobytes would stop a worker for seconds.

Each is so long that its slow reading takes minutes, and the right one a few milliseconds: the bound is no measurement.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.core.errors import RequestRejected
from gateway.core.headers import response_headers
from gateway.core.paths import read_target

AT_MOST_S = 10


@contextmanager
def _soon() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < AT_MOST_S


@pytest.mark.parametrize("unit", [b";", b";%3B", b";a", b"%41", b"a;"])
def test_a_path_of_parameters_is_read_at_once(unit: bytes) -> None:
    with _soon():
        target = read_target(b"/a" + unit * 200_000)
    assert target.path.startswith("/a")


def test_an_encoded_slash_at_the_end_of_them_is_still_found() -> None:
    with _soon(), pytest.raises(RequestRejected, match="path_encoded_slash"):
        read_target(b"/pub/" + b";" * 200_000 + b"%2f")


@pytest.mark.parametrize(
    "value", [b"a," + b" " * 60_000 + b'"x', b'"' + b"\\a" * 30_000, b'a="' * 20_000, b"," * 60_000]
)
def test_a_caching_rule_of_a_hostile_application_is_read_at_once(value: bytes) -> None:
    with _soon():
        fields = response_headers([(b"Cache-Control", value)], frozenset(), private=True)
    said = dict(fields)[b"Cache-Control"]
    assert b"no-store" in said or b"private" in said
