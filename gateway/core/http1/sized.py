"""A body of a declared length (RFC 9112 §6.2), read like a chunked one: feed bytes, take the body, keep the rest."""


class SizedReader:
    """Once `done`, `rest` is what follows the body."""

    def __init__(self, length: int) -> None:
        """`length`: bytes, at least one."""
        self.done = False
        self.rest = b""
        self._left = length

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of body that these bytes bring."""
        if len(data) < self._left:
            self._left -= len(data)
            return [data]
        piece, self.rest = data[: self._left], data[self._left :]
        self._left = 0
        self.done = True
        return [piece]
