"""The name of one request."""

import re

from gateway.core.reference import reference_of


def test_a_reference_is_two_groups_of_four_without_vowels_or_look_alikes() -> None:
    for number in range(2_000):
        reference = reference_of(f"{number * 7**19 % 2**256:064x}")
        assert re.fullmatch(r"[2-9BCDFGHJKLMNPQRSTVWXZ]{4}-[2-9BCDFGHJKLMNPQRSTVWXZ]{4}", reference)


def test_tokens_that_begin_alike_have_different_references() -> None:
    assert len({reference_of(f"{number:015x}" + "0" * 49) for number in range(5_000)}) == 5_000


def test_every_letter_is_used_in_every_place() -> None:
    seen = [reference_of(f"{(number * 0x9E3779B97F4A7C15) % 2**60:015x}") for number in range(5_000)]
    assert {len({each[place] for each in seen}) for place in (0, 1, 2, 3, 5, 6, 7, 8)} == {28}
