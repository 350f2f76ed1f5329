"""A login taken apart: what tests that stop in the middle of one need."""

import json

import httpx

from gateway.sandbox.identities import MATCHING
from tests.browser import Person
from tests.world import World

COMPTE = "/compte/"


def callback_url(world: World, person: Person, path: str = COMPTE, login: str = MATCHING) -> str:
    """Everything up to the redirect that FranceConnect answers, which is not followed."""
    page = person.press(person.visit(path), "S’identifier avec")
    already = any("Continuer" in button for button in page.buttons)
    consent = page if already else world.choose(person, page, login)
    form = next(form for form in consent.forms if any("Continuer" in label for label, _, _ in form.buttons))
    action = str(httpx.URL(consent.url).join(form.action or consent.url))
    fields = dict(form.fields)
    for label, name, value in form.buttons:
        if "Continuer" in label and name:
            fields[name] = value
    response = person.client.post(action, data=fields)
    while "/_gateway/callback" not in response.headers.get("location", ""):
        response = person.client.get(str(httpx.URL(str(response.url)).join(response.headers["location"])))
    return response.headers["location"]


def cookies_named(person: Person, part: str) -> list[str]:
    """Names in this browser's jar that hold `part`."""
    return [cookie.name for cookie in person.client.cookies.jar if part in cookie.name]


def codes(world: World, event: str) -> list[object]:
    """The codes of one event in the log, oldest first."""
    lines = map(json.loads, world.logs.getvalue().splitlines())
    return [line.get("code") for line in lines if line["event"] == event]
