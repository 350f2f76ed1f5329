"""Pictures of the authority's: what only draws is shown, what could run or call is refused at start."""

from pathlib import Path

import pytest

from gateway.config.authority import PICTURE_BYTES, read_picture
from gateway.config.yaml_source import Source

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1 1">'

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


def read(folder: Path, content: bytes) -> tuple[object, str]:
    path = folder / "logo.svg"
    path.write_bytes(content)
    source = Source("gateway.yaml")
    return read_picture(path, source, ("authority", "logo")), " ".join(map(str, source.problems))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (f"{HEAD}<path d='M0 0h1'/></svg>".encode(), "image/svg+xml"),
        (f"{HEAD}<style>path{{fill:red}}</style><use href='#a'/><g id='a'/></svg>".encode(), "image/svg+xml"),
        (f"{HEAD}<image href='data:image/png;base64,AAAA'/></svg>".encode(), "image/svg+xml"),
        (f"<?xml version='1.0'?><!DOCTYPE svg>{HEAD}</svg>".encode(), "image/svg+xml"),
        (f"\ufeff{HEAD}</svg>".encode(), "image/svg+xml"),
    ],
)
def test_a_picture_that_only_draws_is_shown(tmp_path: Path, content: bytes, kind: str) -> None:
    picture, problems = read(tmp_path, content)
    assert problems == ""
    assert picture is not None
    assert picture.media_type == kind  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (f"{HEAD}<script>alert(1)</script></svg>", "holds `<script>`"),
        (f"{HEAD}<g xmlns:a='http://www.w3.org/2000/svg'><a:SCRIPT/></g></svg>", "holds `<script>`"),
        (f"{HEAD}<foreignObject/></svg>", "holds `<foreignobject>`"),
        (f"{HEAD}<path onload='x()'/></svg>", "holds the event `onload`"),
        (f"{HEAD}<image href='https://evil.example/x.png'/></svg>", "refers to something outside itself"),
        (f"{HEAD}<use xlink:href='//evil.example/x.svg#a'/></svg>", "refers to something outside itself"),
        (f"{HEAD}<a href='javascript:alert(1)'/></svg>", "refers to something outside itself"),
        (f"{HEAD}<image href='data:image/svg+xml,x'/></svg>", "refers to something outside itself"),
        (f"<!DOCTYPE svg [<!ENTITY a 'b'>]>{HEAD}&a;</svg>", "declares entities"),
        (f"<?xml-stylesheet href='https://evil.example'?>{HEAD}</svg>", "declares entities"),
        ("<html></html>", "its root is `html`"),
        ("GIF89a", "is neither a PNG nor an SVG"),
        ("", "is neither a PNG nor an SVG"),
        (f"{HEAD}<path>", "is neither a PNG nor an SVG"),
        (f"{HEAD}{' ' * PICTURE_BYTES}</svg>", "every visitor would load them"),
    ],
)
def test_a_picture_that_could_do_more_is_refused(tmp_path: Path, content: str, why: str) -> None:
    picture, problems = read(tmp_path, content.encode())
    assert picture is None
    assert why in problems


def test_a_picture_that_is_not_there_is_said_with_its_line(tmp_path: Path) -> None:
    source = Source("gateway.yaml", lines={("authority", "logo"): 7})
    assert read_picture(tmp_path / "none.svg", source, ("authority", "logo")) is None
    assert str(source.problems[0]).startswith(f"gateway.yaml:7: `{tmp_path / 'none.svg'}` is not there")
