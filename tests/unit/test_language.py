"""Which language a person is answered in."""

import pytest

from gateway.web.language import chosen, kept, preferred, set_cookie


@pytest.mark.parametrize(
    ("query", "language"),
    [
        (b"lang=en", "en"), (b"return_to=%2F&lang=fr", "fr"), (b"lang=en&x=1", "en"),
        (None, None), (b"", None), (b"lang=de", None), (b"lang=enx", None), (b"slang=en", None), (b"lang=EN", None),
        (b"return_to=lang=en", None), (b"lang=%65n", None),
    ],
)  # fmt: skip
def test_a_choice_is_one_of_two_words(query: bytes | None, language: str | None) -> None:
    assert chosen(query) == language


@pytest.mark.parametrize(
    ("cookies", "language"),
    [
        ([b"gateway-language=en"], "en"), ([b"a=1; __Host-gateway-language=en; b=2"], "en"), ([b"a=1", b"gateway-language=fr"], "fr"),
        ([], None), ([b"gateway-language=xx"], None), ([b"x-gateway-language=en"], None), ([b"gateway-language=english"], None),
    ],
)  # fmt: skip
def test_a_cookie_remembers_it(cookies: list[bytes], language: str | None) -> None:
    assert kept(cookies) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (b"", "fr"), (b"fr", "fr"), (b"en", "en"), (b"en-GB,en;q=0.9,fr;q=0.8", "en"), (b"fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        (b"de,en;q=0.5", "en"), (b"de", "fr"), (b"en;q=0", "fr"), (b"en;q=0.7, fr;q=0.7", "fr"), (b"*", "fr"),
        (b"en;q=nonsense", "fr"), (b"\xff\xfe", "fr"), (b"EN", "en"), (b"en-" + b"x" * 5000, "en"), (b"," * 5000, "fr"),
    ],
)  # fmt: skip
def test_a_browser_says_what_it_prefers_and_french_wins_a_draw(header: bytes, language: str) -> None:
    assert preferred(header) == language


def test_the_cookie_holds_a_word_and_nothing_else() -> None:
    assert set_cookie("en", secure=False) == "gateway-language=en; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
    assert set_cookie("fr", secure=True).startswith("__Host-gateway-language=fr; Path=/;")
    assert set_cookie("fr", secure=True).endswith("; Secure")
