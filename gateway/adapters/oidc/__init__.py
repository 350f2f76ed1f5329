"""An OpenID provider over HTTP. The rules are in `relying_party`."""

from gateway.adapters.oidc.provider import OidcProvider
from gateway.adapters.oidc.wire import http_client

__all__ = ["OidcProvider", "http_client"]
