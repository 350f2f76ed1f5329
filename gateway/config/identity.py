"""Who can be signed in with: each provider's keys against its profile, then its settings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config.gateway_models import GatewayModel
from gateway.config.provider_models import ProviderModel
from gateway.config.providers import ReadSecret, is_safe
from gateway.config.shapes import suggestion
from gateway.config.yaml_source import Path_, Source
from gateway.core.model import Acr
from gateway.relying_party import ProviderSettings
from gateway.relying_party.client_auth import client_key
from gateway.relying_party.profiles import ABSENT, NAMED, PROFILES, ClientAuth, Profile, Userinfo

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint")

_COMMON = frozenset(
    {"environment", "client_id", "client_secret", "client_auth", "client_key", "signing_alg", "issuer", "ca_file"}
    | {"button"}
    | set(_ENDPOINTS)
)
_STANDARD = frozenset(
    ["profile", "label", "about", "userinfo", "bearer", "acr_map", "scopes", "claims", "civil_status", "email"]
    + ["callback_iss", "recheck_s"]
)
_OWN_KEYS: Mapping[str, frozenset[str]] = {
    "franceconnect": frozenset(),
    "franceconnect_plus": frozenset({"encryption_key"}),
    "proconnect": frozenset({"acr_map", "scopes", "recheck_s"}),
    "keycloak": _STANDARD,
    "generic": _STANDARD,
}
"""What may be written for a profile besides `_COMMON`; everything else is fixed by it."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = frozenset({"upstream", "household"})
"""Names of other things in logs and metrics."""


def read_providers(
    model: GatewayModel, source: Source, secret: ReadSecret, folder: Path, public_url: str
) -> tuple[ProviderSettings, ...]:
    providers: list[ProviderSettings] = []
    for name, written in model.identity.items():
        profile = _profile(name, written, source)
        if profile is None:
            continue
        reader = _Reader(name, profile, written, source, secret)
        found = reader.settings(folder, public_url)
        if any((found.issuer, found.client_id) == (other.issuer, other.client_id) for other in providers):
            source.say(("identity", name), "the same client of the same issuer is written twice", "keep one")
        providers.append(found)
    return tuple(providers)


def _profile(name: str, written: ProviderModel, source: Source) -> str | None:
    place: Path_ = ("identity", name)
    if name in NAMED:
        return name
    if written.profile is None:
        near = suggestion(name, NAMED) if written.environment in {"sandbox", "production"} else ""
        hint = near or "write `profile: keycloak` or `profile: generic`; " + ", ".join(NAMED) + " imply theirs"
        source.say(place, f"`{name}` needs a `profile`", hint)
    elif not _NAME.fullmatch(name) or name in _TAKEN:
        source.say(place, f"`{name}` is not a name for a provider", "small letters, digits and _: agents_ville")
    return written.profile


