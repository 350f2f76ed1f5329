"""Who the client is, through the listed proxies only."""

import ipaddress

import pytest

from gateway.core.forwarded import client_address, forwarded

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("203.0.113.9", [b"1.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", [b"1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", [b"6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", [b"1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", [b"1.2.3.4", b"10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", [b"unknown"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"1.2.3.4:5678"], "1.2.3.4"),
        ("10.0.0.1", [b"[2001:db8::1]:80"], "2001:db8::1"),
        ("::ffff:10.0.0.1", [b"1.2.3.4"], "1.2.3.4"),
        ("unix", [b"1.2.3.4"], "unix"),
    ],
)
def test_the_rightmost_address_that_no_listed_proxy_vouches_away(peer: str, said: list[bytes], client: str) -> None:
    assert client_address(peer, said, TRUSTED) == client


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("", [b"1.2.3.4"], "1.2.3.4"),
        ("", [b"6.6.6.6, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        ("", [b"unknown"], ""),
        ("", [], ""),
        ("203.0.113.9", [b"1.2.3.4"], "203.0.113.9"),
    ],
)
def test_a_listed_peer_on_the_unix_socket_vouches_for_one_address(peer: str, said: list[bytes], client: str) -> None:
    assert client_address(peer, said, TRUSTED, trust_unix=True) == client


def test_a_peer_on_the_unix_socket_that_is_not_listed_is_not_believed() -> None:
    assert client_address("", [b"1.2.3.4"], TRUSTED) == ""


def test_an_empty_list_believes_nobody() -> None:
    assert client_address("10.0.0.1", [b"1.2.3.4"], ()) == "10.0.0.1"


def test_an_endless_list_is_read_from_the_right_only() -> None:
    assert client_address("10.0.0.1", [b"10.0.0.2, " * 100 + b"10.0.0.3"], TRUSTED) == "10.0.0.2"


def test_the_upstream_is_told_in_three_headers() -> None:
    assert forwarded("1.2.3.4", "https", "ville.fr") == [
        (b"X-Forwarded-For", b"1.2.3.4"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"ville.fr"),
    ]
