"""`allow`: true, false, or not known."""

import pytest

from gateway.core.conditions import Truth, evaluate, holds, trace
from gateway.core.rules import Conditions, Operator, Test
from tests.builders import a_condition

VALUES = {"age": 34, "ages": [4, 9], "partly": [4, None], "none": [], "acr": "eidas1", "flag": True, "month": "2026-05"}


def read(fact: str) -> object | None:
    return VALUES.get(fact)


@pytest.mark.parametrize(
    ("fact", "operator", "operand", "truth"),
    [
        pytest.param("acr", "is", "eidas1", True, id="equal text"),
        pytest.param("acr", "is", "eidas2", False, id="other text"),
        pytest.param("age", "is", "34", False, id="a number is not the text that looks like it"),
        pytest.param("flag", "is", 1, False, id="true is not one"),
        pytest.param("acr", "in", ["eidas2", "eidas1"], True, id="in the list"),
        pytest.param("acr", "in", ["eidas2"], False, id="not in the list"),
        pytest.param("acr", "in", 3, False, id="an operand that is no list holds nothing"),
        pytest.param("age", "at_least", 34, True, id="the floor itself"),
        pytest.param("age", "at_least", 35, False, id="one under the floor"),
        pytest.param("age", "at_most", 34, True, id="the ceiling itself"),
        pytest.param("age", "at_most", 33, False, id="one over the ceiling"),
        pytest.param("age", "between", [34, 34], True, id="both bounds are inclusive"),
        pytest.param("age", "between", [35, 40], False, id="outside the bounds"),
        pytest.param("month", "at_least", "2026-01", True, id="months order as text"),
        pytest.param("month", "at_least", 3, False, id="text and number have no order"),
        pytest.param("ages", "some", Test(Operator.AT_LEAST, 9), True, id="one of them"),
        pytest.param("ages", "some", Test(Operator.AT_LEAST, 10), False, id="none of them"),
        pytest.param("ages", "every", Test(Operator.AT_LEAST, 4), True, id="all of them"),
        pytest.param("ages", "every", Test(Operator.AT_LEAST, 5), False, id="all but one"),
        pytest.param("none", "every", Test(Operator.AT_LEAST, 5), True, id="every one of no children"),
        pytest.param("none", "some", Test(Operator.AT_LEAST, 5), False, id="some of no children"),
        pytest.param("partly", "some", Test(Operator.AT_LEAST, 4), True, id="one known is enough for some"),
        pytest.param("partly", "some", Test(Operator.AT_LEAST, 5), None, id="the unknown one might pass"),
        pytest.param("partly", "every", Test(Operator.AT_LEAST, 5), False, id="one known failure is enough for every"),
        pytest.param("partly", "every", Test(Operator.AT_LEAST, 4), None, id="the unknown one might fail"),
        pytest.param("age", "some", Test(Operator.AT_LEAST, 4), False, id="some of what is no list"),
        pytest.param("ages", "some", 4, False, id="some without an inner test"),
        pytest.param("age", "known", True, True, id="known"),
        pytest.param("absent", "known", True, False, id="not known"),
        pytest.param("absent", "known", False, True, id="wanted unknown"),
        pytest.param("absent", "is", "x", None, id="what is not known is neither true nor false"),
        pytest.param("absent", "at_least", 1, None, id="no order either"),
    ],
)
def test_an_operator_is_three_valued(fact: str, operator: str, operand: object, truth: Truth) -> None:
    assert holds(Test(Operator(operator), operand), read(fact)) is truth


YES, NO, UNKNOWN = (a_condition("age", "is", 34), a_condition("age", "is", 1), a_condition("absent", "is", 1))


@pytest.mark.parametrize(
    ("conditions", "truth"),
    [
        pytest.param(Conditions(), False, id="no condition lets nobody in"),
        pytest.param(Conditions(any=()), False, id="an empty any is false"),
        pytest.param(Conditions(all=(YES,), any=()), False, id="an empty any is false beside what is true"),
        pytest.param(Conditions(all=(YES, YES)), True, id="all true"),
        pytest.param(Conditions(all=(YES, UNKNOWN)), None, id="all with one unknown"),
        pytest.param(Conditions(all=(UNKNOWN, NO)), False, id="all with one false, whatever is unknown"),
        pytest.param(Conditions(any=(NO, YES)), True, id="any with one true"),
        pytest.param(Conditions(any=(UNKNOWN, YES)), True, id="any with one true, whatever is unknown"),
        pytest.param(Conditions(any=(UNKNOWN, NO)), None, id="any with one unknown and none true"),
        pytest.param(Conditions(any=(NO, NO)), False, id="any with none true"),
        pytest.param(Conditions(none=(NO,)), True, id="none of what is false"),
        pytest.param(Conditions(none=(YES,)), False, id="none of what is true"),
        pytest.param(Conditions(none=(UNKNOWN,)), None, id="none over the unknown is unknown"),
        pytest.param(Conditions(all=(YES,), any=(YES,), none=(NO,)), True, id="the three groups together"),
        pytest.param(Conditions(all=(YES,), any=(YES,), none=(YES,)), False, id="none wins over all and any"),
        pytest.param(Conditions(all=(YES,), none=(UNKNOWN,)), None, id="an unknown none keeps all from allowing"),
    ],
)
def test_groups_combine_three_valued_truths(conditions: Conditions, truth: Truth) -> None:
    assert evaluate(conditions, read) is truth


def test_the_trace_names_each_condition_with_its_group_and_truth() -> None:
    lines = trace(Conditions(all=(YES,), any=(UNKNOWN,), none=(NO,)), read)
    assert [(line.group, line.truth) for line in lines] == [("all", True), ("any", None), ("none", False)]


def test_the_trace_does_not_show_a_value_in_its_repr() -> None:
    assert "34" not in repr(trace(Conditions(all=(a_condition("age", "known", True),)), read)[0])
