"""One check of disputes removed at a time."""

from tests.mutants import Mutant

_CORE = "gateway/core/disputes.py"
_POLICY = "gateway/core/policy.py"
_STORE = "gateway/adapters/disputes/store.py"
_OPEN = "gateway/web/open_sessions.py"
_UNIT = "tests/unit/test_disputes.py::"
_KEPT = "tests/contract/test_dispute_store.py::"
_STANDING = "tests/unit/test_open_sessions.py::"
_ATTACK = "tests/attack/test_disputes.py::"
_TABS = "tests/attack/test_two_tabs.py::"
_PAGES = "tests/integration/test_my_data.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a login carries what its session was before CAF answered",
        "gateway/web/callback.py",
        "    return await services.sessions.load(before.id) or forgotten(before)",
        "    return before",
        _TABS + "test_an_objection_made_while_caf_answers_a_login_holds",
    ),
    Mutant(
        "a login revives what a logout ended",
        "gateway/web/callback.py",
        " or forgotten(before)",
        " or before",
        _TABS + "test_what_a_logout_ended_while_caf_answers_a_login_does_not_come_along",
    ),
    Mutant(
        "any login takes an objection back",
        "gateway/web/callback.py",
        "if policy and transaction.takes_back else",
        "if policy else",
        _TABS + "test_an_objection_to_the_very_service_that_a_login_under_way_is_for_holds",
    ),
    Mutant(
        "what could not be asked counts as nothing said",
        _CORE,
        "    if not standing.known:\n        return HouseholdStatus.UNAVAILABLE\n",
        "",
        _UNIT + "test_what_cannot_be_asked_withholds_every_household_value",
    ),
    Mutant(
        "a contest ends with the retention",
        _CORE,
        "        return None if self.state is State.OPEN else self.settled_at + retention_s",
        "        return max(self.settled_at, self.opened_at) + retention_s",
        _UNIT + "test_an_answer_ends_with_its_retention_and_an_open_dispute_does_not",
    ),
    Mutant(
        "an answer never ends",
        _CORE,
        "        over = ends_at is not None and ends_at <= now",
        "        over = False",
        _UNIT + "test_an_answer_ends_with_its_retention_and_an_open_dispute_does_not",
    ),
    Mutant(
        "a final answer may be followed by another",
        _CORE,
        "        allowed = OUTCOMES[self.is_contest] if self.state in _AWAITING else ()",
        "        allowed = OUTCOMES[self.is_contest]",
        _UNIT + "test_an_agent_may_answer_a_contest_once_but_for_a_document_that_is_still_to_be_read",
    ),
    Mutant(
        "an objection is rejected",
        _CORE,
        "    False: (State.DOCUMENT_PROVIDED, State.VERIFIED_BY_AGENT),",
        "    False: (State.DOCUMENT_PROVIDED, State.VERIFIED_BY_AGENT, State.REJECTED),",
        _UNIT + "test_nobody_rejects_or_settles_an_objection",
    ),
    Mutant(
        "what was obtained before a correction is still used",
        _CORE,
        "    return tuple(record for record in records if not _outdated(record, standing))",
        "    return tuple(records)",
        _UNIT + "test_what_was_obtained_before_a_correction_is_no_longer_held",
    ),
    Mutant(
        "what was said does not make the status",
        _POLICY,
        "    if said is not None and said not in CARRIES_A_VALUE:\n        return said\n    found",
        "    found",
        _UNIT + "test_nobody_is_sent_to_log_in_for_what_may_not_leave",
    ),
    Mutant(
        "a settlement gives its status to any answer",
        _POLICY,
        "    return said if said is not None and found is HouseholdStatus.VERIFIED else found",
        "    return said if said is not None else found",
        _UNIT + "test_a_settlement_gives_no_value_to_who_has_none",
    ),
    Mutant(
        "two write at once",
        _STORE,
        "            if await self._records.count(turn, self._now, TURN_S) == 1:",
        "            if await self._records.count(turn, self._now, TURN_S):",
        _KEPT + "test_of_many_who_write_at_once_nobody_is_lost",
    ),
    Mutant(
        "what a lost turn had decided is believed",
        _STORE,
        "            settled = None\n            found = ",
        "            found = ",
        _KEPT + "test_of_two_answers_at_once_one_holds",
    ),
    Mutant(
        "a person has any number of disputes",
        _STORE,
        "            if len(disputes) >= PER_PERSON:\n                return None\n",
        "",
        _KEPT + "test_one_person_has_a_bounded_number_of_them",
    ),
    Mutant(
        "a person contests as often as they like",
        _STORE,
        '        if await self._records.count(self._keyed.name("day", name), self._now, 86_400) > PER_DAY:\n'
        "            raise DisputesFull\n",
        "",
        _KEPT + "test_contesting_and_withdrawing_all_day_ends_before_the_day_does",
    ),
    Mutant(
        "another key finds nothing and says nothing",
        _STORE,
        '            raise DependencyFailed("dispute-store", "dispute_key_changed", 503)',
        "            pass",
        _KEPT + "test_under_another_key_nothing_is_known_rather_than_nothing_said",
    ),
    Mutant(
        "what a newer gateway added is dropped",
        "gateway/adapters/sessions/codec.py",
        '        raise UnknownFields(", ".join(sorted(f"{kind.__name__}.{name}" for name in unknown)))\n',
        "        for name in unknown:\n            del raw[name]\n",
        _KEPT + "test_a_field_of_a_newer_gateway_is_named_and_never_dropped",
    ),
    Mutant(
        "an older dispute is not read any more",
        _STORE,
        "codec.load_older(kind, content)",
        "codec.load(kind, content)",
        _KEPT + "test_a_field_that_a_record_does_not_have_yet_has_its_default",
    ),
    Mutant(
        "what nobody can read counts as nothing",
        _STORE,
        '        raise DependencyFailed("dispute-store", "dispute_unreadable", 503)',
        "        return None",
        _KEPT + "test_a_damaged_record_is_not_read_as_nothing",
    ),
    Mutant(
        "what was prepared outlives what stands",
        _OPEN,
        "        if (known.session, known.standing) != (session, standing):",
        "        if known.session != session:",
        _STANDING + "test_what_was_prepared_is_dropped_when_what_stands_has_changed",
    ),
    Mutant(
        "a standing is used however old it is",
        _OPEN,
        "        return found if found is not None and self._now() - found.read_at <= FRESH_S else None",
        "        return found",
        _STANDING + "test_a_standing_is_no_older_than_its_session",
    ),
    Mutant(
        "a store that fails says that nothing stands",
        _OPEN,
        "            return UNKNOWN",
        "            return Standing()",
        _STANDING + "test_a_dispute_store_that_fails_makes_everything_unknown_within_the_second",
    ),
    Mutant(
        "a change made here waits for its turn",
        _OPEN,
        "                self._forget(entry.session.id)\n\n    async def _standing",
        "                pass\n\n    async def _standing",
        _STANDING + "test_a_change_made_here_is_seen_at_once_by_every_session_of_the_person",
    ),
    Mutant(
        "CAF is asked for what is contested",
        "gateway/web/callback.py",
        "    due = [widened(each, held) for each in due if not is_withheld(policy.name, each.needs, standing)]",
        "    due = [widened(each, held) for each in due]",
        _PAGES + "test_a_contested_datum_is_not_asked_of_caf_again",
    ),
    Mutant(
        "any agent of the provider is let in",
        "gateway/web/agent_login.py",
        "    if provider.name != settings.agents_provider or sub not in settings.agents:",
        "    if provider.name != settings.agents_provider:",
        _ATTACK + "test_an_agent_who_is_not_on_the_list_answers_nothing",
    ),
    Mutant(
        "who was taken off the list stays in",
        "gateway/web/agent_login.py",
        "    if session is None or session.provider != settings.agents_provider or session.sub not in settings.agents:",
        "    if session is None or session.provider != settings.agents_provider:",
        _ATTACK + "test_an_agent_taken_off_the_list_is_out_at_once",
    ),
    Mutant(
        "an agent's answer needs no token",
        "gateway/web/agents.py",
        '    require_form(services, exchange, form.get("token", ""), agent.id)\n',
        "",
        _ATTACK + "test_an_agent_s_answer_without_its_token_or_with_a_person_s_changes_nothing",
    ),
    Mutant(
        "a person's form needs no token",
        "gateway/web/contest.py",
        '    require_form(services, exchange, form.get("token", ""), form_bond(exchange))\n',
        "",
        _ATTACK + "test_a_form_without_its_token_with_another_s_or_from_elsewhere_changes_nothing",
    ),
    Mutant(
        "anybody's receipt is shown",
        "gateway/web/contest.py",
        "    for each in await kept_for(services, exchange.session):\n",
        "    for each in await services.disputes.listed(only_open=True) if services.disputes else ():\n",
        _ATTACK + "test_somebody_else_s_receipt_is_as_unknown_as_an_invented_one",
    ),
    Mutant(
        "what is typed is kept as it came",
        "gateway/web/contest.py",
        """if char == "\\n" or unicodedata.category(char)[0] != "C").strip()""",
        """).strip()""",
        _ATTACK + "test_what_a_person_types_reaches_an_agent_as_plain_text",
    ),
    Mutant(
        "the people served sign in where agents do",
        "gateway/settings.py",
        "if (each.name in wanted if wanted else each.name != agents))",
        "if (each.name in wanted if wanted else True))",
        _ATTACK + "test_nobody_is_served_through_the_agents_provider",
    ),
)
