"""How idpyoidc is configured: a plain provider, PKCE for everyone, three client authentications, both logouts."""

from urllib.parse import urlsplit

from idpyoidc.server.oauth2.add_on.pkce import CC_METHOD

KEYS = [{"type": "RSA", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}]
SECRETS = [{"type": "OCT", "use": ["enc"], "kid": "enc"}, {"type": "OCT", "use": ["sig"], "kid": "sig"}]
AUTHENTICATIONS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def configuration(setup):
    issuer = setup["issuer"]
    lives = {
        "authorization_code": {
            "supports_minting": ["access_token", "refresh_token", "id_token"],
            "max_usage": 1,
            "expires_in": 60,
        },
        "access_token": {"expires_in": 300},
        # Long enough for a gateway whose clock a test moves alone.
        "id_token": {"expires_in": 3_600},
        "refresh_token": {"supports_minting": ["access_token", "refresh_token", "id_token"], "expires_in": 86_400},
    }
    jwt_token = {"class": "idpyoidc.server.token.jwt_token.JWTToken", "kwargs": {"lifetime": 300}}
    return {
        "issuer": issuer,
        "key_conf": {"key_defs": KEYS, "uri_path": "jwks"},
        "httpc_params": {"timeout": 5},
        "preference": {"subject_types_supported": ["public"]},
        "scopes_to_claims": {
            "openid": ["sub"],
            "profile": ["family_name", "given_name", "birthdate", "gender", "preferred_username"],
            "email": ["email", "email_verified"],
            "offline_access": [],
        },
        "cookie_handler": {
            "class": "idpyoidc.server.cookie_handler.CookieHandler",
            "kwargs": {
                "keys": {"key_defs": SECRETS},
                "flags": {"samesite": "Lax", "httponly": True},
                "name": {"session": "idpy_op", "register": "idpy_rp", "session_management": "idpy_sman"},
            },
        },
        "authentication": {
            "chosen": {
                "acr": "1",
                "class": "chosen.Chosen",
                "kwargs": {"people": list(setup["people"]), "action": f"{urlsplit(issuer).path}/chosen"},
            }
        },
        "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db": setup["people"]}},
        "authz": {
            "class": "idpyoidc.server.authz.AuthzHandling",
            "kwargs": {"grant_config": {"usage_rules": lives, "expires_in": 86_400}},
        },
        "token_handler_args": {
            "key_conf": {"key_defs": SECRETS},
            "code": {"kwargs": {"lifetime": 60}},
            "token": jwt_token,
            "refresh": jwt_token,
            "id_token": {
                "class": "idpyoidc.server.token.id_token.IDToken",
                "kwargs": {"base_claims": {"acr": None, "auth_time": None}, "lifetime": 3_600},
            },
        },
        "endpoint": endpoints(issuer),
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": CC_METHOD["S256"]}},
            }
        },
    }


def endpoints(issuer):
    def one(path, name, **kwargs):
        return {"path": path, "class": f"idpyoidc.server.oidc.{name}", "kwargs": kwargs}

    return {
        "provider_info": one(
            ".well-known/openid-configuration", "provider_config.ProviderConfiguration", client_authn_method=None
        ),
        "authorization": one(
            "authorize",
            "authorization.Authorization",
            client_authn_method=None,
            response_types_supported=["code"],
            response_modes_supported=["query"],
        ),
        "token": one("token", "token.Token", client_authn_method=AUTHENTICATIONS),
        "userinfo": one("userinfo", "userinfo.UserInfo", client_authn_method=["bearer_header"]),
        "session": one(
            "session/end",
            "session.Session",
            logout_verify_url=f"{issuer}/verify-logout",
            post_logout_uri_path="logged-out",
            signing_alg="RS256",
            backchannel_logout_supported=True,
            backchannel_logout_session_required=True,
            frontchannel_logout_supported=True,
            frontchannel_logout_session_required=True,
        ),
    }
