"""Leaving: our request to the provider, and the provider's to us (RP-Initiated and Back-Channel Logout 1.0)."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from gateway.core.errors import LoginFailed
from gateway.jose import Keys, claimed, verified_payload
from gateway.relying_party.settings import Endpoints, ProviderSettings
from gateway.relying_party.tokens import LEEWAY_S, OLDEST_S, check_claims, check_types

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPES = frozenset({"JWT", "logout+jwt"})

REPLAY_S = OLDEST_S + 2 * LEEWAY_S
"""A token's `jti` is remembered for as long as the token itself could still be believed."""


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """Whose sessions end: those of a provider's session, of a person, or both."""

    jti: str
    sub: str = field(default="", repr=False)
    sid: str = field(default="", repr=False)


def end_session_url(settings: ProviderSettings, endpoints: Endpoints, id_token: str, state: str) -> str | None:
    """None: the provider has no such endpoint, and the logout is ours alone."""
    if endpoints.end_session is None:
        return None
    query = {
        "id_token_hint": id_token,
        "post_logout_redirect_uri": settings.post_logout_redirect_uri,
        "state": state,
    }
    if settings.rules.logout_client_id:
        query["client_id"] = settings.client_id
    joint = "&" if "?" in endpoints.end_session else "?"
    return f"{endpoints.end_session}{joint}{urlencode(query)}"


def addressed_to(token: str) -> tuple[str, frozenset[str]]:
    """Issuer and audience that an unverified token claims: which provider's keys to try, and nothing more."""
    claims = claimed(token)
    issuer, audience = claims.get("iss"), claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    return issuer if isinstance(issuer, str) else "", frozenset(each for each in several if isinstance(each, str))


def verify_logout_token(token: str, keys: Keys, settings: ProviderSettings, *, now: int) -> LogoutToken:
    """Back-Channel Logout 1.0 §2.6, each of its steps; `LoginFailed` says which one did not hold."""
    claims = verified_payload(token, keys, settings.pinned, types=TYPES)
    check_types(claims, required=("iss", "aud", "iat", "exp", "jti"))
    check_claims({"sub": "none", **claims}, settings, now, nonce=None)
    if now - claims["iat"] > OLDEST_S:
        raise LoginFailed("logout_token_iat")
    if "nonce" in claims:
        raise LoginFailed("logout_token_nonce")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise LoginFailed("logout_token_events")
    sub, sid = claims.get("sub", ""), claims.get("sid", "")
    if not sub and not sid:
        raise LoginFailed("logout_token_nobody")
    return LogoutToken(claims["jti"], sub, sid)
