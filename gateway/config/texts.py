"""The sentences of our pages: the English that we ship, and what an authority writes over both languages.

A catalogue is gettext's `.po`: `msgid` is our French sentence, `msgstr` what is shown instead.
"""

import re
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

import polib

from gateway.config.shapes import suggestion
from gateway.core.errors import Problem

LANGUAGES = ("fr", "en")

SHIPPED = files("gateway") / "locales" / "en.po"

FOLDER = "texts"
"""Beside gateway.yaml: `texts/fr.po` and `texts/en.po`, both optional."""

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_STRAY = re.compile(r"%(?!\(\w+\)s|%)")
_LINE = re.compile(r"\(line (\d+)\)")


def read_texts(folder: Path, problems: list[Problem]) -> dict[str, dict[str, str]]:
    """By language; what is wrong with the authority's own files is added to `problems`."""
    shipped = english()
    texts: dict[str, dict[str, str]] = {"fr": {}, "en": dict(shipped)}
    for language in LANGUAGES:
        path = folder / FOLDER / f"{language}.po"
        if path.is_file():
            texts[language] |= _overrides(path, shipped, problems)
    return texts


def english() -> dict[str, str]:
    """French sentence → English, every sentence that pages use (a test of the repository holds it to that)."""
    with as_file(SHIPPED) as path:
        return {entry.msgid: entry.msgstr for entry in polib.pofile(str(path)) if not entry.obsolete}


def _overrides(path: Path, shipped: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    try:
        entries = polib.pofile(str(path), encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        found = _LINE.search(str(error))
        hint = 'pairs of msgid "…" and msgstr "…"; `gateway texts` writes them all'
        problems.append(Problem(str(path), int(found[1]) if found else 0, "is not a catalogue (.po) in UTF-8", hint))
        return {}
    kept = {}
    for entry, line in zip(entries, _lines(path, len(entries)), strict=True):
        if entry.obsolete or not entry.msgstr:
            continue
        problem = _fault(entry.msgid, entry.msgstr, shipped)
        if problem:
            problems.append(Problem(str(path), line, *problem))
        kept[entry.msgid] = entry.msgstr
    return kept


def _lines(path: Path, count: int) -> list[int]:
    """Where each sentence begins; polib forgets it for the first. What comes before them is the catalogue's head."""
    written = path.read_text(encoding="utf-8").splitlines()
    begun = [number for number, line in enumerate(written, 1) if line.startswith(("msgid ", "#~ msgid "))]
    return [0] * (count - len(begun)) + begun[max(0, len(begun) - count) :]


def _fault(msgid: str, msgstr: str, shipped: Mapping[str, str]) -> tuple[str, str] | None:
    if msgid not in shipped:
        return "no page says this sentence", suggestion(msgid, list(shipped)) or "`gateway texts` writes them all"
    offered, used = set(_PLACEHOLDER.findall(msgid)), set(_PLACEHOLDER.findall(msgstr))
    if unknown := sorted(used - offered):
        known = ", ".join(f"%({name})s" for name in sorted(offered)) or "none"
        return f"`%({unknown[0]})s` is not filled in here", f"in this sentence: {known}"
    if _STRAY.search(msgstr):
        return "a percent sign alone", "write %% for a percent sign, %(name)s for a value"
    return None
