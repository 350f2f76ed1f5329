"""How a source was asked, and so what its answer is worth: one obtained in one way never stands in for another."""

from enum import StrEnum


class Way(StrEnum):
    """All but the last were compared, by name, with whoever is signed in."""

    FRANCECONNECT = "franceconnect"
    IDENTITY = "identity"
    NUMBER = "number"
    NUMBER_ALONE = "number_alone"
    """A number that somebody typed, with nobody to compare its file with: it may be a neighbour's."""


TYPED = frozenset({Way.NUMBER, Way.NUMBER_ALONE})
