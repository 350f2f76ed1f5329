"""The household source, one safeguard removed at a time."""

from tests.mutants import Mutant

_CLIENT = "gateway/adapters/api_particulier.py"
_ANSWERS = "gateway/adapters/api_particulier_answers.py"
_PAYLOAD = "gateway/adapters/household_payload.py"
_QUERY = "gateway/adapters/api_particulier_query.py"
_ADAPTER_TESTS = "tests/contract/test_api_particulier_adapter.py::"
_ATTACKS = "tests/attack/test_api_particulier_answers.py::"
_PAYLOAD_TESTS = "tests/unit/test_household_payload.py::"
_QUERY_TESTS = "tests/unit/test_api_particulier_query.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a 429 closes nothing",
        _CLIENT,
        "        await self._quotas.close(None, wait_s)\n",
        "",
        _ADAPTER_TESTS + "test_after_a_429_nobody_calls_before_the_quota_says_so",
    ),
    Mutant(
        "calls are not serialised",
        _CLIENT,
        "if call.mode is not Mode.FRANCECONNECT:",
        "if call.mode is not None:",
        _ADAPTER_TESTS + "test_franceconnect_calls_of_one_recipient_go_one_after_the_other",
    ),
    Mutant(
        "retries outlive the budget",
        _CLIENT,
        "if delay_s is not None and self._clock() + delay_s + CALL_S <= deadline else None",
        "",
        _ADAPTER_TESTS + "test_a_retry_that_would_come_after_the_budget_is_given_up_at_once",
    ),
    Mutant(
        "body has no cap",
        _CLIENT,
        "if len(body) > BODY_BYTES_AT_MOST:",
        "if False:",
        _ATTACKS + "test_a_body_of_ten_megabytes_is_left_unread",
    ),
    Mutant(
        "compressed bodies are taken",
        _CLIENT,
        'if response.headers.get("Content-Encoding", "identity") != "identity":',
        "if False:",
        _ATTACKS + "test_a_compressed_answer_is_never_opened",
    ),
    Mutant(
        "cookies are kept",
        _CLIENT,
        "client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))",
        "",
        _ADAPTER_TESTS + "test_the_client_trusts_nothing_around_it_and_keeps_no_cookie",
    ),
    Mutant(
        "addresses are logged",
        _CLIENT,
        "logging.getLogger(name).setLevel(logging.WARNING)",
        "logging.getLogger(name)",
        _ADAPTER_TESTS + "test_the_libraries_below_write_no_address_whatever_the_level_of_the_root",
    ),
    Mutant(
        "request id is believed",
        _CLIENT,
        'return value if _REQUEST_ID.fullmatch(value) else ""',
        "return str(value)",
        _ATTACKS + "test_a_request_id_out_of_its_grammar_is_dropped",
    ),
    Mutant(
        "any 404 is no file",
        _ANSWERS,
        "if not refusal.recognised:",
        "if False:",
        _ATTACKS + "test_a_refusal_that_is_not_the_providers_never_says_that_a_person_has_no_file",
    ),
    Mutant(
        "our fault is blamed on the person",
        _ANSWERS,
        "return not refusal.is_fault",
        "return True",
        _ADAPTER_TESTS + "test_a_422_about_our_own_parameters_is_our_fault_under_any_code",
    ),
    Mutant(
        "missing pivot asks for a login",
        _ANSWERS,
        "and refusal.code not in _WITHOUT_PIVOT",
        "",
        _ADAPTER_TESTS + "test_a_franceconnect_token_that_is_refused_asks_for_a_new_login_unless_scopes_are_missing",
    ),
    Mutant(
        "codes are repeated as they come",
        _ANSWERS,
        "isinstance(code, str) and _CODE.fullmatch(code)",
        "isinstance(code, str)",
        _ATTACKS + "test_a_code_out_of_the_grammar_is_not_repeated",
    ),
    Mutant(
        "a deterministic 502 is asked twice",
        _ANSWERS,
        "1 if once else _RETRIES",
        "2 if once else _RETRIES",
        _ADAPTER_TESTS + "test_nothing_is_asked_more_often_than_the_provider_allows",
    ),
    Mutant(
        "last of two equal keys wins",
        _PAYLOAD,
        "return read if len(read) == len(pairs) else refuse()",
        "return read",
        _ATTACKS + "test_a_200_that_is_no_household_is_an_outage",
    ),
    Mutant(
        "null quotient is zero",
        _PAYLOAD,
        "return None if value is None else integer(value, 0, _QUOTIENT_AT_MOST)",
        "return _integer(value or 0, 0, _QUOTIENT_AT_MOST)",
        _PAYLOAD_TESTS + "test_a_quotient_is_kept_as_it_is_zero_and_null_apart",
    ),
    Mutant(
        "true is a quotient",
        _PAYLOAD,
        "if type(value) is not int or",
        "if not isinstance(value, int) or",
        _PAYLOAD_TESTS + "test_a_quotient_of_another_type_or_size_refuses_the_payload",
    ),
    Mutant(
        "an error is read as a household",
        _PAYLOAD,
        'if "errors" in payload or "error" in payload:',
        "if False:",
        _PAYLOAD_TESTS + "test_an_error_is_not_a_household_whatever_its_status",
    ),
    Mutant(
        "unknown letters are dropped",
        _QUERY,
        "if not unicodedata.combining(part))",
        "if _ACCEPTED.fullmatch(part))",
        _QUERY_TESTS + "test_what_has_no_plain_form_is_refused_and_not_dropped",
    ),
    Mutant(
        "a commune is sent for a birth abroad",
        _QUERY,
        "if identity.birthcountry != FRANCE:",
        "if False:",
        _QUERY_TESTS + "test_a_person_born_abroad_has_a_country_and_no_commune",
    ),
)
