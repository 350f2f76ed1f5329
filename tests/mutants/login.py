"""One check of the login flows removed at a time."""

from tests.mutants import Mutant

_CALLBACK = "gateway/web/callback.py"
_LOGIN = "gateway/web/login.py"
_FAMILY = "gateway/web/cookie_family.py"
_HTTP = "gateway/web/snapshot.py"
_KEPT = "gateway/web/kept_forms.py"
_RESUME = "gateway/web/resume.py"
_LOOPS = "gateway/web/loops.py"
_CLAIMS = "gateway/core/claims.py"
_COOKIES = "tests/attack/test_login_cookies.py::"
_FORMS = "tests/attack/test_kept_forms.py::"
_JOURNEY = "tests/integration/test_kept_forms.py::"
_STEP = "tests/integration/test_step_up.py::"
_LOOP = "tests/integration/test_login_loops.py::"
_HANDOFF = "tests/attack/test_handoff.py::"
_REDIRECT = "tests/attack/test_open_redirects.py::"
_NAVIGATION = "tests/unit/test_navigation.py::test_a_person_gets_a_page_and_a_program_a_problem"


def _navigation(name: str) -> str:
    return f"{_NAVIGATION}[{name}]"


MUTANTS: tuple[Mutant, ...] = (
    Mutant("any browser ends a login", _CALLBACK, "    return held is not None and held == digest_of(state)\n", "    return True\n", _COOKIES + "test_a_callback_without_any_cookie_says_what_is_missing"),
    Mutant("a login's cookie fits every login", _FAMILY, "found = [held for held in self._held(headers, now) if held.name == name]", "found = list(self._held(headers, now))[:1]", _COOKIES + "test_a_login_s_cookie_that_is_not_ours_counts_as_none"),
    Mutant("the cookie's value is not compared", _CALLBACK, "held is not None and held == digest_of(state)", "held is not None", _COOKIES + "test_the_cookie_of_another_login_is_no_key_to_this_one"),
    Mutant("a login's cookie stays", _CALLBACK, "    return with_cookies(response, services.cookies.logins.end(returned.state))\n", "    return response\n", _COOKIES + "test_two_tabs_on_two_services_each_end_their_own_login"),
    Mutant("logins without number", _FAMILY, "max(0, len(others) - len(leaving) - self._at_most + 1)", "0", _COOKIES + "test_the_oldest_login_leaves_first"),
    Mutant("the newest login leaves", _FAMILY, "key=lambda held: (bool(held.value), held.since)", "key=lambda held: (bool(held.value), -held.since)", _COOKIES + "test_the_oldest_login_leaves_first"),
    Mutant("a login's cookie of any age", _FAMILY, "if found is None or not 0 <= now - int(found[2]) < self._ttl_s:", "if found is None:", _COOKIES + "test_a_login_s_cookie_that_is_not_ours_counts_as_none"),
    Mutant("a repeated cookie is taken", _FAMILY, "return found[0].value or None if len(found) == 1 else None", "return found[0].value or None if found else None", _COOKIES + "test_a_login_s_cookie_that_is_not_ours_counts_as_none"),
    Mutant("a browser without cookies leaves", _LOGIN, "    if exchange.browser is None:\n", "    if False:\n", _COOKIES + "test_a_browser_that_refuses_cookies_is_told_before_it_leaves"),
    Mutant("the application sees our cookies", "gateway/core/headers.py", "return name in own_cookies or name.startswith(OWN_COOKIE_FAMILIES)", "return name in own_cookies", "tests/unit/test_headers.py::test_each_cookie_of_our_families_is_ours_in_both_directions"),
    Mutant("a prefetch begins a login", _HTTP, " or self.is_ahead_of_time:", ":", _navigation("a prefetch")),
    Mutant("a frame is a page", _HTTP, "self.value(b\"sec-fetch-dest\") in {b\"\", b\"document\"}", "True", _navigation("a frame")),
    Mutant("a preflight is a page", _HTTP, " or self.method not in {\"GET\", \"HEAD\", \"POST\"}", "", _navigation("OPTIONS that claims to navigate")),
    Mutant("an old browser's image is a page", _HTTP, "accept in {b\"\", b\"*/*\"}", "b\"*/*\" in accept", _navigation("an old browser's image")),
    Mutant("an old browser's CORS request is a page", _HTTP, "        if self.values(b\"origin\") or self.values(b\"service-worker\"):\n            return False\n", "", _navigation("an old browser's CORS request")),
    Mutant("a form from before TLS is kept", _KEPT, "ours = {f\"{each}://\".encode(\"ascii\") + host for each in (scheme, \"https\")}", "ours = {each + host for each in (b\"http://\", b\"https://\")}", _FORMS + "test_a_page_that_came_without_tls_prepares_no_form"),
    Mutant("a form's page speaks of another host", "gateway/web/resume.py", "    if place.host != exchange.snapshot.host:\n        return None\n", "", _FORMS + "test_no_link_makes_the_page_name_another_service_than_the_form_goes_to"),
    Mutant("a form's page speaks of what showed it", "gateway/web/resume.py", "    policy = route.policy\n", "    policy = place.route.policy\n", _FORMS + "test_the_page_names_the_service_that_takes_the_form_and_not_the_one_that_showed_it"),
    Mutant("agents depart without a limit", "gateway/web/agent_login.py", "    if not await may_depart(services, exchange):\n", "    if False:\n", "tests/attack/test_disputes.py::test_the_agents_door_is_no_way_round_the_limit_of_logins"),
    Mutant("each address of a subscriber has its own tries", "gateway/web/exchange.py", "    return one_subscriber(client)\n", "    return client\n", "tests/attack/test_number_mode.py::test_the_addresses_of_one_ipv6_subscriber_are_one"),
    Mutant("a form of another site is kept", _KEPT, "    if not is_of_this_site(snapshot, services.settings.scheme):\n", "    if False:\n", _FORMS + "test_no_other_site_can_prepare_a_form"),
    Mutant("an origin that disagrees is believed", _KEPT, "return site == b\"same-origin\" and (own or origins == (b\"null\",))", "return site == b\"same-origin\"", _FORMS + "test_no_other_site_can_prepare_a_form"),
    Mutant("any type is kept", _KEPT, "not in _TYPES or len(kind) > _TYPE_BYTES", "in ()", _FORMS + "test_what_no_form_sends_is_not_kept"),
    Mutant("a form of any size", _KEPT, "        if len(pieces) > at_most:\n            return None\n", "", _JOURNEY + "test_a_form_too_large_is_not_kept_and_its_sender_is_told_how_to_find_it"),
    Mutant("a large form is not heard out", _KEPT, "    await _hear(chunks)\n", "", _JOURNEY + "test_a_megabyte_that_is_not_kept_is_heard_out_so_that_the_page_arrives"),
    Mutant("an older form stays in the store", _KEPT, "    if older is not None:\n        await services.forms.drop(older)\n", "", _JOURNEY + "test_an_older_form_for_the_same_address_is_gone_from_the_store"),
    Mutant("any word sends the form", _RESUME, "        or not services.cookies.check_form_token(said, _bond(exchange, ticket))\n", "", _FORMS + "test_only_our_button_sends_it"),
    Mutant("another site presses our button", _RESUME, "        or snapshot.value(b\"sec-fetch-site\") not in {b\"\", b\"same-origin\"}\n", "", _FORMS + "test_another_site_cannot_press_our_button"),
    Mutant("the word is anybody's", _RESUME, "return f\"{person_of(exchange.session)}{ticket}\"", "return ticket", _FORMS + "test_the_word_of_one_person_sends_nothing_for_the_next_at_the_same_computer"),
    Mutant("a form is sent again and again", "gateway/adapters/sessions/forms.py", "self._records.take(seal.name, now) if once else self._records.load(seal.name, now)", "self._records.load(seal.name, now)", _JOURNEY + "test_it_is_sent_once_however_often_the_button_is_pressed"),
    Mutant("a form is sent for somebody else", _RESUME, "    return form.about.person not in {\"\", person_of(exchange.session)}\n", "    return False\n", _FORMS + "test_a_form_typed_while_signed_in_is_never_sent_for_somebody_else"),
    Mutant("forms without number from one address", "gateway/adapters/sessions/forms.py", "not await self._by_address.allowed(f\"form:{address}\") or ", "", _FORMS + "test_a_crowd_of_forms_cannot_fill_the_store"),
    Mutant("forms without number in all", "gateway/adapters/sessions/forms.py", " or not await in_all.allowed(key)", "", _FORMS + "test_everybody_together_is_bounded_too"),
    Mutant("a form is lost when nobody answers", "gateway/web/gate.py", "            back = await waited.put_back(tried=isinstance(error, DependencyFailed))\n", "            back = \"/\"\n", _JOURNEY + "test_an_application_that_does_not_answer_leaves_the_form_waiting"),
    Mutant("a form is lost when its person is refused", "gateway/web/gate.py", "            await waited.put_back(tried=False)\n", "            pass\n", _JOURNEY + "test_a_form_whose_person_is_refused_still_waits"),
    Mutant("a form outlives its person's logout", "gateway/web/logout.py", ", *await forget_forms(services, exchange)]", "]", _JOURNEY + "test_who_logs_out_leaves_no_form_for_the_next_at_the_same_computer"),
    Mutant("the quick lane forwards our button", "gateway/web/quick_lane.py", "        if head.method == \"POST\" and services.cookies.forms.any(head.cookies):\n", "        if False:\n", _JOURNEY + "test_the_button_is_ours_also_where_the_service_was_used_meanwhile"),
    Mutant("a login in vain is let through", _LOOPS, "    if isinstance(decision, Authenticate):\n", "    if False:\n", _LOOP + "test_a_login_that_does_not_satisfy_the_page_is_said_at_once"),
    Mutant("logins without end", _LOOPS, "    if not await services.loops.allowed(f\"logins:{transaction.browser}:{place.route.name}\"):\n", "    if False:\n", _LOOP + "test_a_session_cookie_that_is_never_kept_ends_the_loop_on_a_page"),
    Mutant("a step-up forgets", _CLAIMS, "for name, scope in _SCOPE_OF.items() if scope not in have}", "for name, scope in ()}", _STEP + "test_what_one_service_asked_for_is_still_known_after_the_next_one_s_login"),
    Mutant("a step-up weakens", _CLAIMS, "    if before.acr > identity.acr:\n", "    if False:\n", _STEP + "test_asking_for_one_more_scope_makes_nobody_less_identified"),
    Mutant("the reason is not said", "gateway/web/step_up.py", "    if not isinstance(decision, Authenticate) or decision.reason not in login_texts.WHY:\n", "    if True:\n", _STEP + "test_the_next_service_says_what_it_needs_beyond_and_asks_only_for_that"),
    Mutant("a ticket for every host", _CALLBACK, "(handoff.host, handoff.browser) != (exchange.snapshot.host, browser)", "handoff.browser != browser", _HANDOFF + "test_a_ticket_for_one_host_opens_nothing_on_a_third"),
    Mutant("a ticket for every browser", _CALLBACK, "(handoff.host, handoff.browser) != (exchange.snapshot.host, browser)", "handoff.host != exchange.snapshot.host", _HANDOFF + "test_a_stolen_ticket_opens_nothing_in_another_browser"),
    Mutant("a ticket for ever", "gateway/adapters/sessions/handoffs.py", "int(self._clock()) + TTL_S", "int(self._clock()) + 10**6", _HANDOFF + "test_a_ticket_is_good_for_seconds"),
    Mutant("a ticket is good twice", "gateway/adapters/sessions/handoffs.py", "await self._records.take(seal.name", "await self._records.load(seal.name", _HANDOFF + "test_a_ticket_is_good_once"),
    Mutant("a planted session lives on", _CALLBACK, "        await services.sessions.drop(exchange.session.id)\n    place = destination(services, handoff.return_to)", "        pass\n    place = destination(services, handoff.return_to)", _HANDOFF + "test_a_session_planted_on_the_other_host_ends_with_the_login"),
    Mutant("back to any port", "gateway/web/exchange.py", " or not settings.accepts_port(port):", ":", _REDIRECT + "test_a_foreign_address_counts_as_none_on_the_login_page"),
    Mutant("back to any scheme", "gateway/web/exchange.py", "        if parts.scheme not in {scheme, \"https\"}:\n            return None\n", "", _REDIRECT + "test_a_foreign_address_counts_as_none_on_the_login_page"),
    Mutant("back to our own pages", "gateway/web/exchange.py", "    if target.is_own:\n        return None\n", "", _REDIRECT + "test_a_foreign_address_counts_as_none_on_the_login_page"),
)  # fmt: skip
