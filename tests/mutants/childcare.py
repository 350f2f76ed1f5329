"""One check of the second source, of the number form, and of what a person is shown, removed at a time."""

from tests.mutants import Mutant

_POLICY = "gateway/core/policy.py"
_HOUSEHOLD = "gateway/core/household.py"
_PAYLOAD = "gateway/adapters/childcare_payload.py"
_ENQUIRY = "gateway/web/enquiry.py"
_REVIEW = "gateway/web/review.py"
_NUMBER = "gateway/web/caf_number.py"
_TARIFF = "gateway/core/tariff.py"
_UNIT = "tests/unit/test_childcare.py::"
_SOURCE = "tests/contract/test_childcare_source.py::"
_BRANCHES = "tests/integration/test_branches.py::"
_FORM = "tests/attack/test_number_mode.py::"
_CANARY = "tests/attack/test_canary.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "one source answers for another",
        _HOUSEHOLD,
        "    return tuple(record for record in records if (record.source, record.way) in keys)",
        "    return tuple(record for record in records if record.way in {way for _, way in keys})",
        _UNIT + "test_a_record_of_one_source_never_answers_for_the_other",
    ),
    Mutant(
        "every parameter is kept",
        _HOUSEHOLD,
        "    return Childcare(**parts) if parts else None",
        "    return parameters",
        _UNIT + "test_only_the_named_parameters_are_kept",
    ),
    Mutant(
        "the parameters outlive a policy that wants the estimate alone",
        "gateway/core/facts.py",
        "return source_of(fact) is not None and fact not in WITHOUT_A_VALUE",
        "return source_of(fact) is not None",
        "tests/unit/test_facts.py::test_only_a_status_leaves_without_being_a_household_value",
    ),
    Mutant(
        "one parameter missing is no matter",
        _PAYLOAD,
        "    if None in (parameters.annual_resources, parameters.dependent_children, parameters.aeeh_children):",
        "    if False:",
        _SOURCE + "test_one_parameter_that_is_missing_is_an_answer_without_any",
    ),
    Mutant(
        "nought is missing",
        _PAYLOAD,
        "    if None in (parameters.annual_resources, parameters.dependent_children, parameters.aeeh_children):",
        "    if not (parameters.annual_resources and parameters.dependent_children and parameters.aeeh_children):",
        _SOURCE + "test_a_parameter_of_nought_is_not_missing",
    ),
    Mutant(
        "the year that MSA writes is believed",
        _PAYLOAD,
        "1900 <= year < this_year",
        "1900 <= year <= this_year",
        _SOURCE + "test_a_year_that_cannot_be_is_not_told",
    ),
    Mutant(
        "both products are one",
        "gateway/adapters/api_particulier.py",
        "parse_household(body) if source is Source.HOUSEHOLD else parse_childcare(body, now)",
        "parse_household(body)",
        _SOURCE + "test_each_staging_answer_is_read_as_what_it_says",
    ),
    Mutant(
        "each source has a quota of its own",
        "gateway/adapters/quotas.py",
        "asked.base_url.encode(",
        "str(id(self)).encode(",
        "tests/contract/test_quotas.py::test_whatever_asks_at_one_place_shares_its_quota",
    ),
    Mutant(
        "a child need not be listed",
        _POLICY,
        "    return seen.status if listed else HouseholdStatus.PENDING_REVIEW",
        "    return seen.status",
        _UNIT + "test_a_child_who_is_not_listed_is_a_person_s_work_and_never_a_refusal",
    ),
    Mutant(
        "the second source's answer is not looked at",
        _POLICY,
        "    for each in seen:\n        if (way_out :=",
        "    for each in seen[:1]:\n        if (way_out :=",
        _BRANCHES + "test_one_policy_refuses_for_either_source",
    ),
    Mutant(
        "only the first source is reviewed",
        _POLICY,
        "each.status in CARRIES_A_VALUE for each in seen\n",
        "each.status in CARRIES_A_VALUE for each in seen if each.lookup.source is Source.HOUSEHOLD\n",
        _UNIT + "test_a_review_is_asked_for_a_value_of_either_source",
    ),
    Mutant(
        "CAF is asked about a foreign identity",
        _ENQUIRY,
        "    if by_token and request.identity is not None and request.identity.birthcountry is None:",
        "    if False:",
        _BRANCHES + "test_an_identity_of_another_country_is_not_available_and_caf_is_not_called",
    ),
    Mutant(
        "the page looks at the session before the enquiry",
        "gateway/web/judge.py",
        "asking = replace(exchange, session=session)",
        "asking = exchange",
        _BRANCHES + "test_an_identity_that_no_register_knows_is_not_blamed_on_its_person",
    ),
    Mutant(
        "AEEH counts for nothing",
        _TARIFF,
        "known.dependent_children + known.aeeh_children",
        "known.dependent_children",
        _UNIT + "test_an_hour_costs_what_the_scale_says",
    ),
    Mutant(
        "no floor",
        _TARIFF,
        "min(max(Decimal(known.annual_resources) / 12, scale.floor), scale.ceiling)",
        "min(Decimal(known.annual_resources) / 12, scale.ceiling)",
        _UNIT + "test_an_hour_costs_what_the_scale_says",
    ),
    Mutant(
        "cents are rounded to even",
        _TARIFF,
        ".quantize(_CENT, ROUND_HALF_UP)",
        ".quantize(_CENT)",
        _UNIT + "test_a_half_cent_is_rounded_up",
    ),
    Mutant(
        "a number answers as soon as it can",
        _NUMBER,
        "    await _wait_for_step(services, began)\n",
        "",
        _FORM + "test_an_answer_leaves_in_the_same_time_whoever_the_number_belongs_to",
    ),
    Mutant(
        "numbers may be tried for ever",
        _NUMBER,
        "    if not await _allowed(services, exchange, session):",
        "    if False:",
        _FORM + "test_who_tried_too_often_keeps_what_they_typed_and_has_one_thing_to_do",
    ),
    Mutant(
        "somebody else's number is a mismatch",
        _HOUSEHOLD,
        "    if enquiry.rule.mode is Mode.NUMBER and record.status in _NOT_YOURS:",
        "    if False:",
        _FORM + "test_the_page_after_it_is_as_long_and_says_the_same",
    ),
    Mutant(
        "a review shows a neighbour's value",
        _REVIEW,
        "    if policy.household is None or policy.household.match:",
        "    if True:",
        _FORM + "test_a_review_without_an_identity_says_what_leaves_and_shows_no_value",
    ),
    Mutant(
        "names may leave although nobody was compared",
        "gateway/config/policy_file.py",
        "    if not rule.match:\n        for injection",
        "    if False:\n        for injection",
        "tests/integration/test_sources_configuration.py::test_names_of_a_file_are_not_for_somebody_whom_nobody_identified",
    ),
    Mutant(
        "the adults stay in the session",
        _HOUSEHOLD,
        'household.adults if "adults" in names else None',
        "household.adults",
        _UNIT + "test_a_record_says_which_source_it_comes_from",
    ),
)
