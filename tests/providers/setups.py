"""How each provider is set up: its clients, and the people of the sandbox."""

from collections.abc import Sequence
from typing import Any

from gateway.relying_party import ProviderSettings
from gateway.sandbox.franceconnect import SandboxClient
from gateway.sandbox.franceconnect.rules import CLAIMS_OF
from gateway.sandbox.identities import identities
from tests.openid import PERSON

AGENT = "agent-7"


def franceconnect_setup(clients: Sequence[SandboxClient]) -> dict[str, Any]:
    """The same clients, scopes and people as the sandbox's own FranceConnect."""
    return {
        "kind": "franceconnect",
        "claims": {
            scope: ["sub"] if scope == "openid" else list(names or [scope]) for scope, names in CLAIMS_OF.items()
        },
        "clients": [
            {
                "client_id": client.client_id,
                **_shown(client),
                "redirect_uris": list(client.redirect_uris),
                "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
                "id_token_signed_response_alg": client.signing_alg,
                "userinfo_signed_response_alg": client.signing_alg,
                "scope": " ".join(sorted(client.scopes)),
            }
            for client in clients
        ],
        "people": {login: dict(each.claims) for login, each in identities().items() if each.error is None},
    }


def _shown(client: SandboxClient) -> dict[str, Any]:
    """How the client authenticates: never both ways."""
    if client.jwks is None:
        return {"client_secret": client.client_secret}
    return {"token_endpoint_auth_method": "private_key_jwt", "jwks": dict(client.jwks)}


def plain_setup(settings: ProviderSettings, public_url: str) -> dict[str, Any]:
    """One client, registered as the gateway's own settings say."""
    client: dict[str, Any] = {
        "client_id": settings.client_id,
        "redirect_uris": [settings.redirect_uri],
        "post_logout_redirect_uris": [settings.post_logout_redirect_uri],
        "token_endpoint_auth_method": str(settings.auth),
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "id_token_signed_response_alg": settings.signing_alg,
        "backchannel_logout_uri": f"{public_url}/_gateway/backchannel-logout",
        "backchannel_logout_session_required": True,
    }
    if settings.client_secret:
        client["client_secret"] = settings.client_secret
    else:
        client["jwks_uri"] = f"{public_url}/_gateway/client-keys"
        client["token_endpoint_auth_signing_alg"] = "ES256"
    return {"kind": "plain", "clients": [client], "people": {AGENT: {k: v for k, v in PERSON.items() if k != "sub"}}}
