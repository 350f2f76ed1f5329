"""`authority.processors` and `authority.recipients`: who else has a hand in the data (RGPD, articles 28, 30, 44)."""

from collections.abc import Sequence

from gateway.config.gateway_models import AuthorityModel, PartyModel
from gateway.config.shapes import suggestion
from gateway.config.yaml_source import Path_, Source
from gateway.settings import Party

INSIDE = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
        *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
        *("GF", "GP", "MF", "MQ", "RE", "YT"),  # parts of France with a code of their own, where the same law holds
    }
)
"""ISO 3166 codes of the European Economic Area."""


def read_parties(written: AuthorityModel, source: Source, known: Sequence[str]) -> dict[str, tuple[Party, ...] | None]:
    """None where the list is not written: nobody said that there is none."""
    return {
        "processors": _list("processors", written.processors, source, known),
        "recipients": _list("recipients", written.recipients, source, known),
    }


def _list(key: str, written: list[PartyModel] | None, source: Source, known: Sequence[str]) -> tuple[Party, ...] | None:
    if written is None:
        return None
    return tuple(_party(each, ("authority", key, at), source, known) for at, each in enumerate(written))


def _party(written: PartyModel, place: Path_, source: Source, known: Sequence[str]) -> Party:
    outside = written.country not in INSIDE
    if outside and written.safeguards is None:
        hint = (
            "add `safeguards: clauses contractuelles types` (RGPD, article 46), or `décision d'adéquation` (article 45)"
        )
        source.say(
            (*place, "country"), f"`{written.country}` is outside the European Union: what protects data there?", hint
        )
    for at, name in enumerate(written.policies):
        if name not in known:
            hint = suggestion(name, known) or "leave `policies` out: it then stands for all"
            source.say((*place, "policies", at), f"there is no policy `{name}`", hint)
    return Party(
        written.name, written.role, written.country, outside, written.safeguards or "", frozenset(written.policies)
    )
