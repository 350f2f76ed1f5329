"""What a pure function said of a few short texts, so that a request costs look-ups instead of readings."""

from collections.abc import Callable
from typing import Generic, TypeVar

MAX_ENTRIES = 2_048
MAX_LENGTH = 96
"""Longer texts are read each time: a stranger chooses them, and they must not fill the memory."""

Text = TypeVar("Text", bytes, str)
Read = TypeVar("Read")


class Remembered(dict[Text, Read], Generic[Text, Read]):
    """`remembered[text]` is `read(text)`. What `read` raises is raised each time, and never kept.

    For the names in a request, never for what they carry: what a person sent must not outlive the request.
    """

    def __init__(self, read: Callable[[Text], Read]) -> None:
        super().__init__()
        self._read: Callable[[Text], Read] = read

    def __missing__(self, text: Text) -> Read:
        found = self._read(text)
        if len(text) <= MAX_LENGTH:
            if len(self) >= MAX_ENTRIES:
                # Emptied and not closed: a flood of invented names costs time while it lasts, and nothing after.
                self.clear()
            self[text] = found
        return found
