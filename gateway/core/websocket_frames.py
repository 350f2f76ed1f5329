"""Where a stream of WebSocket frames (RFC 6455 §5.2) stands: between two of them, another may be said."""

_CLOSE = 8


def _close(code: int, reason: bytes) -> bytes:
    """A server's Close frame (§5.5.1)."""
    return bytes([0x80 | _CLOSE, 2 + len(reason)]) + code.to_bytes(2, "big") + reason


SESSION_ENDED = _close(1008, b"session ended")
"""Policy violation: a page may tell it from a network that failed (1006)."""

GOING_AWAY = _close(1001, b"restarting")
"""A page may connect again at once."""

_LENGTH_BYTES = {126: 2, 127: 8}


class FrameStream:
    """What one side has sent so far, payloads unread; bytes that are no frames only ever say «not between two»."""

    __slots__ = ("_closed", "_head", "_left")

    def __init__(self) -> None:
        self._head = b""
        """Of a frame whose header has not all come."""
        self._left = 0
        """Bytes of payload that are still to come."""
        self._closed = False

    @property
    def takes_another(self) -> bool:
        """Between two frames, and before the last: a control frame may stand inside a fragmented message."""
        return not (self._head or self._left or self._closed)

    def feed(self, piece: bytes) -> None:
        at = 0
        while at < len(piece):
            if self._left:
                step = min(self._left, len(piece) - at)
                self._left -= step
            else:
                step = _size(self._head) - len(self._head)
                self._head += piece[at : at + step]
                self._begin()
            at += step

    def _begin(self) -> None:
        head = self._head
        if len(head) < _size(head):
            return
        length = head[1] & 0x7F
        wide = _LENGTH_BYTES.get(length, 0)
        self._left = int.from_bytes(head[2 : 2 + wide], "big") if wide else length
        self._closed = self._closed or head[0] & 0x0F == _CLOSE
        self._head = b""


def _size(head: bytes) -> int:
    """Bytes of this header, as far as what has come of it tells."""
    if len(head) < 2:
        return 2
    return 2 + _LENGTH_BYTES.get(head[1] & 0x7F, 0) + (4 if head[1] & 0x80 else 0)
