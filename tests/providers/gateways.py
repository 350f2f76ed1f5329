"""The real gateway with a provider of others in the place of ours."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.sandbox.franceconnect import SandboxClient, SandboxFranceConnect
from gateway.sandbox.franceconnect.rules import granted_claims
from gateway.sandbox.franceconnect.tokens import Introspection
from gateway.sandbox.identities import identities
from tests.browser import Page, Person
from tests.openid import CLIENT_ID, POLICY, ROUTE
from tests.providers.pages import sent_by_script
from tests.providers.processes import Provider, oidc_provider
from tests.providers.setups import AGENT, franceconnect_setup, plain_setup
from tests.world import ROOT, World, bound_sockets, running

Start = Callable[[Path, str, Mapping[str, Any]], AbstractContextManager[Provider]]


class Elsewhere(SandboxFranceConnect):
    """What the sandbox's API Particulier asks of a token, answered by the provider that issued it."""

    provider: Provider

    def introspect(self, token: str) -> Introspection | None:
        found = self.provider.introspected(token)
        if found is None:
            return None
        pivot = granted_claims(frozenset({"identite_pivot"}), identities()[found["login"]].claims)
        return Introspection(found["client_id"], frozenset(found["scope"].split()), pivot)


@dataclass
class Site:
    world: World
    provider: Provider

    def move_clocks(self, ahead_s: float) -> None:
        """Both sides at once: neither believes the other's tokens otherwise."""
        self.world.clock.ahead_s = ahead_s
        self.provider.move_clock(ahead_s)

    def move_our_clock(self, ahead_s: float) -> None:
        """Ours alone, for a provider whose clock cannot be moved: its tokens must outlast it."""
        self.world.clock.ahead_s = ahead_s

    def sign_in(self, person: Person, path: str = "/agents/", login: str = AGENT) -> Page:
        """From the protected page, over the provider's own pages, to wherever the callback leads."""
        page = person.press(person.visit(path), "S’identifier avec")
        if page.url.startswith(self.provider.origin) and "identifié" not in page.text:
            page = self.world.choose(person, page, login)
        return person.press(page, "Continuer") if page.url.startswith(self.provider.origin) else page

    def sign_out(self, person: Person) -> Page:
        page = person.press(person.visit("/_gateway/logout"), "Se déconnecter")
        return self.through(person, page)

    def through(self, person: Person, page: Page) -> Page:
        """Presses what the provider asks while leaving it."""
        for _ in range(4):
            if not page.url.startswith(self.provider.origin):
                return page
            form = sent_by_script(page)
            if form is None and "Oui, me déconnecter" not in page.buttons:
                return page
            page = person.send(page, form, {}) if form else person.press(page, "Oui, me déconnecter")
        raise AssertionError(f"still there: {page.text[:300]}")

    def is_signed_in(self, person: Person, path: str = "/agents/") -> bool:
        return person.client.get(path, headers={"accept": "application/json"}).status_code == 200


def _client(written: Mapping[str, Any], registered: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in {**written, **(registered or {})}.items() if value is not None}


@contextmanager
def with_franceconnect(
    folder: Path, changes: Mapping[str, str] | None = None, registered: Mapping[str, Any] | None = None
) -> Iterator[Site]:
    """`oidc-provider` configured like FranceConnect, with its tokens known to the sandbox's API Particulier.

    `changes` to the shipped configuration; `registered` is what the provider knows of the client besides; None takes a line away.
    """
    (own,) = bound_sockets(1)
    issuer = f"http://127.0.0.1:{own.getsockname()[1]}/api/v2"
    changes = {"issuer: http://127.0.0.1:": f"issuer: {issuer} # ", **(changes or {})}
    with own, running(folder, changes=changes) as world:
        settings = world.settings.providers[0]
        client = SandboxClient(
            settings.client_id,
            settings.client_secret,
            (settings.redirect_uri,),
            (settings.post_logout_redirect_uri,),
            signing_alg=settings.signing_alg,
        )
        setup = franceconnect_setup([client])
        setup["clients"] = [_client(setup["clients"][0], registered)]
        with oidc_provider(folder / "provider", issuer, setup) as provider:
            elsewhere = Elsewhere(issuer, [client], world.clock, lambda: "")
            elsewhere.provider = provider
            world.api._franceconnect = elsewhere
            yield Site(world, provider)


@contextmanager
def with_plain(
    folder: Path,
    start: Start,
    secret: str = "",
    keys: str = "",
    registered: Mapping[str, Any] | None = None,
    *,
    quick_lane: bool | None = None,
    frontchannel: bool = False,
) -> Iterator[Site]:
    """A provider for agents, under `identity.annuaire`; `keys` is more YAML for it, one line a key.

    `registered` is what the provider knows of the gateway besides or against the gateway's own settings.
    """
    (own,) = bound_sockets(1)
    issuer = f"http://127.0.0.1:{own.getsockname()[1]}/op"
    lines = [
        "profile: generic",
        f"issuer: {issuer}",
        "label: Annuaire",
        "client_id: {file: client-id}",
        *(secret or "client_secret: {env: FC_CLIENT_SECRET}").splitlines(),
        *keys.splitlines(),
    ]
    block = "  annuaire:\n" + "".join(f"    {line}\n" for line in lines)
    (folder / "client-id").write_text(CLIENT_ID + "\n", encoding="utf-8")
    policies = {"agents": POLICY}
    for path in (ROOT / "policies").glob("*.yaml"):
        policies[path.stem] = path.read_text(encoding="utf-8").replace(
            "login: {acr: eidas1}", "login: {acr: eidas1, providers: [franceconnect]}"
        )
    changes = {"\nhousehold:\n": f"{block}\nhousehold:\n"}
    started = running(
        folder, routes=ROUTE, policies=policies, changes=changes, quick_lane=quick_lane, sleep=asyncio.sleep
    )
    with own, started as world:
        settings = next(each for each in world.settings.providers if each.name == "annuaire")
        setup = plain_setup(settings, world.url)
        if frontchannel:
            registered = {**(registered or {}), "frontchannel_logout_uri": f"{world.url}/_gateway/frontchannel-logout"}
        setup["clients"] = [_client(setup["clients"][0], registered)]
        with start(folder / "provider", issuer, setup) as provider:
            yield Site(world, provider)
