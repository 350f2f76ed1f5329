"""Who answers one request of a client connection."""

from typing import Protocol


class Responder(Protocol):
    """Answers one request through its connection."""

    def begin(self) -> None: ...

    def body(self, piece: bytes) -> None: ...

    def body_ended(self) -> None: ...

    def pause(self) -> None:
        """The client reads too slowly: send no more for now."""
        ...

    def resume(self) -> None: ...

    def draining(self) -> None:
        """The process ends soon: what has no end of its own ends now."""
        ...

    def gone(self) -> None:
        """The client left or was cut off. Nothing more is called, and nothing more may be sent."""
        ...
