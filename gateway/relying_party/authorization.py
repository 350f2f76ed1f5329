"""The authorization request: the parameters that a profile accepts, and no other."""

import json
from collections.abc import Sequence

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.core.model import Acr, LoginTransaction
from gateway.relying_party.profiles import AskAcr
from gateway.relying_party.settings import Endpoints, ProviderSettings


def authorization_url(settings: ProviderSettings, endpoints: Endpoints, transaction: LoginTransaction) -> str:
    """For FranceConnect the seven parameters that it accepts and needs; PKCE where the profile has it."""
    scopes = ["openid", *asked_scopes(settings, transaction.scopes)]
    url: str = prepare_grant_uri(
        endpoints.authorization,
        client_id=settings.client_id,
        response_type="code",
        redirect_uri=settings.redirect_uri,
        scope=scopes,
        state=transaction.state,
        nonce=transaction.nonce,
        **_level(settings, transaction.acr),
        **_challenge(settings, transaction.code_verifier),
        **_prompt(settings, scopes),
    )
    return url


def asked_scopes(settings: ProviderSettings, wanted: frozenset[str]) -> list[str]:
    """The provider's own names for what policies need, and what the operator always asks. `openid` left out."""
    names = settings.rules.scopes
    translated = wanted if names is None else {names[scope] for scope in wanted if scope in names}
    return sorted((translated | set(settings.scopes)) - {"openid"})


def _level(settings: ProviderSettings, floor: Acr) -> dict[str, str]:
    enough = sufficient(settings, floor)
    match settings.rules.ask_acr:
        case AskAcr.ONE:
            return {"acr_values": enough[0] if enough else str(floor)}
        case AskAcr.VALUES:
            return {"acr_values": " ".join(enough)} if enough else {}
        case AskAcr.CLAIM:
            asked = {"id_token": {"acr": {"essential": True, "values": enough}}}
            return {"claims": json.dumps(asked, separators=(",", ":"))}


def sufficient(settings: ProviderSettings, floor: Acr) -> Sequence[str]:
    """The provider's acr values that are worth the level or more, the lowest first."""
    worth = [(level, name) for name, level in settings.levels.items() if level >= floor]
    return [name for _, name in sorted(worth)]


def _prompt(settings: ProviderSettings, scopes: Sequence[str]) -> dict[str, str]:
    return {"prompt": "consent"} if settings.rules.offline_consent and "offline_access" in scopes else {}


def _challenge(settings: ProviderSettings, verifier: str) -> dict[str, str]:
    if not settings.rules.pkce:
        return {}
    return {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
