"""`authority:` and the pictures that pages show, read and checked once, at start."""

from collections.abc import Sequence
from pathlib import Path
from xml.parsers import expat

from gateway.config.gateway_models import GatewayModel
from gateway.config.parties import read_parties
from gateway.config.yaml_source import Path_, Source
from gateway.core.colours import BLACK, TEXT_CONTRAST, WHITE, contrast, readable
from gateway.settings import Accessibility, Authority, Picture

PICTURE_BYTES = 65_536

_PNG = b"\x89PNG\r\n\x1a\n"
_RUNS = frozenset({"script", "foreignobject", "iframe", "embed", "object", "audio", "video", "handler", "listener"})
_LINKS = frozenset({"href", "src"})


class _Unsafe(ValueError):
    """Why a picture is not served."""


def read_authority(model: GatewayModel, source: Source, folder: Path, known: Sequence[str]) -> Authority:
    written = model.authority
    _check_colour(written.colour, source)
    logo = None if written.logo is None else read_picture(folder / written.logo, source, ("authority", "logo"))
    return Authority(
        written.name,
        written.siret,
        written.dpo,
        written.colour,
        logo,
        accessibility=_accessibility(model, source),
        **read_parties(written, source, known),
    )


def _check_colour(colour: str, source: Source) -> None:
    ratio = contrast(colour, WHITE)
    if ratio >= TEXT_CONTRAST:
        return
    message = f"`colour` is too light: white text on it has a contrast of {ratio:.2f} to 1, RGAA wants {TEXT_CONTRAST}"
    source.say(("authority", "colour"), message, f'the nearest that passes: "{readable(colour, (WHITE,), BLACK)}"')


def _accessibility(model: GatewayModel, source: Source) -> Accessibility:
    written = model.authority.accessibility
    if written.state is not None and (written.rate is None or written.audited_on is None):
        hint = "add `rate: 87` (per cent) and `audited_on: 2026-09-30`; without an audit, leave `state` out"
        source.say(
            ("authority", "accessibility", "state"), "a state is what an audit found: it has a rate, a day", hint
        )
    if written.state == "totalement conforme" and written.rate not in {None, 100}:
        hint = "write `rate: 100`, or `state: partiellement conforme`"
        source.say(("authority", "accessibility", "rate"), "`totalement conforme` is 100 per cent", hint)
    return Accessibility(
        state=written.state or "",
        rate=written.rate,
        audited_on=written.audited_on,
        audited_by=written.audited_by or "",
        contact=written.contact or "",
        known_issues=tuple(written.known_issues),
    )


def read_buttons(model: GatewayModel, source: Source, folder: Path) -> dict[str, tuple[Picture, Picture]]:
    pairs: dict[str, tuple[Picture, Picture]] = {}
    for name, provider in model.identity.items():
        if provider.button is None:
            continue
        place: Path_ = ("identity", name, "button")
        image = read_picture(folder / provider.button.image, source, (*place, "image"))
        hover = read_picture(folder / provider.button.image_hover, source, (*place, "image_hover"))
        if image is not None and hover is not None:
            pairs[name] = (image, hover)
    return pairs


def read_picture(path: Path, source: Source, place: Path_) -> Picture | None:
    """None when it cannot be shown; why is said in `source`."""
    try:
        content = path.read_bytes()
        return Picture(content, _kind(content))
    except FileNotFoundError:
        source.say(place, f"`{path}` is not there", "an SVG or PNG file; the path is relative to gateway.yaml")
    except OSError as error:
        source.say(place, f"`{path}` cannot be read: {type(error).__name__}", "let the gateway's user read it")
    except _Unsafe as error:
        source.say(place, f"`{path.name}` {error}", "an SVG that only draws, or a PNG, of 64 KB at most")
    return None


def _kind(content: bytes) -> str:
    if len(content) > PICTURE_BYTES:
        raise _Unsafe(f"has {len(content)} bytes: every visitor would load them")
    if content.startswith(_PNG):
        return "image/png"
    _check_svg(content)
    return "image/svg+xml"


def _check_svg(content: bytes) -> None:
    """Only draws: no script, no event, no entity, nothing from elsewhere. (It is served in a sandbox all the same.)"""
    names: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        names.append(_local(name))
        _check_element(names[-1], attributes)

    def declared(*_: object) -> None:
        raise _Unsafe("declares entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EntityDeclHandler = declared
    parser.ProcessingInstructionHandler = declared
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _Unsafe(f"is neither a PNG nor an SVG (line {error.lineno})") from None
    if names[0] != "svg":
        raise _Unsafe(f"is XML, and no SVG: its root is `{names[0]}`")


def _check_element(name: str, attributes: dict[str, str]) -> None:
    if name in _RUNS:
        raise _Unsafe(f"holds `<{name}>`")
    for attribute, value in attributes.items():
        local = _local(attribute)
        if local.startswith("on"):
            raise _Unsafe(f"holds the event `{local}`")
        if local in _LINKS and not value.startswith(("#", "data:image/png;", "data:image/jpeg;")):
            raise _Unsafe("refers to something outside itself")


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()