class _Reader:
    """One entry of `identity:`."""

    def __init__(self, name: str, profile: str, written: ProviderModel, source: Source, secret: ReadSecret) -> None:
        self._name = name
        self._profile = profile
        self._rules: Profile = PROFILES[profile]
        self._written = written
        self._source = source
        self._secret = secret
        self._place: Path_ = ("identity", name)

    def settings(self, folder: Path, public_url: str) -> ProviderSettings:
        written = self._written
        self._refuse_foreign_keys()
        issuer, endpoints = self._addresses()
        acr_map, absent = self._levels()
        return ProviderSettings(
            name=self._name,
            profile=self._profile,
            issuer=issuer,
            client_id=self._text("client_id"),
            signing_alg=written.signing_alg or self._rules.signing_alg,
            redirect_uri=f"{public_url}/_gateway/callback",
            post_logout_redirect_uri=f"{public_url}/_gateway/logged-out",
            ca_file=folder / written.ca_file if written.ca_file else None,
            encryption_key_pem=self._bytes("encryption_key"),
            userinfo=Userinfo(written.userinfo) if written.userinfo else None,
            bearer_in_body=written.bearer == "body",
            acr_map=acr_map,
            acr_absent=absent,
            scopes=tuple(written.scopes),
            claims={str(fact): claim for fact, claim in written.claims.items()},
            civil_status=written.civil_status == "verified",
            email_as_given=written.email == "as_given",
            iss_required=written.callback_iss == "required",
            recheck_s=written.recheck_s,
            label=written.label or "",
            about=written.about or "",
            **endpoints,
            **self._authentication(),
        )

    def _say(self, message: str, hint: str, *key: str) -> None:
        self._source.say((*self._place, *key), message, hint)

    def _refuse_foreign_keys(self) -> None:
        allowed = _COMMON | _OWN_KEYS[self._profile]
        for key in sorted(self._written.model_fields_set - allowed):
            hint = f"the profile `{self._profile}` fixes it; remove it"
            self._say(f"`{key}` is not a key of `{self._profile}`", hint, key)

    def _addresses(self) -> tuple[str, dict[str, Any]]:
        written, rules = self._written, self._rules
        endpoints = {key: getattr(written, key) for key in _ENDPOINTS}
        environment = written.environment or ("" if rules.issuers else "custom")
        issuer = written.issuer or ""
        if not environment:
            self._say("`environment` is missing", "write sandbox, production, or custom with an `issuer`")
        elif environment != "custom":
            return self._named(environment, endpoints)
        elif not issuer:
            self._say("`issuer` is missing", "`environment: custom` needs the provider's issuer")
        for key, url in {"issuer": issuer, **endpoints}.items():
            if url and not is_safe(url):
                self._say(f"`{key}` is plain http", "https, or a loopback address", key)
        # An issuer is compared letter by letter: only FranceConnect's is known to have no slash at its end.
        return (issuer.rstrip("/") if rules.issuers else issuer), endpoints

    def _named(self, environment: str, endpoints: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        issuers, paths = self._rules.issuers, self._rules.paths
        if issuers is None or paths is None:
            self._say(f"`{self._profile}` has no {environment} of its own", "write its `issuer`", "environment")
            return "", endpoints
        for key in ("issuer", *_ENDPOINTS):
            if getattr(self._written, key) is not None:
                hint = "remove it, or write `environment: custom`"
                self._say(f"`{key}` is fixed by `environment: {environment}`", hint, key)
        issuer = issuers[environment]
        return issuer, {key: issuer + path for key, path in paths.items()}

    def _authentication(self) -> dict[str, Any]:
        written = self._written
        auth = ClientAuth(written.client_auth) if written.client_auth else self._rules.client_auth
        if auth is ClientAuth.BASIC and self._rules.issuers:
            self._say(
                "`client_secret_basic` is not accepted there", "client_secret_post or private_key_jwt", "client_auth"
            )
        with_key = auth is ClientAuth.PRIVATE_KEY_JWT
        needed, other = ("client_key", "client_secret") if with_key else ("client_secret", "client_key")
        if getattr(written, needed) is None:
            self._say(f"`{needed}` is missing", f"`client_auth: {auth}` needs it")
        if getattr(written, other) is not None:
            self._say(f"`{other}` is not used with `client_auth: {auth}`", "remove it", other)
        key = self._bytes("client_key") if with_key else None
        if key:
            self._check_key(key)
        return {
            "client_auth": auth,
            "client_key_pem": key,
            "client_secret": "" if with_key else self._text("client_secret"),
        }

    def _check_key(self, pem: bytes) -> None:
        if pem == b"not-read":
            return
        try:
            client_key(pem)
        except ValueError as error:
            hint = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
            self._say(f"`client_key` is {error}", hint, "client_key")

    def _levels(self) -> tuple[dict[str, Acr], Acr | None]:
        written = self._written.acr_map
        if written is None:
            if not self._rules.acr:
                hint = 'say what its acr are worth: acr_map: {"1": eidas1}, or {absent: eidas1} when it sends none'
                self._say("`acr_map` is missing", hint)
            return {}, None
        levels = {name: Acr[level.upper()] for name, level in written.items()}
        return {name: level for name, level in levels.items() if name != ABSENT}, levels.get(ABSENT)

    def _text(self, key: str) -> str:
        return (self._bytes(key) or b"").decode("utf-8", "replace")

    def _bytes(self, key: str) -> bytes | None:
        named = getattr(self._written, key)
        return self._secret(named, (*self._place, key)) if named is not None else None
