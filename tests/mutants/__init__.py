"""One check removed at a time: each removal must make a named test fail. `make mutants` runs the list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` stands exactly once in `file`; with `after` in its place, the test `caught_by` must fail."""

    name: str
    file: str
    before: str
    after: str
    caught_by: str
