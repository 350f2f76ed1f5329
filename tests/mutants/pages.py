"""One check of the pages' words, pictures and languages removed at a time."""

from tests.mutants import Mutant

_PICTURES = "gateway/config/authority.py"
_TEXTS = "gateway/config/texts.py"
_PAGES = "gateway/web/pages.py"
_REFUSED = "tests/contract/test_pictures.py::test_a_picture_that_could_do_more_is_refused"
_HERE = "tests/integration/test_languages_and_legal_pages.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant("a logo may hold a script", _PICTURES, "    if name in _RUNS:", "    if False:", _REFUSED),
    Mutant("a logo may hold an event", _PICTURES, '        if local.startswith("on"):', "        if False:", _REFUSED),
    Mutant(
        "a logo may refer to elsewhere",
        _PICTURES,
        "        if local in _LINKS and not",
        "        if False and not",
        _REFUSED,
    ),
    Mutant("a logo may declare entities", _PICTURES, "    parser.EntityDeclHandler = declared\n", "", _REFUSED),
    Mutant(
        "a picture is not put into a sandbox",
        _PAGES,
        '        if media_type.startswith("image/"):',
        "        if False:",
        _HERE + "test_the_logo_is_served_from_here_in_a_sandbox",
    ),
    Mutant(
        "data that leave the Union are said to stay",
        "gateway/web/legal.py",
        "    return not any(each.outside",
        "    return True or any(each.outside",
        _HERE + "test_the_personal_data_page_says_who_else_has_access",
    ),
    Mutant(
        "a session that is over leads nowhere in particular",
        "gateway/web/failures.py",
        'return snapshot.query.get("return_to", "")',
        'return ""',
        "tests/integration/test_refused_requests.py::test_a_page_of_a_session_that_is_over_leads_back_to_what_was_asked",
    ),
    Mutant(
        "a page leads to a first page that is not there",
        "gateway/web/failures.py",
        "    except RequestRejected:\n        return False",
        "    except RequestRejected:\n        return True",
        "tests/integration/test_refused_requests.py::test_without_a_first_page_no_link_leads_there",
    ),
    Mutant(
        "an agent who chose nothing is sent away",
        "gateway/web/agents.py",
        "    if not chosen:\n        return None\n",
        "",
        "tests/integration/test_agents.py::test_an_answer_without_a_choice_is_the_form_again_and_changes_nothing",
    ),
    Mutant(
        "an authority's words are HTML",
        "gateway/web/speech.py",
        "        text = self._spaced(self._found(sentence) or sentence)",
        "        text = Markup(self._spaced(self._found(sentence) or sentence))",
        _HERE + "test_the_authoritys_words_replace_ours_and_are_text_never_html",
    ),
    Mutant(
        "a sentence that no page says is taken",
        _TEXTS,
        "    if msgid not in shipped:",
        "    if False:",
        _HERE + "test_a_wrong_catalogue_is_refused_with_its_line",
    ),
    Mutant(
        "a value that is not filled in is taken",
        _TEXTS,
        "    if unknown := sorted(used - offered):",
        "    if unknown := sorted(used - used):",
        _HERE + "test_a_wrong_catalogue_is_refused_with_its_line",
    ),
    Mutant(
        "an application's own `lang` chooses our language",
        "gateway/web/pages.py",
        "        if here.startswith(_OWN) and language.chosen",
        "        if language.chosen",
        _HERE + "test_an_applications_own_lang_is_not_ours",
    ),
    Mutant(
        "the address of a callback is written on its page",
        "gateway/web/snapshot.py",
        " or self.target.path in _ONCE:",
        ":",
        _HERE + "test_the_address_of_a_callback_is_on_no_page",
    ),
    Mutant(
        "the language cookie reaches applications",
        "gateway/web/cookies.py",
        ", language.COOKIE))",
        "))",
        "tests/attack/test_cookies.py::test_both_spellings_of_our_names_are_kept_from_the_application",
    ),
    Mutant(
        "a colour too light is taken",
        _PICTURES,
        "    if ratio >= TEXT_CONTRAST:",
        "    if True:",
        "tests/integration/test_check_command.py::test_a_mistake_in_the_gateway_file_is_explained",
    ),
)
