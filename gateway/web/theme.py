"""The authority's colour → the few colours that pages use, readable in light and in dark."""

from gateway.core.colours import BLACK, WHITE, mixed, readable

_LIGHT = {
    "ground": "#f4f6f8",
    "card": "#ffffff",
    "text": "#1c2329",
    "muted": "#4b5763",
    "line": "#74808d",
    "rule": "#d9dfe5",
    "alert": "#a3162b",
}
_DARK = {
    "ground": "#12161b",
    "card": "#1a2027",
    "text": "#e9edf1",
    "muted": "#b4bfca",
    "line": "#8794a2",
    "rule": "#36414c",
    "alert": "#ff9aa5",
}


def light(colour: str) -> dict[str, str]:
    """Name of a custom property → colour. The authority's own colour is refused at start when white cannot be on it."""
    quiet = mixed(WHITE, colour, 0.07)
    link = readable(colour, (_LIGHT["ground"], _LIGHT["card"], quiet), BLACK)
    return _LIGHT | {"accent": colour, "on-accent": WHITE, "link": link, "quiet": quiet, "pressed": _pressed(colour)}


def dark(colour: str) -> dict[str, str]:
    quiet = mixed(_DARK["card"], colour, 0.18)
    link = readable(colour, (_DARK["ground"], _DARK["card"], quiet), WHITE)
    return _DARK | {
        "accent": link,
        "on-accent": _DARK["ground"],
        "link": link,
        "quiet": quiet,
        "pressed": mixed(link, WHITE, 0.25),
    }


def _pressed(colour: str) -> str:
    return mixed(colour, BLACK, 0.25)


def custom_properties(colour: str) -> str:
    """The head of our style sheet."""
    return (
        f":root{{color-scheme:light dark;{_declared(light(colour))}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_declared(dark(colour))}}}}}\n"
        f"@media print{{:root{{color-scheme:light;{_declared(light(colour))}}}}}\n"
    )


def _declared(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())
