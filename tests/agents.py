"""A gateway whose disputes are kept and answered by agents, with ProConnect simulated beside it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.chance import new_token
from gateway.sandbox.franceconnect import SandboxClient
from gateway.sandbox.identities import MATCHING
from gateway.sandbox.proconnect import AGENTS, SandboxProConnect
from tests.browser import Page, Person
from tests.world import FC_SECRET, World, bound_sockets, running, served

PROVIDER = "proconnect"
"""The name under which the agents' provider is configured."""

AGENT, STRANGER = AGENTS
"""`uid` of the agent on the list, and of one who is not."""

MY_DATA = "/_gateway/mes-donnees"

FORWARDING = """purpose: Dossier {name}
legal_basis: mission d'intérêt public
retention: session
login: {{acr: eidas1, providers: [franceconnect]}}
household: {{review: false, when_missing: forward}}
alternative: {{url: /, text: {{fr: Au guichet}}}}
inject:
  X-Statut: household.status
  X-Valeur: {fact}
"""

ROUTES = """
  - {path: /quotient/, upstream: "UPSTREAM", policy: quotient}
  - {path: /adresse/, upstream: "UPSTREAM", policy: adresse}
"""

POLICIES = {
    "quotient": FORWARDING.format(name="quotient", fact="household.family_quotient"),
    "adresse": FORWARDING.format(name="adresse", fact="household.address.city"),
}


@dataclass
class Office:
    """The world, and the agents' way in."""

    world: World
    proconnect: SandboxProConnect

    def parent(self) -> Person:
        """Somebody signed in whose two services have their values."""
        parent = self.world.person()
        self.world.sign_in(parent, "/quotient/", MATCHING)
        parent.press(parent.press(parent.visit("/adresse/"), "S’identifier avec"), "Continuer")
        return parent

    def agent(self, uid: str = AGENT) -> Person:
        """A browser in which this agent has signed in, or was refused."""
        browser = self.world.person()
        self.sign_in(browser, uid)
        return browser

    def sign_in(self, browser: Person, uid: str = AGENT) -> Page:
        page = browser.press(browser.visit("/_gateway/agents"), "S’identifier avec")
        name = AGENTS[uid]["usual_name"]
        return browser.press(page, name)

    def settle(self, agent: Person, reference: str, outcome: str) -> Page:
        page = agent.visit(f"/_gateway/agents/dispute?reference={reference}")
        return agent.press(page, "Enregistrer ma réponse", outcome=outcome)

    def acts(self) -> list[dict[str, str]]:
        lines = [json.loads(line) for line in self.world.audit.getvalue().splitlines()]
        return [line for line in lines if "action" in line]


def contest(person: Person, datum: str = "Quotient familial", **typed: str) -> str:
    """The reference of a new contest."""
    form = person.press(person.visit(MY_DATA), f"contester cette donnée ({datum})")
    return person.press(form, "Contester cette donnée", **typed).path.rpartition("=")[2]


def received(person: Person, path: str) -> dict[str, str]:
    """What the application behind that path was told."""
    answer = person.client.get(path, headers={"accept": "application/json", "sec-fetch-mode": "cors"})
    assert answer.status_code == 200, answer.text
    headers: dict[str, str] = answer.json()["headers"]
    return {name: value for name, value in headers.items() if name in {"x-statut", "x-valeur"}}


def subject(issuer: str, uid: str = AGENT) -> str:
    """The `sub` of an agent, as the configuration lists it."""
    return SandboxProConnect(issuer, SandboxClient("", "", (), ()), lambda: 0.0, new_token).sub(uid)


def agents_at(issuer: str, notify: str = "", limits: str = "") -> dict[str, str]:
    """The shipped configuration with disputes kept, and the agents of that provider. `notify` and `limits` are YAML."""
    return {
        "trusted_proxies: []": "trusted_proxies: [127.0.0.1/32]",
        "household:\n  api": (
            f"  {PROVIDER}:\n    environment: custom\n    issuer: {issuer}\n"
            "    client_id: {env: AGENTS_CLIENT_ID}\n    client_secret: {env: FC_CLIENT_SECRET}\n\nhousehold:\n  api"
        ),
        "sessions:\n": (
            "disputes:\n  key: {env: DISPUTES_KEY}\n"
            f"  agents: {{provider: {PROVIDER}, allow: [{subject(issuer)}]}}\n"
            + (f"  notify: {notify}\n" if notify else "")
            + (f"\nlimits: {limits}\n" if limits else "")
            + "\nsessions:\n"
        ),
    }


def proconnect_of(world: World, issuer: str, published_at: str = "") -> SandboxProConnect:
    """ProConnect as it knows that gateway, its endpoints perhaps on another origin than its issuer."""
    url = world.settings.public_url
    client = SandboxClient("sandbox-agents", FC_SECRET, (f"{url}/_gateway/callback",), (f"{url}/_gateway/logged-out",))
    return SandboxProConnect(issuer, client, world.clock, new_token, published_at=published_at)


@contextmanager
def office(
    folder: Path, *, notify: str = "", limits: str = "", quick_lane: bool | None = None, endpoints_host: str = ""
) -> Iterator[Office]:
    """`notify` is the YAML of `disputes.notify`, `limits` that of `limits`; `endpoints_host`: see `proconnect_of`."""
    (own,) = bound_sockets(1)
    issuer = f"http://127.0.0.1:{own.getsockname()[1]}/api/v2"
    changes = agents_at(issuer, notify, limits)
    with running(folder, changes=changes, routes=ROUTES, policies=POLICIES, quick_lane=quick_lane) as world:
        elsewhere = issuer.replace("127.0.0.1", endpoints_host) if endpoints_host else ""
        proconnect = proconnect_of(world, issuer, elsewhere)
        with served([(proconnect.app, own)]):
            yield Office(world, proconnect)
