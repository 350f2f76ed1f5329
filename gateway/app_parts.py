"""What follows from the settings, for the composition root."""

from gateway.adapters.keys import SigningKeys, encryption_jwk
from gateway.core.headers import stripped_names
from gateway.relying_party.client_auth import client_jwk
from gateway.settings import Settings
from gateway.web.pages import Pages


def stripped(settings: Settings) -> frozenset[str]:
    return stripped_names(injection.header for policy in settings.policies.values() for injection in policy.inject)


def jwks(settings: Settings, keys: SigningKeys) -> dict[str, object]:
    """What applications verify with, and what FranceConnect+ seals its tokens with."""
    sealed_for = [provider.encryption_key_pem for provider in settings.providers if provider.encryption_key_pem]
    return {"keys": [*keys.jwks["keys"], *(encryption_jwk(pem) for pem in sealed_for)]}


def client_keys(settings: Settings) -> dict[str, object]:
    pems = {provider.client_key_pem for provider in settings.providers if provider.client_key_pem}
    return {"keys": [client_jwk(pem) for pem in sorted(pems)]}


def pages(settings: Settings) -> Pages:
    targets = [provider.authorization_endpoint or provider.issuer for provider in settings.providers]
    targets += [provider.end_session_endpoint or provider.issuer for provider in settings.providers]
    secure = settings.public_url.startswith("https:")
    return Pages(settings.authority, secure=secure, form_targets=targets, catalogues=settings.texts)
