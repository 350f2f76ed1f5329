"""Every page of ours, and how a browser gets there: one line a page.

A line added here is judged by axe-core and by an HTML validator, in light and dark, narrow and wide, and
photographed by `make screenshots`. Ways press by selector and not by what is written: pages exist in two languages.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, Request

from gateway.sandbox.identities import MATCHING, MISMATCHING, PARENT, UNKNOWN
from tests.agents import AGENT, MY_DATA, STRANGER, contest, office
from tests.world import World, running

Way = Callable[[World, Page], None]

ROUTES = """
  - {path: /numero/, upstream: "UPSTREAM", policy: numero}
  - {path: /age/, upstream: "UPSTREAM", policy: age}
  - {path: /arret/, upstream: "http://127.0.0.1:9", policy: public}
"""

POLICIES = {
    "numero": """
purpose: Tarif des activités du mercredi
retention: session
household: {mode: number, match: none, when_missing: alternative}
alternative: {url: /numero/justificatif, text: {fr: Déposer une attestation de la CAF, en: Send a certificate from CAF}}
inject: {X-Caf-Statut: household.status, X-Caf-Quotient: household.family_quotient}
""",
    "age": """
purpose: Carte des seniors
legal_basis: mission d'intérêt public
retention: session
login: {acr: eidas1}
alternative: {url: /accueil, text: {fr: Se présenter à l'accueil de la mairie}}
allow: {all: [{identity.age: {at_least: 130}}]}
refused: {text: {fr: Ce service est réservé aux personnes de 65 ans et plus.}, url: /contact}
inject: {X-Usager-Nom: identity.birth_name}
""",
}
"""Added to the shipped configuration, for pages that it does not lead to."""

CHANGES = {
    "sessions:\n": "disputes: {key: {env: DISPUTES_KEY}}\n\nsessions:\n",
    "    mode: franceconnect ": "    token: {env: API_PARTICULIER_TOKEN}\n    mode: franceconnect ",
}


HOUR_S = 3700.0

REVIEW = 'button[value="confirm"]'
CONTEST = 'a[href*="contester?datum="]'


@contextmanager
def site(folder: Path) -> Iterator[World]:
    """The running gateway that has all these pages."""
    with running(folder, routes=ROUTES, policies=POLICIES, changes=CHANGES, broker=True) as world:
        yield world


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def sites(folder: Path) -> Iterator[dict[bool, World]]:
    """That gateway, and under True the one whose disputes agents answer."""
    with site(_made(folder / "site")) as world, office(_made(folder / "office")) as other:
        yield {False: world, True: other.world}


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    """Of its picture."""
    way: Way
    answers: int = 200
    """The status of the last answer."""
    office: bool = False
    """A page for agents, of a gateway that has them."""

    def __str__(self) -> str:
        return self.name


def at(path: str) -> Way:
    def way(world: World, page: Page) -> None:
        page.goto(world.url + path)

    return way


def signed_in(path: str, login: str, then: str = "", press: str = "", last: tuple[str, ...] = ()) -> Way:
    """Log in on the way to `path`, then press a button, then open `then`, then press what is `last`."""

    def way(world: World, page: Page) -> None:
        page.goto(world.url + path)
        page.locator('form[action="/_gateway/login"] button').first.click()
        page.locator(f'button[value="{login}"]').click()
        page.get_by_role("button", name="Continuer").click()
        if press:
            page.locator(press).first.click()
        if then:
            page.goto(world.url + then)
        for each in last:
            page.locator(each).first.click()

    return way


def my_data(*last: str) -> Way:
    """«Mes données» of somebody whose service received everything, then what is pressed there."""
    return signed_in("/famille/", "sans_nom_dusage", press=REVIEW, then="/_gateway/mes-donnees", last=last)


def agent(uid: str, *last: str) -> Way:
    """An agent's pages, where a contest waits for an answer."""

    def way(world: World, page: Page) -> None:
        parent = world.person()
        world.sign_in(parent, "/quotient/", MATCHING)
        if "Retirer ma demande" not in parent.visit(MY_DATA).text:
            contest(parent)
        page.goto(world.url + "/_gateway/agents")
        if uid:
            page.locator('form[action="/_gateway/agents/login"] button').click()
            page.locator(f'button[value="{uid}"]').click()
        for each in last:
            page.locator(each).first.click()

    return way


def agent_without_choice(world: World, page: Page) -> None:
    """An old browser sends the form in spite of `required`; so does this one, told not to judge it."""
    agent(AGENT, 'a[href*="dispute?reference="]')(world, page)
    page.context.route("**/agents/settle", lambda route: route.continue_(post_data=without_outcome(route.request)))
    page.locator("input[name=outcome]").first.check()
    page.locator('form[action="/_gateway/agents/settle"] button').click()


def without_outcome(request: Request) -> str:
    return "&".join(pair for pair in (request.post_data or "").split("&") if not pair.startswith("outcome="))


def contested(world: World, page: Page) -> None:
    """A contest outlives the session and changes what the service gets: it is withdrawn behind the page."""
    my_data(CONTEST, 'form[action="/_gateway/mes-donnees/contester"] button')(world, page)
    parent = world.person()
    world.sign_in(parent, "/compte/", "sans_nom_dusage")
    parent.press(parent.visit(MY_DATA), "Retirer ma demande")


def typed_wrongly(world: World, page: Page) -> None:
    page.goto(world.url + "/numero/")
    page.locator("[name=number]").fill("ABC")
    page.locator("[name=postal_code]").fill("330")
    page.locator('form[action="/_gateway/allocataire"] button').click()


def typed_too_often(world: World, page: Page) -> None:
    for _ in range(6):
        page.goto(world.url + "/_gateway/allocataire?return_to=/numero/")
        page.locator("[name=number]").fill("9999999")
        page.locator("[name=postal_code]").fill("33000")
        page.locator('form[action="/_gateway/allocataire"] button').click()


def in_the_line(world: World, page: Page) -> None:
    """API Particulier has just told somebody to wait; an hour later it is forgotten."""
    _joins_the_line(world, page)
    world.clock.ahead_s += HOUR_S


def _joins_the_line(world: World, page: Page) -> None:
    world.api.faults.next_status = 429
    world.sign_in(world.person(), "/cantine/", MATCHING)
    page.goto(world.url + "/cantine/")
    page.locator('form[action="/_gateway/login"] button').first.click()


def in_the_line_by_hand(world: World, page: Page) -> None:
    """The page that does not renew itself."""
    _joins_the_line(world, page)
    page.locator('a[href*="waiting"]').last.click()
    world.clock.ahead_s += HOUR_S


def turn_is_over(world: World, page: Page) -> None:
    in_the_line(world, page)
    page.locator('a.button[href*="waiting"]').click()


def caf_down(world: World, page: Page) -> None:
    world.api.faults.next_status = 502
    world.api.faults.lasts = True
    signed_in("/cantine/", MATCHING)(world, page)
    world.api.faults.next_status, world.api.faults.lasts = None, False
    world.clock.ahead_s += HOUR_S


def provider_fails(world: World, page: Page) -> None:
    world.franceconnect.faults.token_status = 503
    signed_in("/cantine/", MATCHING)(world, page)
    world.franceconnect.faults.token_status = 200


def button_marked(world: World, page: Page) -> None:
    provider_fails(world, page)
    page.goto(world.url + "/_gateway/login?return_to=/cantine/")
    world.clock.ahead_s += HOUR_S


def turned_back(world: World, page: Page) -> None:
    page.goto(world.url + "/cantine/")
    page.locator('form[action="/_gateway/login"] button').first.click()
    page.get_by_role("link", name="Revenir à").click()


def form_of(size_bytes: int) -> Way:
    """A form with a file of that size, sent when the session was over."""

    def way(world: World, page: Page) -> None:
        signed_in("/compte/justificatif", MATCHING)(world, page)
        file = {"name": "attestation.pdf", "mimeType": "application/pdf", "buffer": bytes(size_bytes)}
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        page.context.clear_cookies(name="gateway-session")
        page.locator("form button").click()

    return way


def form_kept(world: World, page: Page) -> None:
    form_of(1000)(world, page)
    page.locator('form[action="/_gateway/login"] button').first.click()
    page.get_by_role("button", name="Continuer").click()


def form_expired(world: World, page: Page) -> None:
    """A form of a session that is over."""
    signed_in("/famille/", "sans_nom_dusage")(world, page)
    page.context.clear_cookies(name="gateway-session")
    page.locator(REVIEW).click()


def logged_out(world: World, page: Page) -> None:
    signed_in("/compte/", MATCHING, then="/_gateway/logout")(world, page)
    page.locator('form[action="/_gateway/logout"] button').click()
    page.wait_for_url("**/_gateway/logged-out**")


PAGES = (
    Place("login-identity", at("/_gateway/login?return_to=/compte/")),
    Place("login-caf", at("/_gateway/login?return_to=/cantine/")),
    Place("login-caf-much", at("/_gateway/login?return_to=/famille/")),
    Place("login-easy", at("/_gateway/login?return_to=/cantine/&facile=1")),
    Place("login-alone", at("/_gateway/login")),
    Place("review", signed_in("/famille/", "sans_nom_dusage")),
    Place("review-nursery", signed_in("/creche/", PARENT)),
    Place("number", at("/numero/")),
    Place("number-error", typed_wrongly, 422),
    Place("number-too-many", typed_too_often, 429),
    Place("my-data-full", my_data()),
    Place("my-copy", signed_in("/famille/", "sans_nom_dusage", press=REVIEW, then="/_gateway/mes-donnees/imprimer")),
    Place("contest", my_data(CONTEST)),
    Place("contest-receipt", contested),
    Place("objection", my_data('a[href*="objection?policy="]')),
    Place("notice-bracket", at("/_gateway/calcul/cantine")),
    Place("notice-nursery", at("/_gateway/calcul/creche")),
    Place("agent-login", agent(""), office=True),
    Place("agent-list", agent(AGENT), office=True),
    Place("agent-dispute", agent(AGENT, 'a[href*="dispute?reference="]'), office=True),
    Place("agent-no-choice", agent_without_choice, 422, office=True),
    Place("agent-unknown", agent(STRANGER), 403, office=True),
    Place("my-data-empty", signed_in("/compte/", MATCHING, then="/_gateway/mes-donnees")),
    Place("alternative-not-found", signed_in("/cantine/", UNKNOWN), 403),
    Place("alternative-mismatch", signed_in("/cantine/", MISMATCHING), 403),
    Place("alternative-nursery", signed_in("/creche/", MATCHING), 403),
    Place("waiting", in_the_line),
    Place("waiting-by-hand", in_the_line_by_hand),
    Place("waiting-over", turn_is_over),
    Place("alternative-unavailable", caf_down, 403),
    Place("provider-down", provider_fails, 503),
    Place("login-provider-down", button_marked),
    Place("login-not-completed", turned_back, 403),
    Place("form-kept", form_kept),
    Place("form-not-kept", form_of(2_000_000), 401),
    Place("refused", signed_in("/age/", MATCHING), 403),
    Place("callback-failed", at("/_gateway/callback?state=unknown&code=none"), 400),
    Place("upstream-down", at("/arret/"), 502),
    Place("session-over", at("/_gateway/review?return_to=/cantine/"), 403),
    Place("form-expired", form_expired, 403),
    Place("address-too-long", signed_in("/compte/", MATCHING, then="/compte/?" + "a" * 8000), 414),
    Place("not-found", at("/_gateway/nothing-here"), 404),
    Place("logout", signed_in("/compte/", MATCHING, then="/_gateway/logout")),
    Place("logged-out", logged_out),
    Place("personal-data", at("/_gateway/donnees-personnelles")),
    Place("accessibility", at("/_gateway/accessibilite")),
    Place("cookies", at("/_gateway/cookies")),
)
