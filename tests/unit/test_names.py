"""Normal forms and partial dates."""

import pytest

from gateway.core.model import PartialDate, Person
from gateway.core.names import civil_person, normalise, parse_partial_date, person_from_full_name, together


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Jean-François", ("JEAN", "FRANCOIS")),
        ("O’Connor--Smith", ("O", "CONNOR", "SMITH")),
        ("Lœtitia", ("LOETITIA",)),
        ("  ", ()),
        (None, ()),
        ("-'", ()),
        ("Straße", ("STRASSE",)),
        ("İıŁłØøĐđÐðÞþ", ("IILLOODDDDTHTH",)),
    ],
)
def test_a_name_becomes_words_of_capitals(written: str | None, words: tuple[str, ...]) -> None:
    assert normalise(written).words == words


def test_words_are_kept_solid_and_written() -> None:
    name = normalise("Le Goff")
    assert (name.solid, name.written, name.units) == ("LEGOFF", "LE GOFF", (("LE",), ("GOFF",)))


def test_a_hyphen_keeps_a_unit_together_and_a_space_does_not() -> None:
    assert normalise("Anne-Laure Marie").units == (("ANNE", "LAURE"), ("MARIE",))
    assert together("Jean Philippe", "Pierre").units == (("JEAN", "PHILIPPE"), ("PIERRE",))


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("Dubois", ""),
        ("Du\tbois", "control"),
        ("Dub0is", "digit"),
        ("Dub²is", "digit"),
        ("Dub\u043eis", "mixed_script"),
    ],
)
def test_what_no_civil_name_holds_is_a_fault(written: str, fault: str) -> None:
    assert normalise(written).fault == fault
    assert together("Anne", written).fault == fault


def test_another_script_is_said() -> None:
    assert normalise("Γιώργος").foreign
    assert together("Anne", "Γιώργος").foreign
    assert not normalise("Georges").foreign


@pytest.mark.parametrize("written", ["SNP", "Inconnu", "SANS PRENOM", "sp", "X", "xxx", "Se disant"])
def test_placeholders_are_known(written: str) -> None:
    assert normalise(written).is_placeholder


def test_a_name_is_no_placeholder() -> None:
    assert not normalise("Xavier").is_placeholder


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1984-02-17", PartialDate(1984, 2, 17)),
        ("1984-02-00", PartialDate(1984, 2)),
        ("1984-00-00", PartialDate(1984)),
        ("1984-00-17", PartialDate(1984)),
        ("0000-00-00", None),
        ("", None),
        ("  ", None),
        (None, None),
        ("17021984", PartialDate(1984, 2, 17)),
        ("00021984", PartialDate(1984, 2)),
        ("00001984", PartialDate(1984)),
        ("00000000", None),
    ],
)
def test_a_partial_date_is_read(text: str | None, date: PartialDate | None) -> None:
    assert parse_partial_date(text) == date


@pytest.mark.parametrize(
    "text", ["1984", "1984-13-01", "1984-01-32", "17/02/1984", "32011984", "٢٠٠٠-٠١-٠١", "1984-02-17x"]
)
def test_any_other_date_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="civil date") as caught:
        parse_partial_date(text)
    assert text not in str(caught.value)


def test_a_person_is_read_as_the_payloads_write_them() -> None:
    person = civil_person(birth_name="LE GOFF", usage_name=" ", given_names="ANNE-LAURE  MARIE", birthdate="1986-02-17")
    assert person == Person("LE GOFF", None, ("ANNE-LAURE", "MARIE"), PartialDate(1986, 2, 17))
    assert civil_person(birth_name=None, usage_name=None, given_names=None, birthdate=None) == Person()
    assert person_from_full_name("MARIE DURAND", "12071980") == Person(
        full_name="MARIE DURAND", birthdate=PartialDate(1980, 7, 12)
    )


def test_an_acute_accent_is_an_apostrophe_before_it_is_decomposed() -> None:
    assert normalise("Jean´Paul").units == (("JEAN", "PAUL"),)
