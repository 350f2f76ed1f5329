"""What is remembered, and what never is."""

import pytest

from gateway.core.remembered import MAX_ENTRIES, MAX_LENGTH, Remembered


def _counted() -> tuple[Remembered[str, int], list[str]]:
    read: list[str] = []

    def length(text: str) -> int:
        read.append(text)
        if not text:
            raise ValueError
        return len(text)

    return Remembered(length), read


def test_a_text_is_read_once() -> None:
    lengths, read = _counted()
    assert [lengths["abc"], lengths["abc"], lengths["d"]] == [3, 3, 1]
    assert read == ["abc", "d"]


def test_a_long_text_is_read_each_time_and_never_kept() -> None:
    lengths, read = _counted()
    long = "a" * (MAX_LENGTH + 1)
    assert [lengths[long], lengths[long], lengths["a" * MAX_LENGTH]] == [MAX_LENGTH + 1, MAX_LENGTH + 1, MAX_LENGTH]
    assert (len(read), list(lengths)) == (3, ["a" * MAX_LENGTH])


def test_invented_texts_never_fill_the_memory_nor_shut_others_out() -> None:
    lengths, read = _counted()
    for number in range(MAX_ENTRIES * 3):
        assert lengths[str(number)] == len(str(number))
        assert len(lengths) <= MAX_ENTRIES
    assert [lengths["late"], lengths["late"]] == [4, 4]
    assert read.count("late") == 1


def test_a_refusal_is_made_each_time() -> None:
    lengths, read = _counted()
    for _ in range(2):
        with pytest.raises(ValueError):
            lengths[""]
    assert read == ["", ""]
