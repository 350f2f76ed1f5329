"""In production nothing of a sandbox is believed, and no secret is weak."""

from collections.abc import Collection, Sequence

from gateway.config.disputes import check_disputes
from gateway.config.providers import is_loopback, is_sandbox
from gateway.config.secrets import STRONG_BYTES, STRONG_HINT, weakness
from gateway.config.yaml_source import Source
from gateway.relying_party import ProviderSettings
from gateway.settings import ApiParticulierSettings, Settings


def is_production(providers: Sequence[ProviderSettings], sources: Collection[ApiParticulierSettings]) -> bool:
    """Unless every provider and source is a sandbox, staging, or on a loopback address."""
    outside = [provider.issuer for provider in providers] + [source.base_url for source in sources]
    return not all(is_sandbox(url) or is_loopback(url) for url in outside)


def check_production(settings: Settings, source: Source, *, secrets: bool) -> None:
    for provider in settings.providers:
        place = ("identity", provider.name)
        urls = [provider.issuer, provider.token_endpoint, provider.jwks_uri, provider.userinfo_endpoint]
        if any(url and (is_sandbox(url) or is_loopback(url)) for url in urls):
            hint = "its signing keys are public: anyone could sign in as anyone; write `environment: production`"
            source.say(place, f"`{provider.name}` is a sandbox, and this is production", hint)
        if secrets and provider.client_secret and (why := weakness(provider.client_secret.encode("utf-8"))):
            source.say((*place, "client_secret"), f"`client_secret` {why}", "use the one that the provider gave")
    _check_sources(settings, source, secrets=secrets)
    check_disputes(settings, source, secrets=secrets)
    for index, secret in enumerate(settings.sessions.secrets):
        if secrets and (why := weakness(secret)):
            source.say(("sessions", "secrets", index), f"the secret {why}", STRONG_HINT)


def _check_sources(settings: Settings, source: Source, *, secrets: bool) -> None:
    seen: set[str] = set()
    for name, asked in (("household", settings.household), ("childcare", settings.childcare)):
        if asked is not None and (is_sandbox(asked.base_url) or is_loopback(asked.base_url)):
            hint = "write `environment: production`"
            source.say((name, "api_particulier"), "API Particulier is staging, and this is production", hint)
        if secrets and asked is not None and asked.token and asked.token not in seen:
            # One that both share is said once. A JWT may hold any letters: no word in it is looked for.
            seen.add(asked.token)
            if len(asked.token) < STRONG_BYTES:
                hint = "use the one that API Particulier gave, whole"
                source.say((name, "api_particulier", "token"), f"`token` is shorter than {STRONG_BYTES} bytes", hint)
