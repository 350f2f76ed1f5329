"""One check of the matcher removed at a time."""

from tests.mutants import Mutant

_MATCHING = "gateway/core/matching.py"
_NAMES = "gateway/core/names.py"
_UNIT = "tests/unit/test_matching.py::"
_ONE = _UNIT + "test_one_adult_is_accepted_doubted_or_refused"


def _case(name: str) -> str:
    return f"{_ONE}[{name}]"


MUTANTS: tuple[Mutant, ...] = (
    Mutant("a file without adults matches", _MATCHING, "    if not adults:\n        return MatchResult(MatchOutcome.MISMATCH, None, (\"adults.none\",))\n", "    if not adults:\n        return MatchResult(MatchOutcome.MATCH, 0, (\"adults.none\",))\n", _UNIT + "test_a_file_without_adults_cannot_be_anybodys"),
    Mutant("two acceptances accept", _MATCHING, "levels.count(Level.EQUAL) > 1", "levels.count(Level.EQUAL) > 2", _UNIT + "test_two_adults_who_would_both_be_accepted_are_a_doubt"),
    Mutant("the best finding decides", _MATCHING, "levels = [min(finding.level for finding in each) for each in findings]", "levels = [max(finding.level for finding in each) for each in findings]", _case("a twin")),
    Mutant("a missing date is a date", _MATCHING, "Finding(Level.REVIEW, \"birthdate.none\")", "Finding(Level.EQUAL, \"birthdate.none\")", _case("no date at CAF")),
    Mutant("the year is not compared", _MATCHING, "    if ours.year != theirs.year:\n", "    if False:\n", _case("father and son, one date partial")),
    Mutant("day and month are not compared", _MATCHING, "    if any(a is not None and b is not None and a != b for a, b in pairs):\n", "    if False:\n", _case("another day")),
    Mutant("an exchange of day and month is equality", _MATCHING, "Finding(Level.REVIEW, \"birthdate.swapped\") if swapped", "Finding(Level.EQUAL, \"birthdate.swapped\") if swapped", _case("day and month exchanged")),
    Mutant("a real day is presumed", _MATCHING, "presumed = all(a == b or {a, b} == {None, 1} for a, b in pairs)", "presumed = True", _case("cut without a strong date")),
    Mutant("a fault is read as a name", _MATCHING, "    if fault:\n        return Finding(Level.MISMATCH, f\"{field}.{fault}\")\n", "", _case("a digit")),
    Mutant("empty equals empty", _MATCHING, "    if not ours.words or not theirs.words:\n", "    if not ours.words and theirs.words:\n", _case("nothing on both sides")),
    Mutant("a placeholder is a name", _MATCHING, "    if ours.is_placeholder or theirs.is_placeholder:\n", "    if False:\n", _case("the same placeholder on both sides")),
    Mutant("another script is read as Latin", _MATCHING, "    if ours.foreign or theirs.foreign:\n", "    if False:\n", _case("a whole identity in Greek on both sides")),
    Mutant("a cut name needs no date", _MATCHING, "Finding(Level.EQUAL if date.reason in STRONG else Level.REVIEW, \"surname.truncated\")", "Finding(Level.EQUAL, \"surname.truncated\")", _UNIT + "test_a_cut_name_alone_is_a_doubt_without_a_strong_date"),
    Mutant("a name may be cut anywhere", _MATCHING, "len(shorter) in TRUNCATIONS and ", "", _case("a surname contained in another")),
    Mutant("a name may be cut between words", _MATCHING, " and longer[len(shorter)] != \" \"", "", _case("cut at 20 between two words")),
    Mutant("a near surname is equal", _MATCHING, "            return Finding(Level.REVIEW, f\"surname.{reason}\")", "            return Finding(Level.EQUAL, f\"surname.{reason}\")", _case("half of a double name")),
    Mutant("a different surname is a doubt", _MATCHING, "    return Finding(Level.MISMATCH, \"surname.different\")", "    return Finding(Level.REVIEW, \"surname.different\")", _case("another surname")),
    Mutant("a usage name accepts", _MATCHING, "Finding(Level.REVIEW, \"surname.usage\")", "Finding(Level.EQUAL, \"surname.usage\")", _case("CAF knows the usage name only")),
    Mutant("a missing given name needs no date", _MATCHING, "Finding(Level.EQUAL if date.reason in STRONG else Level.REVIEW, \"given_names.prefix\")", "Finding(Level.EQUAL, \"given_names.prefix\")", _case("a missing given name without a strong date")),
    Mutant("half of a compound is a given name", _MATCHING, "    return count in ends", "    return True", _case("half of a compound")),
    Mutant("a feminine form is a typing error", _MATCHING, "    if _is_gendered(ours.words, theirs.words):\n        return Finding(Level.MISMATCH, \"given_names.different\")\n", "", _case("a feminine form that is near")),
    Mutant("a near given name is equal", _MATCHING, "            return Finding(Level.REVIEW, f\"given_names.{reason}\")", "            return Finding(Level.EQUAL, f\"given_names.{reason}\")", _case("another order")),
    Mutant("a different given name is a doubt", _MATCHING, "            return Finding(Level.REVIEW, f\"given_names.{reason}\")\n    return Finding(Level.MISMATCH, \"given_names.different\")", "            return Finding(Level.REVIEW, f\"given_names.{reason}\")\n    return Finding(Level.REVIEW, \"given_names.different\")", _case("a twin")),
    Mutant("a single string needs no date", _MATCHING, "    if date.reason not in STRONG:\n", "    if False:\n", _UNIT + "test_a_single_string_is_read_in_both_orders[a weak date does not corroborate]"),
    Mutant("anything is near", "gateway/core/similarity.py", ">= THRESHOLD", ">= 0.5", _case("two near surnames that are two")),
    Mutant("controls are dropped", _NAMES, "    if any(unicodedata.category(character) == \"Cc\" for character in text):\n        return \"control\"\n", "", _case("a NUL in a given name")),
    Mutant("digits are dropped", _NAMES, "    if any(character.isnumeric() for character in folded):\n        return \"digit\"\n", "", _case("a digit")),
    Mutant("scripts may mix", _NAMES, "        if len({_script(letter) for letter in word}) > 1:\n", "        if False:\n", _case("a Greek letter in a Latin word on both sides")),
    Mutant("an acute accent becomes a space", _NAMES, "\\u0060\\u00b4\\u2032\"", "\\u0060\\u2032\"", "tests/unit/test_names.py::test_an_acute_accent_is_an_apostrophe_before_it_is_decomposed"),
)  # fmt: skip
