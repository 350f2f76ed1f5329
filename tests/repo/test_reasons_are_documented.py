"""Each code of the name comparison is explained, in English and in French, and no other."""

import re
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.core import matching
from gateway.core.matching import _NEARLY, _NEARLY_GIVEN
from tests.world import ROOT

_PAGES = ("errors.md", "guide-exploitant.md")
_FAULTS = ("control", "digit", "mixed_script")


def _codes() -> set[str]:
    source = (ROOT / "gateway" / "core" / "matching.py").read_text(encoding="utf-8")
    said = set(re.findall(r'"((?:adults|full_name|birthdate|surname|given_names)\.[a-z_]+)"', source))
    unfit = set(re.findall(r'f"\{field\}\.([a-z_]+)"', source)) | set(_FAULTS)
    said |= {f"{field}.{why}" for field in ("surname", "given_names") for why in unfit}
    said |= {f"full_name.{why}" for why in (*_FAULTS, "incomplete")}
    return said | {f"surname.{why}" for why, _ in _NEARLY} | {f"given_names.{why}" for why, _ in _NEARLY_GIVEN}


def _text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", _PAGES)
def test_the_page_explains_each_code_and_no_other(page: str) -> None:
    explained = re.findall(r"`((?:adults|full_name|birthdate|surname|given_names)\.[a-z_]+)`", _text(page))
    assert set(explained) == _codes()


@pytest.mark.parametrize("page", _PAGES)
def test_the_file_that_the_page_shows_is_compared(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", _text(page), re.MULTILINE | re.DOTALL)
    (tmp_path / "case.json").write_text(shown, encoding="utf-8")
    assert main(["match", str(tmp_path / "case.json")]) == 0
    assert capsys.readouterr().out == "1: match, adult 0: surname.equal, given_names.prefix, birthdate.equal\n"


def test_the_codes_are_found_where_they_are_said() -> None:
    assert {"surname.half", "given_names.initial", "birthdate.weak", "full_name.digit", "adults.none"} <= _codes()
    assert _codes() >= matching.STRONG
    assert len(_codes()) > 35
