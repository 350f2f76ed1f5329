"""Quotas, places, the line and the waiting page: one safeguard removed at a time."""

from tests.mutants import Mutant

_CORE = "gateway/core/quota.py"
_LUA = "gateway/adapters/sessions/redis_places.py"
_SHARED = "gateway/adapters/quotas.py"
_CLIENT = "gateway/adapters/api_particulier.py"
_BREAKER = "gateway/adapters/breaker.py"
_WAITING = "gateway/web/waiting.py"
_LOGIN = "gateway/web/login.py"
_CALLBACK = "gateway/web/callback.py"
_ENQUIRY = "gateway/web/enquiry.py"
_CONTRACT = "tests/contract/test_quotas.py::"
_SOURCE = "tests/contract/test_api_particulier_quotas.py::"
_PAGES = "tests/integration/test_waiting.py::"
_ATTACK = "tests/attack/test_waiting_line.py::"
_KEPT = "tests/unit/test_retention.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a connection is used again when the other side may be closing it",
        "gateway/adapters/reuse.py",
        "REUSED_S = 2.0",
        "REUSED_S = 5.0",
        "tests/contract/test_reused_connections.py::test_a_connection_idle_for_some_seconds_is_not_used_again",
    ),
    Mutant(
        "a use is not counted in all its series",
        _CORE,
        "        ledger.use(series, opens_at, opens_at + period_s)\n",
        "        ledger.use(series, opens_at, opens_at + period_s)\n        break\n",
        _CONTRACT + "test_a_thousand_a_minute_for_all_modes_together",
    ),
    Mutant(
        "a place that somebody holds does not count",
        _CORE,
        "    opens_at, closed = _opening(ledger, now, claim, others)\n",
        "    opens_at, closed = _opening(ledger, now, claim, 0)\n",
        _CONTRACT + "test_a_place_is_a_call_whenever_its_holder_comes",
    ),
    Mutant(
        "who waits does not count before a newcomer",
        _CORE,
        "ledger.held_by_others(line, member) + ahead)",
        "ledger.held_by_others(line, member))",
        _CONTRACT + "test_the_line_is_in_the_order_of_arrival_and_nobody_passes",
    ),
    Mutant(
        "a use keeps its place",
        _CORE,
        "    ledger.leave(claim.line, claim.member)\n    return Turn(granted=True",
        "    return Turn(granted=True",
        _CONTRACT + "test_a_use_takes_the_room_of_its_place_and_not_another",
    ),
    Mutant(
        "a place is renewed for ever",
        _CORE,
        "    ends_at = min(now + claim.hold_s, since + 2 * claim.hold_s)",
        "    ends_at = now + claim.hold_s",
        _ATTACK + "test_a_place_is_not_held_for_ever_by_pressing_again",
    ),
    Mutant(
        "a closed door is only a wait",
        _CORE,
        "    if closed or opens_at > now + claim.patience_s:",
        "    if opens_at > now + claim.patience_s:",
        _CONTRACT + "test_a_door_never_opens_earlier_than_was_said_first",
    ),
    Mutant(
        "looking at the line joins it",
        _CORE,
        "        if not waits and claim.wish is Wish.STAY:",
        "        if False:",
        _CONTRACT + "test_who_stays_keeps_their_turn_and_never_joins_by_it",
    ),
    Mutant(
        "the line has no bound",
        _CORE,
        "            queued = waits or ahead < claim.waiting_at_most",
        "            queued = True",
        _CONTRACT + "test_the_line_is_bounded_and_who_stands_in_it_stays",
    ),
    Mutant(
        "Redis lets a newcomer pass the line",
        _LUA,
        "    local opens, closed = opening(others + ahead)\n",
        "    local opens, closed = opening(others)\n",
        _CONTRACT + "test_the_line_is_in_the_order_of_arrival_and_nobody_passes",
    ),
    Mutant(
        "a door closed meanwhile is not seen",
        _SHARED,
        "            return turn._replace(granted=not closed, closed=closed)\n",
        "            return turn\n",
        _CONTRACT + "test_a_door_closed_while_one_waits_for_a_moment_is_closed_for_them_too",
    ),
    Mutant(
        "windows are no longer than the provider's",
        _SHARED,
        "SECOND_S = 1.25",
        "SECOND_S = 1.0",
        _CONTRACT + "test_our_windows_are_longer_than_the_providers_by_the_time_a_call_may_take_to_leave",
    ),
    Mutant(
        "the store learns the browser's digest",
        _SHARED,
        '    return hashlib.sha256(b"place\\n" + place.encode("ascii")).hexdigest()',
        "    return place",
        _CONTRACT + "test_a_browser_has_one_place_and_the_store_learns_nothing_of_it",
    ),
    Mutant(
        "a call is made without a place",
        _CLIENT,
        "        if not turn.granted:",
        "        if False:",
        _SOURCE + "test_an_enquiry_uses_the_place_of_its_browser_and_nobody_elses",
    ),
    Mutant(
        "a spent quota is found out by a 429",
        _CLIENT,
        "        if spent_s:",
        "        if False:",
        _SOURCE + "test_ratelimit_lines_that_say_nothing_is_left_are_obeyed_before_any_429",
    ),
    Mutant(
        "workers ask for one recipient at once",
        _SHARED,
        "            yield await self._granted(claim, patience_s)",
        "            yield True",
        _SOURCE + "test_two_workers_never_ask_for_one_recipient_at_once",
    ),
    Mutant(
        "a dying token is used",
        _CLIENT,
        "        if call.until - self._clock() < CALL_S:",
        "        if False:",
        _SOURCE + "test_nothing_is_asked_with_a_token_that_is_about_to_die",
    ),
    Mutant(
        "another month out of the cache is passed on",
        _CLIENT,
        "        return month is not None and month != ",
        "        return False and month != ",
        _SOURCE + "test_another_month_out_of_the_cache_is_asked_again_past_it",
    ),
    Mutant(
        "a source that is down is asked by everybody",
        _BREAKER,
        "        if now < self._rests_until:",
        "        if False:",
        _SOURCE + "test_a_source_that_does_not_answer_is_left_alone_and_probed_by_one",
    ),
    Mutant(
        "several probe at once",
        _BREAKER,
        "        self._rests_until = now + REST_S\n        return True",
        "        return True",
        "tests/unit/test_breaker.py::test_after_a_rest_one_call_is_the_probe_and_the_others_wait_for_its_outcome",
    ),
    Mutant(
        "nobody waits before leaving",
        _WAITING,
        "    if turn.granted:\n        return None\n    asked",
        "    if True:\n        return None\n    asked",
        _PAGES + "test_who_finds_none_is_told_position_and_time_and_every_way_to_go_on",
    ),
    Mutant(
        "the refresh cannot be stopped",
        _WAITING,
        "    if turn.waits and not manual:",
        "    if turn.waits:",
        _PAGES + "test_the_page_comes_again_by_itself_politely_and_the_person_may_stop_it",
    ),
    Mutant(
        "who goes on without waiting keeps their turn",
        _WAITING,
        "        await line.leave(place_name(transaction.browser, source))\n\n\ndef _asks",
        "        del line, source\n\n\ndef _asks",
        _PAGES + "test_who_goes_on_without_waiting_stands_in_nobodys_way",
    ),
    Mutant(
        "CAF's scopes are asked for although they are waived",
        _LOGIN,
        "        scopes=scopes - asked if waived else scopes,",
        "        scopes=scopes,",
        _ATTACK + "test_waiving_asks_for_no_caf_scope_and_makes_no_call_even_with_room",
    ),
    Mutant(
        "the token's life is counted from nowhere",
        _CALLBACK,
        "        until=dies_at,\n",
        "",
        _PAGES + "test_a_login_that_took_the_tokens_life_asks_nothing",
    ),
    Mutant(
        "a place that served for nothing is kept",
        _ENQUIRY,
        "            await line.leave(request.place)",
        "            pass",
        _PAGES + "test_a_place_that_no_call_was_made_with_is_given_back",
    ),
    Mutant(
        "each request of a page asks for itself",
        _ENQUIRY,
        'line.alone(f"session {session.id}",',
        'line.alone(f"session {services.new_token()}",',
        _PAGES + "test_requests_of_one_person_at_once_ask_caf_once",
    ),
    Mutant(
        "an answer is kept beyond its time",
        "gateway/core/household.py",
        "if end is None or end > now)",
        "if end is None or end > 0)",
        _KEPT + "test_what_is_over_is_over_at_its_very_second_and_nothing_before",
    ),
    Mutant(
        "what comes after an answer's time is not reviewed",
        "gateway/web/retention.py",
        "household=lasting(session.household, None, now), reviewed=frozenset())",
        "household=lasting(session.household, None, now))",
        _PAGES + "test_an_answer_is_kept_as_long_as_the_policy_says_and_then_asked_and_reviewed_again",
    ),
    Mutant(
        "the quick lane injects beyond the time",
        "gateway/web/quick_lane.py",
        "        if kept is not None and kept.until > self.services.clock():",
        "        if kept is not None:",
        _PAGES + "test_no_lane_injects_a_value_beyond_its_time",
    ),
)
