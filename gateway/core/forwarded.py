"""Who the client is, through the listed proxies, and what the upstream is told of it.

A peer without an address (a Unix socket) is believed only where the operator lists `unix`. Of a client without an
address the upstream is told no X-Forwarded-For, and `for=unknown` in Forwarded (RFC 7239 §6.2).
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.remembered import Remembered

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOPS = 32
"""Entries read from the right of X-Forwarded-For; the rest is the client's own invention."""

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_IS_ADDRESS = re.compile(r"[0-9a-f]*[.:][0-9a-f.:]*")
_PORT = re.compile(r":([0-9]+)\Z")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def forwarded(client: str, scheme: str, host: str) -> list[tuple[bytes, bytes]]:
    """The only headers that tell an upstream who asked, and under what name: X-Forwarded-* and Forwarded (RFC 7239).

    `client`: what `client_address` said. `host`: the Host value as sent, once `routing.normal_host` has read it.
    """
    named, tail = _NAMED[f"{scheme}://{host}"]
    if not _IS_ADDRESS.fullmatch(client):
        return [*named, (b"Forwarded", b"for=unknown" + tail)]
    address = client.encode("ascii")
    node = b'"[%b]"' % address if b":" in address else address
    return [(b"X-Forwarded-For", address), *named, (b"Forwarded", b"for=%b%b" % (node, tail))]


def _named(origin: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """What is said of the name alone: X-Forwarded-* fields, and the end of Forwarded."""
    scheme, _, host = origin.partition("://")
    port = _PORT.search(host)
    told = {
        b"X-Forwarded-Proto": scheme,
        b"X-Forwarded-Host": host,
        b"X-Forwarded-Port": port[1] if port else _DEFAULT_PORTS[scheme],
    }
    tail = f";host={_quoted(host)};proto={scheme}"
    return [(name, value.encode("ascii")) for name, value in told.items()], tail.encode("ascii")


_NAMED = Remembered(_named)


def _quoted(value: str) -> str:
    """A token as it is, anything else (a port, an IPv6 address) as a quoted-string (RFC 7239 §4)."""
    return value if _TOKEN.fullmatch(value) else '"{}"'.format(re.sub(r'(["\\])', r"\\\1", value))


class _Peer(NamedTuple):
    address: _Address
    text: str


def client_address(
    peer: str, forwarded_for: Sequence[bytes], trusted: Sequence[Network], *, trust_unix: bool = False
) -> str:
    """The rightmost address that no listed proxy vouches away; with an empty list, the peer.

    An entry that is not an address (`unknown`) ends the search: the proxy that wrote it is the last thing known.
    A peer on the Unix socket has no address (`""`): `trust_unix` says whether it is listed.
    """
    known = _PEERS[peer]
    if not forwarded_for or not is_listed(peer, trusted, trust_unix=trust_unix):
        return peer if known is None else known.text
    client = None if known is None else known.address
    for entry in reversed(b",".join(forwarded_for).decode("latin-1").split(",")[-MAX_HOPS:]):
        hop = _address(entry.strip(" \t"))
        if hop is None:
            break
        client = hop
        if not is_trusted(client, trusted):
            break
    return peer if client is None else str(client)


def one_subscriber(address: str) -> str:
    """What tries are counted for: an IPv4 address, or the /64 of an IPv6 one, of which its holder has 2⁶⁴ addresses."""
    found = _address(address)
    if not isinstance(found, ipaddress.IPv6Address):
        return address
    return str(ipaddress.IPv6Network((found, 64), strict=False))


def is_listed(peer: str, trusted: Sequence[Network], *, trust_unix: bool = False) -> bool:
    """Whether what this peer says of others is believed; an empty list is nobody."""
    known = _PEERS[peer]
    return (trust_unix and not peer) if known is None else is_trusted(known.address, trusted)


def neighbour(peer: str) -> str:
    """How `trusted_proxies` would list this peer, if it can be a proxy of ours and is nobody at home; else empty."""
    known = _PEERS[peer]
    if known is None:
        return "" if peer else "unix"
    return known.text if known.address.is_private else ""


def is_trusted(address: _Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _read_peer(peer: str) -> _Peer | None:
    address = _address(peer)
    return _Peer(address, str(address)) if address is not None else None


_PEERS = Remembered(_read_peer)


def _address(text: str) -> _Address | None:
    """An IPv4 address mapped into IPv6 is the IPv4 one; a zone (`fe80::1%eth0`) means nothing to anybody else."""
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(found[1] or found[2] if found else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
