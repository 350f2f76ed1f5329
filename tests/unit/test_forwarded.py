"""Who the client is, through the listed proxies only."""

import ipaddress

import pytest

from gateway.core.forwarded import client_address, forwarded, neighbour, one_subscriber

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
        ("fe80::1%eth0", [], "fe80::1"),
        ("10.0.0.1", [b"fe80::1%\xe9"], "fe80::1"),
        ("10.0.0.1", [b"1.2.3.4%x"], "10.0.0.1"),
        ("2001:DB8:0::1", [b"1.2.3.4"], "2001:db8::1"),
        ("", [b"1.2.3.4"], ""),
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


@pytest.mark.parametrize(
    ("client", "scheme", "host", "port", "told"),
    [
        ("1.2.3.4", "https", "ville.fr", b"443", b"for=1.2.3.4;host=ville.fr;proto=https"),
        ("1.2.3.4", "http", "ville.fr", b"80", b"for=1.2.3.4;host=ville.fr;proto=http"),
        ("1.2.3.4", "https", "ville.fr:8443", b"8443", b'for=1.2.3.4;host="ville.fr:8443";proto=https'),
        ("2001:db8::1", "https", "[::1]", b"443", b'for="[2001:db8::1]";host="[::1]";proto=https'),
        ("::1", "http", "[::1]:8000", b"8000", b'for="[::1]";host="[::1]:8000";proto=http'),
    ],
)
def test_the_upstream_is_told_who_asked_and_under_what_name(
    client: str, scheme: str, host: str, port: bytes, told: bytes
) -> None:
    assert forwarded(client, scheme, host) == [
        (b"X-Forwarded-For", client.encode()),
        (b"X-Forwarded-Proto", scheme.encode()),
        (b"X-Forwarded-Host", host.encode()),
        (b"X-Forwarded-Port", port),
        (b"Forwarded", told),
    ]


@pytest.mark.parametrize("peer", ["", "unix", "/run/proxy.sock"])
def test_a_peer_without_an_address_is_unknown(peer: str) -> None:
    told = dict(forwarded(client_address(peer, [b"1.2.3.4"], TRUSTED), "https", "ville.fr"))
    assert told[b"Forwarded"] == b"for=unknown;host=ville.fr;proto=https"
    assert b"X-Forwarded-For" not in told


def test_what_was_said_of_one_name_is_not_changed_by_who_reads_it() -> None:
    forwarded("1.2.3.4", "https", "ville.fr").clear()
    assert len(forwarded("1.2.3.4", "https", "ville.fr")) == 5


def test_a_quote_cannot_end_a_name() -> None:
    assert forwarded("1.2.3.4", "https", 'a"b')[-1][1] == b'for=1.2.3.4;host="a\\"b";proto=https'


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_tries_are_counted_for_a_subscriber_and_not_for_each_of_their_addresses(address: str, counted: str) -> None:
    assert one_subscriber(address) == counted


@pytest.mark.parametrize(
    ("peer", "listed_as"),
    [("", "unix"), ("172.18.0.3", "172.18.0.3"), ("::ffff:10.0.0.9", "10.0.0.9"), ("fd00::2", "fd00::2"),
     ("8.8.8.8", ""), ("2a01:e0a::1", ""), ("somewhere", "")],
)  # fmt: skip
def test_a_proxy_of_ours_is_named_as_it_would_be_listed_and_nobody_at_home_is(peer: str, listed_as: str) -> None:
    assert neighbour(peer) == listed_as
