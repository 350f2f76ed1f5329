"""What the YAML reader says of text that it cannot read, in words for who wrote it."""

import yaml

from gateway.core.errors import Problem

_ALIGN = "begin it as far left as its neighbours, with spaces; text with `: ` in it stands between quotes"

_WORDS = (
    ("mapping values are not allowed", "a `:` that no key can have here", _ALIGN),
    ("found character '\\t'", "a tab", "indent with spaces"),
    ("expected <block end>", "begins further left or right than its neighbours", _ALIGN),
    ("could not find expected ':'", "a key without its `:`", "write `key: value`, or text between quotes"),
    ("that cannot start any token", "a value cannot begin with this sign", "put the value between quotes"),
    ("unknown escape character", "a backslash between double quotes means something else", "take single quotes"),
    ("expected a single document", "a second document begins with `---`", "one file holds one"),
)
"""What the reader says → what is wrong, what to write instead."""

_OPENED = (
    ("flow mapping", "the `{` here is never closed", "add the `}`, and commas between the entries"),
    ("flow sequence", "the `[` here is never closed", "add the `]`, and commas between the entries"),
    (
        "quoted scalar",
        "the quote that begins here never ends",
        "close it; an apostrophe between single quotes is written ''",
    ),
)
"""What the reader was in, which is where the mistake is."""


def syntax_problem(error: yaml.YAMLError, shown: str) -> Problem:
    """The line where to look, which is not always where reading stopped."""
    context, said = getattr(error, "context", None) or "", getattr(error, "problem", None) or ""
    began = getattr(error, "context_mark", None)
    stopped = getattr(error, "problem_mark", None)
    for word, wrong, hint in _WORDS:
        if word in said:
            return Problem(shown, _line(stopped), f"YAML: {wrong}", hint)
    for word, wrong, hint in _OPENED:
        if word in context and began is not None:
            return Problem(shown, _line(began), f"YAML: {wrong}", hint)
    return Problem(
        shown, _line(stopped), "YAML: it cannot be read from here on", "check indentation, quotes and colons here"
    )


def _line(mark: yaml.Mark | None) -> int:
    return mark.line + 1 if mark is not None else 0
