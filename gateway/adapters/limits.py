"""A bounded number of tries for one key in a while, in this process."""

from collections import OrderedDict, deque

from gateway.ports import Clock

_KEYS_AT_MOST = 100_000


class SlidingWindow:
    """At most `tries` for one key in any `period_s` seconds. Beyond a bound of keys the oldest is forgotten."""

    def __init__(self, clock: Clock, *, tries: int, period_s: int) -> None:
        self._clock = clock
        self._tries = tries
        self._period_s = period_s
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def allowed(self, key: str) -> bool:
        """Count one try and say whether it may go on."""
        now = self._clock()
        times = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while times and now - times[0] >= self._period_s:
            times.popleft()
        if len(times) >= self._tries:
            return False
        times.append(now)
        while len(self._seen) > _KEYS_AT_MOST:
            self._seen.popitem(last=False)
        return True
