"""Pages of providers, read by a person whose browser runs no script."""

from tests.browser import Form, Page


def sent_by_script(page: Page) -> Form | None:
    """The form that the page's own script would send at once; None when the page waits for the person."""
    if len(page.forms) != 1:
        return None
    at_once = not page.forms[0].buttons or "forms[0].submit()" in page.response.text
    return page.forms[0] if at_once else None
