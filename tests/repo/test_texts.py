"""Every French sentence of a page has its English, and every English one is used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
from jinja2 import Environment

from gateway.config.texts import SHIPPED, english

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "gateway" / "web"

_FRENCH = re.compile(r"[àâçéèêëîïôùûœÀÂÇÉÈÊÎÔŒ’«»]|\b(?:[Ll]es?|la|des?|du|une?|vous|votre|que|pour)\b")
"""By its letters, or by a word that a sentence of plain letters can hardly do without."""


_HOST = re.compile(r"[a-z-]+(?:\.[a-z-]+)+")


def used_sentences() -> Iterator[tuple[str, str]]:
    """(where, sentence): what templates say, and what Python hands to them."""
    for path in sorted((WEB / "templates").glob("*.html")):
        yield from ((path.name, sentence) for sentence in in_template(path.read_text(encoding="utf-8")))
    for path in sorted(WEB.rglob("*.py")):
        yield from ((path.name, sentence) for sentence in in_module(path.read_text(encoding="utf-8"), path.name))


def in_template(text: str) -> set[str]:
    extension = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    found: set[str] = set()
    for _, _, message in extension.extract_translations(text):  # type: ignore[attr-defined]
        found |= {message} if isinstance(message, str) else {part for part in message or () if part}
    return found


def in_module(text: str, name: str) -> set[str]:
    """In texts.py and its like every text that is a value; elsewhere what is French by its letters, or said by `say`."""
    tree = ast.parse(text)
    skipped = _unspoken(tree)
    texts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped
    ]
    said = {arg.value for call in ast.walk(tree) if _says(call) for arg in call.args if _is_text(arg)}  # type: ignore[attr-defined]
    spoken = {node.value for node in texts if name.endswith("texts.py") or _FRENCH.search(str(node.value))}
    months = {month for value in spoken if str(value).startswith("janvier ") for month in str(value).split()}
    return {
        str(value)
        for value in (spoken | said | months)
        if any(map(str.isalpha, str(value))) and not str(value).startswith(("janvier ", "<"))
    }


def _says(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"say", "say_several"}
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _unspoken(tree: ast.Module) -> set[int]:
    """Docstrings, keys of mappings, subscripts, pieces of formatted text."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))
        elif isinstance(node, ast.Dict):
            skipped |= {id(key) for key in node.keys}
        elif isinstance(node, ast.Subscript):
            skipped.add(id(node.slice))
        elif isinstance(node, ast.JoinedStr):
            skipped |= {id(value) for value in node.values}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            skipped |= (
                {id(arg) for arg in node.args}
                if node.func.attr in {"split", "compile"} and not _months(node)
                else set()
            )
    return skipped


def _months(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant)


def test_every_french_sentence_has_its_english() -> None:
    known = english()
    missing = sorted({f"{where}: {sentence}" for where, sentence in used_sentences() if not known.get(sentence)})
    assert missing == [], "\n".join(missing)


def test_every_english_sentence_is_used() -> None:
    used = {sentence for _, sentence in used_sentences()}
    assert sorted(set(english()) - used) == []


def test_the_two_languages_fill_in_the_same_values() -> None:
    placeholder = re.compile(r"%\(\w+\)s|%%")
    different = [
        msgid
        for msgid, msgstr in english().items()
        if sorted(placeholder.findall(msgid)) != sorted(placeholder.findall(msgstr))
    ]
    assert different == []


def test_the_catalogue_says_each_sentence_once() -> None:
    entries = [entry.msgid for entry in polib.pofile(str(SHIPPED), check_for_duplicates=False)]
    assert len(entries) == len(set(entries))


def test_a_page_has_no_french_of_its_own() -> None:
    """What stands in a template outside `_()` would be read by whoever chose English."""
    bare = {}
    for path in sorted((WEB / "templates").glob("*.html")):
        text = re.sub(r"\{[{%#].*?[#%}]\}", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        words = re.sub(r"<[^>]*>", " ", text)
        if left := [word for word in words.split() if re.search(r"[A-Za-zÀ-ÿ]{3}", word) and not _HOST.fullmatch(word)]:
            bare[path.name] = left
    assert bare == {}
