"""How somebody signs in: by pressing their own name, as at the sandbox."""

from idpyoidc.server.user_authn.user import UserAuthnMethod, create_signed_jwt

PAGE = (
    '<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Choisir une identité</title></head><body>'
    '<h1>Choisir une identité d’essai</h1><form method="post" action="{action}">'
    '<input type="hidden" name="token" value="{token}">{buttons}</form></body></html>'
)


class Chosen(UserAuthnMethod):
    def __init__(self, people, action, upstream_get=None, **kwargs):
        super().__init__(upstream_get=upstream_get)
        self.people, self.action = people, action

    def __call__(self, **asked):
        context, keyjar = self.upstream_get("context"), self.upstream_get("attribute", "keyjar")
        token = create_signed_jwt(context.issuer, keyjar, **asked)
        buttons = "".join(
            f'<button type="submit" name="login" value="{login}">{login}</button>' for login in self.people
        )
        return PAGE.format(action=self.action, token=token, buttons=buttons)

    def verify(self, login):
        return login if login in self.people else None
