"""Which provider failed a moment ago: its button is marked, and the way without it comes first."""

from gateway.ports import Clock

REMEMBERED_S = 60
"""Long enough that the next people are told, short enough that nobody is kept away from one that works again."""


class Outages:
    """Of this process alone: another one learns of it from its own first failure."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def failed(self, provider: str) -> None:
        self._until[provider] = self._clock() + REMEMBERED_S

    def worked(self, provider: str) -> None:
        self._until.pop(provider, None)

    def lasts(self, provider: str) -> bool:
        return self._clock() < self._until.get(provider, 0.0)
