"""How long a household's values are kept: the few forms of `retention` that the gateway enforces itself."""

import re

_UNITS = {
    "minute": 60,
    "heure": 3600,
    "hour": 3600,
    "jour": 86_400,
    "day": 86_400,
}
_WORDS = re.compile(r"([1-9][0-9]{0,4}) (minute|heure|hour|jour|day)s?")
_ISO = re.compile(r"P(?:(?P<days>[0-9]{1,4})D)?(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,5})H)?(?:(?P<minutes>[0-9]{1,5})M)?)?")


_MEANT = re.compile(r"\s*(?:[0-9]+\s*(?:mi?n|h|j|d|sec|day)[a-zé]*|PT.*)\s*", re.IGNORECASE)


def looks_like_a_duration(retention: str) -> bool:
    """Whether who wrote `30 minuts` or `PT30` may have meant one that is enforced, and is not."""
    return seconds_kept(retention) is None and _MEANT.fullmatch(retention) is not None


def seconds_kept(retention: str | None) -> int | None:
    """Seconds of `30 minutes`, `2 heures`, `1 jour`, `PT30M`, `P1DT2H`; None for `session` and any other text.

    Such a text (`année scolaire`) is for the register: here the session's own end holds, which always comes first.
    """
    text = retention or ""
    if words := _WORDS.fullmatch(text):
        return int(words[1]) * _UNITS[words[2]]
    if not (iso := _ISO.fullmatch(text)):
        return None
    days, hours, minutes = (int(iso[part] or 0) for part in ("days", "hours", "minutes"))
    return days * 86_400 + hours * 3600 + minutes * 60 or None
