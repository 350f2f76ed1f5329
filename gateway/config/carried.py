"""What a policy writes itself and a header must carry: refused here, or else at every request."""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.config.yaml_source import Path_, Source
from gateway.core.encodings import encode
from gateway.core.errors import ValueRefused
from gateway.core.rules import Encoding, Policy

_HINTS = {
    "value_not_latin1": "write `encoding: percent`, or letters that latin-1 has",
    "value_outer_space": "take out the space at its beginning or end",
}
_OTHERWISE = "take out what is no letter, such as a line end or a tab"


class Unfit(NamedTuple):
    """A text that no header can carry in an encoding."""

    what: str
    text: str
    code: str
    header: str = ""
    """Where it is a constant."""

    @property
    def hint(self) -> str:
        return _HINTS.get(self.code, _OTHERWISE)


def unfit(policy: Policy, encoding: Encoding) -> Iterator[Unfit]:
    """The constants and the names of brackets that the policy sends."""
    for each in policy.inject:
        if each.const is not None and (code := _refused(each.const, encoding)):
            yield Unfit(f"the constant of `{each.header}`", each.const, code, each.header)
    if any(each.fact == "brackets.name" for each in policy.inject):
        names = {bracket.name for schedule in policy.schedules for bracket in schedule.brackets}
        for name in sorted(names):
            if code := _refused(name, encoding):
                yield Unfit(f"the bracket {name!r}", name, code)


def check_carried(policy: Policy, source: Source) -> None:
    for each in unfit(policy, policy.encoding):
        place: Path_ = ("inject", each.header) if each.header else _place_of(each.text, source)
        source.say(place, f"{each.what} cannot be sent in {policy.encoding} ({each.code})", each.hint)


def _refused(text: str, encoding: Encoding) -> str:
    try:
        encode(text, encoding)
    except ValueRefused as error:
        return error.code
    return ""


def _place_of(name: str, source: Source) -> Path_:
    """Of a bracket's name in the file."""
    for path in source.lines:
        if path[-1:] == ("name",) and "table" in path:
            written = source.data
            for part in path:
                written = written[part]
            if written == name:
                return path
    return ("brackets",)
