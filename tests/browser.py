"""A person without JavaScript: follows redirects, keeps cookies, presses what is written on a button."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

_VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """(what is written, name, value)."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._form: Form | None = None
        self._pressable: tuple[str, dict[str, str]] | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(values.get("action", ""), values.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "input" and self._form is not None and values.get("name"):
            if values.get("type") == "submit":
                self._form.buttons.append((values.get("value", ""), values["name"], values.get("value", "")))
            else:
                self._form.fields[values["name"]] = values.get("value", "")
        elif tag == "img" and self._pressable is not None:
            self._words.append(values.get("alt", ""))
        elif tag in {"a", "button"}:
            self._pressable, self._words = (tag, values), []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif self._pressable is not None and tag == self._pressable[0]:
            label = " ".join(" ".join(self._words).split())
            values = self._pressable[1]
            if tag == "a":
                self.links.append((label, values.get("href", "")))
            elif self._form is not None:
                self._form.buttons.append((label, values.get("name", ""), values.get("value", "")))
            self._pressable = None

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._pressable is not None:
            self._words.append(data)


@dataclass(frozen=True)
class Page:
    """Where a person has arrived, and what can be read and pressed there."""

    response: httpx.Response
    forms: list[Form]
    links: list[tuple[str, str]]
    text: str

    @property
    def url(self) -> str:
        return str(self.response.url)

    @property
    def path(self) -> str:
        return self.response.url.raw_path.decode()

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def buttons(self) -> list[str]:
        return [label for form in self.forms for label, _, _ in form.buttons]


def read(response: httpx.Response) -> Page:
    reader = _Reader()
    reader.feed(response.text)
    # A space within a number would hide the number from whoever looks for it.
    text = re.sub(r"(?<=[0-9])\u202f(?=[0-9])", "", " ".join(reader.text))
    return Page(response, reader.forms, reader.links, " ".join(text.split()))


class Person:
    """One browser. Every response it saw is kept, for scans. `transport`: for names that no DNS knows."""

    def __init__(self, base_url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.client = httpx.Client(
            base_url=base_url,
            transport=transport,
            trust_env=False,
            timeout=30,
            headers={"accept": "text/html,application/xhtml+xml", "sec-fetch-mode": "navigate"},
        )
        self.seen: list[httpx.Response] = []

    def visit(self, url: str, **request: object) -> Page:
        return self._follow(self.client.build_request("GET", url, **request))  # type: ignore[arg-type]

    def press(self, page: Page, label: str, **fields: str) -> Page:
        """Press the button or follow the link that says so."""
        for form in page.forms:
            for written, name, value in form.buttons:
                if label.lower() in written.lower():
                    return self.send(page, form, {**fields, **({name: value} if name else {})})
        for written, href in page.links:
            if label.lower() in written.lower():
                return self.visit(urljoin(page.url, href))
        raise AssertionError(
            f"nothing says «{label}» on {page.path}: {page.buttons} {[text for text, _ in page.links]}"
        )

    def send(self, page: Page, form: Form, fields: dict[str, str]) -> Page:
        url = urljoin(page.url, form.action or page.url)
        if form.method == "get":
            return self.visit(str(httpx.URL(url, params=form.fields | fields)))
        return self._follow(self.client.build_request("POST", url, data=form.fields | fields))

    def _follow(self, request: httpx.Request) -> Page:
        for _ in range(20):
            response = self.client.send(request)
            self.seen.append(response)
            if response.next_request is None:
                return read(response)
            request = response.next_request
        raise AssertionError("redirected twenty times")


def shows(text: str, value: str) -> bool:
    """Whether it stands there by itself: a few digits also stand inside a token or a time, by chance."""
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])", text) is not None
