"""One check of the decision, of what is kept, and of the callback removed at a time."""

from tests.mutants import Mutant

_POLICY = "gateway/core/policy.py"
_HOUSEHOLD = "gateway/core/household.py"
_CALLBACK = "gateway/web/callback.py"
_UNIT = "tests/unit/test_policy.py::"
_KEPT = "tests/unit/test_household.py::"
_APART = "tests/attack/test_kept_apart.py::"
_FLOW = "tests/attack/test_login_flow.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "an anonymous person is let in",
        _POLICY,
        "        return None if login.optional else _authenticate(policy, login, facts, Reason.ANONYMOUS)",
        "        return None",
        _UNIT + "test_the_anonymous_are_sent_to_log_in_for_what_the_policy_needs",
    ),
    Mutant(
        "an optional login is asked for again",
        _POLICY,
        "        return None if policy.login.optional else _authenticate(policy, policy.login, facts, Reason.SCOPES_MISSING)",
        "        return _authenticate(policy, policy.login, facts, Reason.SCOPES_MISSING)",
        _UNIT + "test_an_optional_login_serves_who_signed_in_for_another_service_and_tells_that_caf_was_not_asked",
    ),
    Mutant(
        "a provider that failed reads as nobody who tried",
        _POLICY,
        "HouseholdStatus.UNAVAILABLE if facts.login_down else HouseholdStatus.NOT_AUTHENTICATED",
        "HouseholdStatus.NOT_AUTHENTICATED",
        _UNIT + "test_who_could_not_log_in_because_the_provider_failed_is_told_apart_from_who_did_not_try",
    ),
    Mutant(
        "a special situation tells the application nothing",
        "gateway/config/alternatives.py",
        '            if each.fact.endswith(".status")',
        "            if False",
        "tests/integration/test_special_situations.py::"
        "test_each_status_header_says_that_nothing_was_asked_and_nobody_is_named",
    ),
    Mutant(
        "an answer to a browser with a mark may be shared",
        "gateway/web/forward.py",
        "    if session is None and allow.status is HouseholdStatus.UNAVAILABLE:",
        "    if False:",
        "tests/attack/test_outage_mark.py::test_the_answer_to_a_browser_with_a_mark_is_kept_by_no_shared_cache",
    ),
    Mutant(
        "what was not asked counts as an outage",
        _POLICY,
        "        return HouseholdStatus.NOT_ASKED if by_login else HouseholdStatus.UNAVAILABLE",
        "        return HouseholdStatus.UNAVAILABLE",
        _UNIT + "test_an_optional_login_serves_who_signed_in_for_another_service_and_tells_that_caf_was_not_asked",
    ),
    Mutant(
        "any provider is accepted",
        _POLICY,
        "    if login.providers and who.provider not in login.providers:",
        "    if False:",
        _UNIT + "test_a_provider_that_the_policy_does_not_accept_is_not_enough",
    ),
    Mutant(
        "the level is not looked at",
        _POLICY,
        "    if who.acr < login.acr:",
        "    if False:",
        _UNIT + "test_a_level_too_low_is_not_enough_and_the_level_itself_is",
    ),
    Mutant(
        "missing scopes are not asked for",
        _POLICY,
        "    if covers(facts.scopes, policy.needs.claims):",
        "    if False:",
        _UNIT + "test_a_missing_identity_scope_is_asked_for",
    ),
    Mutant(
        "a status without a value goes on",
        _POLICY,
        "    for each in seen:\n        if (way_out := _without_value(policy, facts, each)) is not None:\n"
        "            return way_out\n",
        "",
        _UNIT + "test_a_status_without_a_value_takes_the_way_that_the_policy_says",
    ),
    Mutant(
        "conditions are not evaluated",
        _POLICY,
        "(truth := conditions.evaluate(policy.allow, read)) is not True",
        "(truth := None) is not None",
        _UNIT + "test_a_false_condition_denies",
    ),
    Mutant(
        "unknown counts as true",
        _POLICY,
        "(truth := conditions.evaluate(policy.allow, read)) is not True",
        "(truth := conditions.evaluate(policy.allow, read)) is False",
        _UNIT + "test_an_unknown_condition_denies_where_there_is_no_household",
    ),
    Mutant(
        "nothing is reviewed",
        _POLICY,
        "    if _must_review(facts, seen):",
        "    if False:",
        _UNIT + "test_a_value_is_shown_for_review_before_it_leaves",
    ),
    Mutant(
        "a value leaves under any status",
        _POLICY,
        "        return _household_fact(policy, facts, found.view, fact) if found.status in CARRIES_A_VALUE else None",
        "        return _household_fact(policy, facts, found.view, fact)",
        _UNIT + "test_a_person_who_prefers_a_document_is_never_told_their_value",
    ),
    Mutant(
        "a public page tells who is signed in",
        _POLICY,
        "facts.identity is None or policy.login is None",
        "facts.identity is None",
        _UNIT + "test_a_public_page_never_tells_who_is_signed_in_elsewhere",
    ),
    Mutant(
        "a refusal of the exchange is forgotten",
        "gateway/core/disputes.py",
        "    if declined:\n        return HouseholdStatus.DECLINED\n",
        "",
        _UNIT + "test_a_person_who_prefers_a_document_is_never_asked_to_log_in_again_for_caf",
    ),
    Mutant(
        "a mismatch keeps its household",
        _HOUSEHOLD,
        "    if result.outcome is MatchOutcome.MATCH:\n",
        "    if True:\n",
        _KEPT + "test_a_mismatch_keeps_no_household_at_all",
    ),
    Mutant(
        "number mode tells somebody else's number",
        _HOUSEHOLD,
        "    if enquiry.rule.mode is Mode.NUMBER and record.status in _NOT_YOURS:",
        "    if False:",
        _KEPT + "test_in_number_mode_somebody_elses_number_is_an_unknown_number",
    ),
    Mutant(
        "nothing is minimised",
        _HOUSEHOLD,
        '        adults=household.adults if "adults" in names else None,',
        "        adults=household.adults,",
        _KEPT + "test_a_match_keeps_the_wanted_facts_and_drops_the_names",
    ),
    Mutant(
        "a record is believed whatever its status",
        _HOUSEHOLD,
        "record.household is not None and record.status in CARRIES_A_VALUE]",
        "record.household is not None]",
        _KEPT + "test_a_value_under_a_status_that_carries_none_is_never_seen",
    ),
    Mutant(
        "a typed number answers for who signs in, and a login for who types a number",
        _HOUSEHOLD,
        "    return tuple(record for record in records if (record.source, record.way) in keys)",
        "    return tuple(record for record in records if record.source in {source for source, _ in keys})",
        _APART + "test_who_signed_in_elsewhere_is_asked_for_a_number_where_nobody_signs_in",
    ),
    Mutant(
        "a number alone is as good as one whose file was compared",
        "gateway/core/rules.py",
        "        return Way(self.mode.value) if self.match else Way.NUMBER_ALONE",
        "        return Way(self.mode.value)",
        _APART + "test_the_same_holds_for_what_was_obtained_by_name",
    ),
    Mutant(
        "a login forgets the number that was typed before it",
        _CALLBACK,
        "    if who is None:\n        return session, identity\n",
        "    if who is None:\n        return None, identity\n",
        _APART + "test_a_login_after_a_typed_number_asks_caf_as_for_anybody_and_loses_neither",
    ),
    Mutant(
        "an enquiry of one way replaces those of the others",
        _CALLBACK,
        "    concerned = concerning(before.household, policy.lookups) if before and policy else ()",
        "    concerned = before.household if before else ()",
        _APART + "test_a_policy_that_keeps_less_does_not_shorten_what_another_way_obtained",
    ),
    Mutant(
        "what is asked again answers for one policy alone",
        _CALLBACK,
        "    due = [widened(each, held) for each in due if",
        "    due = [each for each in due if",
        _APART + "test_two_services_that_keep_other_facts_of_one_block_do_not_ask_in_turns",
    ),
    Mutant(
        "a refusal ends the road",
        "gateway/web/refusals.py",
        "        restart=None if sign_in or by_word else _from_the_start(exchange, place, decision),",
        "        restart=None,",
        "tests/integration/test_refusals.py::test_a_refusal_offers_the_policy_s_alternative_and_a_new_beginning",
    ),
    Mutant(
        "a constant leaves unseen",
        "gateway/web/review.py",
        '    found = [Line(texts.FIXED, str(item.value)) for item in sent if item.fact == "const"]',
        "    found: list[Line] = []",
        "tests/integration/test_what_leaves.py::test_all_that_a_policy_injects_is_named_before_it_leaves",
    ),
    Mutant(
        "the issuer of a callback is not looked at",
        _CALLBACK,
        "        await provider.check_issuer(returned.iss)\n",
        "",
        _FLOW + "test_a_callback_that_names_another_issuer_is_refused",
    ),
    Mutant(
        "the old session survives a login",
        _CALLBACK,
        "        await services.sessions.drop(exchange.session.id)\n    return session\n",
        "        pass\n    return session\n",
        _FLOW + "test_a_login_changes_the_session_id_and_ends_the_old_one",
    ),
    Mutant(
        "forms are posted without a token",
        "gateway/web/exchange.py",
        "    if not bound_to or not services.cookies.check_form_token(token, bound_to):",
        "    if False:",
        _FLOW + "test_a_form_without_its_token_is_refused",
    ),
)
