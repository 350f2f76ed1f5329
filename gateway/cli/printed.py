"""What a terminal is given: text, never an instruction to the terminal."""

import unicodedata


def plainly(text: str) -> str:
    """Control characters as Python writes them; lines stay lines."""
    return "".join(each if each == "\n" or not _is_control(each) else ascii(each)[1:-1] for each in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"}
