"""How near two normal forms are. Nothing near is ever equal: the threshold only chooses a page."""

THRESHOLD = 0.85


def is_near(one: str, other: str) -> bool:
    """1 − edit distance / longer length, at least 0.85: THIERY and THIERRY, not LEO and LEA."""
    longer = max(len(one), len(other))
    return longer > 0 and 1 - _distance(one, other) / longer >= THRESHOLD


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        previous, row = row, [i]
        for j, b in enumerate(other, start=1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
    return row[-1]
