"""Which policy accepts which provider: a wrong pair would send people round for ever, or compare the wrong names."""

from collections.abc import Iterator, Sequence

from gateway.config.gateway_models import GatewayModel
from gateway.config.shapes import suggestion
from gateway.config.yaml_source import Path_, Source
from gateway.core.model import Acr
from gateway.core.rules import Mode, Policy
from gateway.relying_party import ProviderSettings
from gateway.relying_party.profiles import GIVEN_LEVELS
from gateway.settings import Settings

_JUDGED_BY = {"identity", "household", "childcare", "disputes"}
"""Sections without which no pair can be judged."""


def check_acceptance(model: GatewayModel, settings: Settings, source: Source) -> None:
    if source.doubtful & _JUDGED_BY:
        return
    for index, route in enumerate(model.routes):
        policy = settings.policies.get(route.policy)
        if policy is None or policy.login is None:
            continue
        place: Path_ = ("routes", index, "policy")
        for message, hint in _problems(policy, model, settings.providers_for(policy)):
            source.say(place, f"policy `{policy.name}` {message}", hint)


def _problems(policy: Policy, model: GatewayModel, accepted: Sequence[ProviderSettings]) -> Iterator[tuple[str, str]]:
    assert policy.login is not None  # noqa: S101 - the caller looked
    wanted = policy.login.providers
    for name in wanted:
        if name not in model.identity:
            yield f"accepts the unknown provider `{name}`", suggestion(name, list(model.identity))
    if accepted and not any(_can_give(provider, policy.login.acr, model) for provider in accepted):
        hint = "franceconnect gives eidas1, franceconnect_plus eidas2 and eidas3, others what their `acr_map` says"
        yield f"asks for {policy.login.acr}, which no accepted provider gives", hint
    yield from _household(policy, accepted)


def _can_give(provider: ProviderSettings, acr: Acr, model: GatewayModel) -> bool:
    named = model.identity[provider.name].environment in {"sandbox", "production"}
    levels = set(provider.levels.values()) | ({provider.acr_absent} if provider.acr_absent else set())
    given = GIVEN_LEVELS.get(provider.profile, frozenset[Acr]()) if named else levels
    return any(level >= acr for level in given)


def _household(policy: Policy, accepted: Sequence[ProviderSettings]) -> Iterator[tuple[str, str]]:
    """A household is compared with a civil identity only; FranceConnect mode needs FranceConnect's own token."""
    if not policy.lookups:
        return
    only = ", ".join(provider.name for provider in accepted if provider.vouches) or "franceconnect"
    by_token = any(lookup.rule.mode is Mode.FRANCECONNECT for lookup in policy.lookups)
    for provider in accepted:
        if not provider.vouches:
            hint = f"write `login: {{providers: [{only}]}}`; or vouch for it with `civil_status: verified`"
            yield f"compares a household with names that `{provider.name}` does not check", hint
        elif by_token and not provider.rules.opens_data:
            hint = "only FranceConnect's token opens API Particulier: `mode: identity`, or other `providers`"
            yield f"asks in mode franceconnect with a login by `{provider.name}`", hint
