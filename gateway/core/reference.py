"""`K7QM-2F4D`: the name of one request, on pages, in logs, in the audit and in the signature."""

# Neither vowels nor look-alikes: a reference is read aloud over the telephone and spells no word.
_LETTERS = "23456789BCDFGHJKLMNPQRSTVWXZ"
_PAIRS = tuple(one + other for one in _LETTERS for other in _LETTERS)
_COUNT = len(_PAIRS)

_DIGITS = 15
"""Sixty bits, where eight letters hold thirty-nine: no reference is likelier than another by a millionth."""


def reference_of(token: str) -> str:
    """From a random token in hex, which is not used for anything else."""
    number = int(token[:_DIGITS], 16)
    pairs = []
    for _ in range(4):
        pairs.append(_PAIRS[number % _COUNT])
        number //= _COUNT
    return f"{pairs[0]}{pairs[1]}-{pairs[2]}{pairs[3]}"
