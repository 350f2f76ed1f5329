"""One refusal of forward-auth removed at a time."""

from tests.mutants import Mutant

_FILE = "gateway/web/forward_auth.py"
_ATTACK = "tests/attack/test_forward_auth.py::"
_ANSWERS = "tests/integration/test_forward_auth.py::"
_TWICE = _ATTACK + "test_a_name_said_twice_is_refused_whatever_it_says"
_DISAGREE = _ATTACK + "test_families_that_disagree_are_refused_wherever_they_stand"
_TARGET = _ATTACK + "test_a_target_with_two_readings_is_refused"
_HANDSHAKE = _ATTACK + "test_a_handshake_from_a_foreign_page_is_refused"
_PEER = _ATTACK + "test_a_peer_that_is_not_listed_is_believed_nothing"
_FIELD = _ATTACK + "test_a_field_that_the_gate_refuses_is_refused_here"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "the answer says our cookies too",
        _FILE,
        "    return others_cookies(asking.cookies, services.cookies.names)\n",
        '    return b"; ".join(asking.cookies)\n',
        _ANSWERS + "test_the_cookies_that_are_not_ours_are_said_when_they_are_asked_for",
    ),
    Mutant(
        "the answer says cookies to who did not ask",
        _FILE,
        'if not asking.cookies or not _says(asking, b"cookie=1"):',
        "if not asking.cookies:",
        _ANSWERS + "test_the_cookies_that_are_not_ours_are_said_when_they_are_asked_for",
    ),
    Mutant("every peer is believed", _FILE, "    if not services.settings.trusts(peer):", "    if False:", _PEER),
    Mutant("the first saying counts", _FILE, "            if role in found:", "            if False:", _TWICE),
    Mutant("any spelling of a name counts", _FILE, "        if name.lower() != _NAMES[folded]:", "        if False:",
           _ATTACK + "test_a_name_under_another_spelling_is_not_the_proxys"),
    Mutant("half a family is enough", _FILE, "    if not method or not host or not uri:", "    if not host or not uri:",
           _ATTACK + "test_half_of_the_other_family_is_refused"),
    Mutant("the first family wins", _FILE, "value not in {None, agreed} for value", "False for value", _DISAGREE),
    Mutant("an address that is none is passed over", _FILE, '("xoriginalurl" in found and original[1] is None)', "False", _DISAGREE),
    Mutant("a target may be a whole address", _FILE, '    if not uri.startswith(b"/"):', "    if False:", _TARGET),
    Mutant("any spelling of a target is signed", _FILE, "    if target.wire != ", "    if None is ", _TARGET),
    Mutant("a target may be of any length", _FILE, "    if len(uri) > ", "    if 0 > ",
           _ATTACK + "test_a_target_over_the_limit_is_refused_as_at_the_gate"),
    Mutant("a client's fields are not looked at", _FILE, "    check_headers(kept)\n",
           "", _FIELD),
    Mutant("an underscore frames the hop", _FILE, "_OF_THE_HOP if name.lower() in _FRAMING else _PASSES", "_OF_THE_HOP", _FIELD),
    Mutant("a handshake is a request", _FILE, "    if original.upgrade:", "    if False:", _HANDSHAKE),
    Mutant("only Upgrade makes a handshake", _FILE, " or asking.names_websocket", "",
           _HANDSHAKE),
    Mutant("our own pages are for an upstream", _FILE, "    if original.target.is_own:", "    if False:",
           _ATTACK + "test_our_own_pages_are_never_for_an_upstream"),
    Mutant("the switch does nothing", _FILE, "    if not services.settings.forward_auth:\n", "    if False:\n",
           _ATTACK + "test_switched_off_it_is_not_there_whoever_asks"),
    Mutant("any host is known", _FILE, "    if original.host not in services.routes.hosts or not ", "    if False and not ",
           _ATTACK + "test_an_odd_or_unknown_host_is_refused"),
    Mutant("the question has many spellings", _FILE, '    return raw_target.partition(b"?")[0] == _AUTH', "    return True",
           _ATTACK + "test_the_question_has_one_spelling_that_a_proxy_can_close_to_the_outside"),
    Mutant("a 303 is passed on", _FILE, "        response.status_code = 302 if redirect else 401\n", "        pass\n",
           _ANSWERS + "test_a_person_without_a_session_is_told_where_to_sign_in"),
    Mutant("a public route needs the store", _FILE, " if route.policy.needs_session else None", "",
           _ANSWERS + "test_a_store_that_fails_opens_nothing_and_closes_no_public_page"),
)  # fmt: skip
