"""A line of the log that a person's request caused bears the reference which that person can read out."""

import ast

from tests.world import ROOT

_PLACES = sorted((ROOT / "gateway" / "web").glob("*.py"))


def _without_reference() -> list[str]:
    found = []
    for path in _PLACES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "log":
                names = {each.arg for each in node.keywords}
                # `**fields`: made where the reference is an argument.
                if "reference" not in names and None not in names:
                    found.append(f"{path.name}:{node.lineno}")
    return found


def test_each_line_has_one() -> None:
    assert _without_reference() == []


def test_lines_are_looked_for_where_they_are_written() -> None:
    calls = sum(path.read_text(encoding="utf-8").count("services.log(") for path in _PLACES)
    assert calls > 15
