"""Who the client is, through the listed proxies, and what the upstream is told of it."""

import ipaddress
import re
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOPS = 32
"""Entries read from the right of X-Forwarded-For; the rest is the client's own invention."""

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def forwarded(client: str, scheme: str, host: str) -> list[tuple[bytes, bytes]]:
    """The only X-Forwarded-* headers that an upstream receives."""
    return [
        (b"X-Forwarded-For", client.encode("ascii")),
        (b"X-Forwarded-Proto", scheme.encode("ascii")),
        (b"X-Forwarded-Host", host.encode("ascii")),
    ]


def client_address(peer: str, forwarded_for: Sequence[bytes], trusted: Sequence[Network]) -> str:
    """The rightmost address that no listed proxy vouches away; with an empty list, the peer.

    An entry that is not an address (`unknown`) ends the search: the proxy that wrote it is the last thing known.
    """
    known = _address(peer)
    if known is None:
        return peer
    entries = b",".join(forwarded_for).decode("latin-1").split(",")[-MAX_HOPS:]
    for entry in reversed(entries):
        hop = _address(entry.strip(" \t")) if is_trusted(known, trusted) else None
        if hop is None:
            break
        known = hop
    return str(known)


def is_trusted(address: _Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> _Address | None:
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(found[1] or found[2] if found else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
