"""OpenID Connect over values: what is sent to a provider, and what of its answers is believed. No I/O.

OpenID Connect Core 1.0, RFC 6749, RFC 7523, RFC 7636, RFC 9207, RP-Initiated and Back-Channel Logout 1.0. What differs
from one provider to the next is data in `profiles`.
"""

from gateway.relying_party.callback import (
    CallbackError,
    CallbackSuccess,
    check_issuer,
    error_reference,
    read_callback,
)
from gateway.relying_party.settings import Endpoints, ProviderSettings
from gateway.relying_party.tokens import check_acr, read_token_response, verify_id_token, verify_userinfo

__all__ = [
    "CallbackError",
    "CallbackSuccess",
    "Endpoints",
    "ProviderSettings",
    "check_acr",
    "check_issuer",
    "error_reference",
    "read_callback",
    "read_token_response",
    "verify_id_token",
    "verify_userinfo",
]
