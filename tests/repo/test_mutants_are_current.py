"""A mutant whose text or test is gone proves nothing: seen here at once, and not in the long run alone."""

from tests.mutants.__main__ import ROOT, every_mutant


def test_each_mutant_changes_one_place_and_names_a_test_that_exists() -> None:
    stale = []
    for mutant in every_mutant():
        file, _, node = mutant.caught_by.partition("::")
        name = node.partition("[")[0].rpartition("::")[2]
        places = (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.before)
        if places != 1 or f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8"):
            stale.append(f"{mutant.name} ({mutant.file}, {places} places)")
    assert stale == []
