"""Authorities are read once, and what has changed on the disk is seen."""

import ssl
from pathlib import Path

import pytest

from gateway.adapters.trust import trust
from tests.authorities import Authority


def _names(context: ssl.SSLContext) -> list[object]:
    return [each["subject"] for each in context.get_ca_certs()]


def test_the_systems_are_read_once() -> None:
    assert trust(None) is trust(None)
    assert trust(None).verify_mode is ssl.CERT_REQUIRED
    assert trust(None).check_hostname


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    file, new = (Path(Authority(tmp_path / name, name).file) for name in ("first", "second"))
    first = trust(file)
    assert trust(file) is first
    new.replace(file)
    assert _names(trust(file)) == [((("commonName", "second"),),)] != _names(first)
    assert trust(None) is not first


def test_a_file_that_is_no_authority_or_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ssl.SSLError):
        trust(tmp_path / "ca.pem")
    with pytest.raises(FileNotFoundError):
        trust(tmp_path / "absent.pem")
