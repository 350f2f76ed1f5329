"""Where people come from: the address that the proxy in front of the gateway sees."""

from random import Random

COUNTERS = 0.05
"""Of all: at the town's own counters and libraries, which reach the Internet through one address."""
PHONES = 0.35
"""Of all: behind a mobile operator's shared addresses; the rest are at home, half of them in IPv6."""
SHARED_BY_OPERATORS = 64
"""So many addresses for all the phones of one town."""

_TOWN = "192.0.2.1"


def address(number: int) -> str:
    """Of the person with this number, of 65,536 at most: two homes never have one address or one /64.

    The same in each run, and drawn apart: where people come from changes nothing of what they do.
    """
    chance = Random(f"address {number}")
    where = chance.random()
    if where < COUNTERS:
        return _TOWN
    if where < COUNTERS + PHONES:
        return f"198.51.100.{chance.randrange(SHARED_BY_OPERATORS)}"
    if chance.random() < 0.5:
        return f"2001:db8:0:{number:x}::{chance.randrange(1, 1 << 16):x}"
    return f"10.0.{number >> 8}.{number & 255}"
