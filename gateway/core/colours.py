"""Colours as `#rrggbb`, and whether people can read one on the other (WCAG 2.1, success criterion 1.4.3)."""

from collections.abc import Iterable

TEXT_CONTRAST = 4.5
"""RGAA 3.2: text of ordinary size."""

BLACK, WHITE = "#000000", "#ffffff"

_STEPS = 100


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """`share` of the other, from 0 to 1, channel by channel."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def readable(colour: str, on: Iterable[str], towards: str, ratio: float = TEXT_CONTRAST) -> str:
    """The colour itself, or the first mix with `towards` that reaches `ratio` on every background; else `towards`."""
    backgrounds = tuple(on)
    for step in range(_STEPS):
        tried = mixed(colour, towards, step / _STEPS)
        if all(contrast(tried, background) >= ratio for background in backgrounds):
            return tried
    return towards


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else float(((channel + 0.055) / 1.055) ** 2.4)
