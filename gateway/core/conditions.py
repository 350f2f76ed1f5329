"""`allow`: three-valued conditions over facts (Kleene). True, False, or None for «not known»."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.core.rules import Condition, Conditions, Operator, Test

Truth = bool | None

ReadFact = Callable[[str], object | None]


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One condition with its truth, for `gateway explain`."""

    group: str
    """`all`, `any` or `none`."""
    condition: Condition
    truth: Truth
    value: object = field(default=None, repr=False)


def evaluate(conditions: Conditions, read: ReadFact) -> Truth:
    """`all` and `any` and `none`, together; false where nothing is asked."""
    if not conditions.each():
        return False
    parts: list[Truth] = [
        _all(_truth(condition, read) for condition in conditions.all),
        negate(_any(_truth(condition, read) for condition in conditions.none)),
    ]
    if conditions.any is not None:
        parts.append(_any(_truth(condition, read) for condition in conditions.any))
    return _all(parts)


def trace(conditions: Conditions, read: ReadFact) -> tuple[ConditionTrace, ...]:
    """Each condition as it was decided, in the order of the file."""
    groups = (("all", conditions.all), ("any", conditions.any or ()), ("none", conditions.none))
    return tuple(
        ConditionTrace(group, condition, _truth(condition, read), read(condition.fact))
        for group, members in groups
        for condition in members
    )


def negate(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _all(truths: Iterable[Truth]) -> Truth:
    seen = list(truths)
    if False in seen:
        return False
    return None if None in seen else True


def _any(truths: Iterable[Truth]) -> Truth:
    return negate(_all(negate(truth) for truth in truths))


def _truth(condition: Condition, read: ReadFact) -> Truth:
    return holds(condition.test, read(condition.fact))


def holds(test: Test, value: object | None) -> Truth:
    """Whether a value passes a test; a value that is not known passes and fails none, except `known`."""
    operand = test.operand
    if test.operator is Operator.KNOWN:
        return (value is not None) is operand
    if value is None:
        return None
    match test.operator:
        case Operator.IS:
            return _same(value, operand)
        case Operator.IN:
            return isinstance(operand, Sequence) and any(_same(value, item) for item in operand)
        case Operator.AT_LEAST | Operator.AT_MOST | Operator.BETWEEN:
            return _within(value, *_bounds(test))
        case _:
            return _over(test, value)


def _bounds(test: Test) -> tuple[object | None, object | None]:
    if test.operator is Operator.AT_LEAST:
        return test.operand, None
    if test.operator is Operator.AT_MOST:
        return None, test.operand
    # The policy file has checked that there are two.
    return test.operand[0], test.operand[1]  # type: ignore[index]


def _over(test: Test, value: object) -> Truth:
    if not (isinstance(value, list) and isinstance(test.operand, Test)):
        return False
    inner = test.operand
    truths = [holds(inner, item) for item in value]
    return _any(truths) if test.operator is Operator.SOME else _all(truths)


def _same(value: object, operand: object) -> bool:
    # `1` is not `True`: YAML's yes and a count must not meet.
    return type(value) is type(operand) and value == operand


def _within(value: object, low: object | None, high: object | None) -> bool:
    """Inclusive. Numbers with numbers, text with text (ISO dates and months order as text)."""
    return _ordered(low, value) and _ordered(value, high)


def _ordered(first: object | None, second: object | None) -> bool:
    if first is None or second is None:
        return True
    if isinstance(first, int) and isinstance(second, int):
        return first <= second
    return isinstance(first, str) and isinstance(second, str) and first <= second
