"""A rest for a source that does not answer. Each process has its own: see `docs/decisions/`."""

FAILURES = 5
"""In a row, before the source is left alone."""

REST_S = 30.0


class Breaker:
    """Closed, every call passes. Open, none does but one probe each `REST_S` seconds; its success closes it."""

    def __init__(self) -> None:
        self._failures = 0
        self._rests_until = 0.0

    def admits(self, now: float) -> bool:
        """Whether to call. Who is admitted after a rest is the probe: the others wait for the next."""
        if self._failures < FAILURES:
            return True
        if now < self._rests_until:
            return False
        self._rests_until = now + REST_S
        return True

    def note(self, now: float, *, answered: bool) -> None:
        """What became of a call; a refusal is an answer, an outage is none."""
        self._failures = 0 if answered else self._failures + 1
        if self._failures >= FAILURES:
            self._rests_until = now + REST_S
