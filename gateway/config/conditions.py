"""`allow:` → Conditions, each operand checked against its fact."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.config.policy_models import OPERATORS, AllowModel
from gateway.config.shapes import suggestion
from gateway.config.yaml_source import Path_, Source
from gateway.core.facts import FACTS
from gateway.core.model import Childcare
from gateway.core.model import Source as Asked
from gateway.core.rules import Condition, Conditions, Operator, Test

_NUMBERS = frozenset(
    {"identity.age", "household.family_quotient"}
    | {f"{source}.children.count" for source in Asked}
    | {f"childcare.{name}" for name in Childcare.__dataclass_fields__}
)
_LISTS = frozenset(f"{source}.children.age" for source in Asked)


def read_conditions(model: AllowModel | None, source: Source) -> Conditions | None:
    """None without `allow`; what is wrong is said in `source`."""
    if model is None:
        return None
    if not source.data["allow"]:
        hint = "write `all`, `any` or `none` with conditions; or take `allow` out: then all who are signed in come in"
        source.say(("allow",), "`allow` has no condition", hint)
    return Conditions(
        all=_group("all", model.all, source),
        any=None if model.any is None else _group("any", model.any, source),
        none=_group("none", model.none, source),
    )


def _group(name: str, written: Sequence[Mapping[str, Mapping[str, Any]]], source: Source) -> tuple[Condition, ...]:
    read = (_condition(entry, ("allow", name, index), source) for index, entry in enumerate(written))
    return tuple(condition for condition in read if condition is not None)


def read_child_age(asked: Asked, written: Mapping[str, Any] | None, source: Source) -> Test | None:
    """`child_age: {between: [3, 11]}`: what one child of the file is asked to be."""
    if written is None:
        return None
    return _test(f"{asked}.children.age", written, (asked, "child_age"), source, inner=True)


def _condition(entry: Mapping[str, Mapping[str, Any]], place: Path_, source: Source) -> Condition | None:
    if len(entry) != 1:
        source.say(place, "a condition has one fact", "write `- identity.age: {at_least: 18}`")
        return None
    ((fact, written),) = entry.items()
    if fact not in FACTS or not FACTS[fact].testable:
        known = [name for name, spec in FACTS.items() if spec.testable]
        source.say(place, f"`{fact}` is not a fact that can be tested", suggestion(fact, known))
        return None
    test = _test(fact, written, (*place, fact), source, inner=False)
    return None if test is None else Condition(fact, test)


def _test(fact: str, written: Any, place: Path_, source: Source, *, inner: bool) -> Test | None:
    if not isinstance(written, Mapping) or len(written) != 1:
        source.say(place, f"`{fact}` needs one operator", "write `{at_least: 18}`")
        return None
    ((name, operand),) = written.items()
    if name not in OPERATORS:
        source.say(place, f"`{name}` is not an operator", suggestion(name, OPERATORS))
        return None
    operator = Operator(name)
    if operator in {Operator.SOME, Operator.EVERY}:
        return _over(fact, operator, operand, place, source, inner=inner)
    if fact in _LISTS and not inner and operator is not Operator.KNOWN:
        source.say(place, f"`{fact}` is a list", "write `{some: {between: [3, 11]}}` or `{every: …}`")
        return None
    problem = _operand_problem(fact, operator, operand)
    if problem:
        source.say(place, f"`{name}` of `{fact}` {problem}")
        return None
    return Test(operator, tuple(operand) if isinstance(operand, list) else operand)


def _over(fact: str, operator: Operator, operand: Any, place: Path_, source: Source, *, inner: bool) -> Test | None:
    if fact not in _LISTS or inner:
        source.say(place, f"`{operator}` is for lists", "only the ages of children are one")
        return None
    test = _test(fact, operand, place, source, inner=True)
    return None if test is None else Test(operator, test)


def _operand_problem(fact: str, operator: Operator, operand: Any) -> str:
    if operator is Operator.KNOWN:
        return "" if isinstance(operand, bool) else "must be true or false"
    wanted = int if fact in _NUMBERS | _LISTS else str
    many = operator in {Operator.IN, Operator.BETWEEN}
    values = operand if many and isinstance(operand, list) else [operand]
    if many and not isinstance(operand, list):
        return "must be a list"
    if not values or any(type(value) is not wanted for value in values):
        return "must be a whole number" if wanted is int else "must be text, between quotes if it looks like a number"
    if operator is Operator.BETWEEN and (len(values) != 2 or values[0] > values[1]):
        return "must be two values, the lower one first"
    return ""
