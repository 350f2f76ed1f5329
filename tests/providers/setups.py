"""How each provider is set up: its clients, and the people of the sandbox."""

from collections.abc import Sequence
from typing import Any

from gateway.sandbox.franceconnect import SandboxClient
from gateway.sandbox.franceconnect.rules import CLAIMS_OF
from gateway.sandbox.identities import identities


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
                "client_secret": client.client_secret,
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
