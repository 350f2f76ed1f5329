"""One rule of the simulated FranceConnect removed at a time: a sandbox that is kinder than the real one teaches mistakes."""

from tests.mutants import Mutant

_RULES = "gateway/sandbox/franceconnect/rules.py"
_SERVER = "gateway/sandbox/franceconnect/server.py"
_ASSERTIONS = "gateway/sandbox/franceconnect/assertions.py"
_TOKENS = "gateway/sandbox/franceconnect/tokens.py"
_ALIKE = "tests/contract/test_franceconnect_alike.py::"


def _alike(name: str, case: str = "") -> str:
    return f"{_ALIKE}test_{name}[sandbox{case and '-' + case}]"


MUTANTS: tuple[Mutant, ...] = (
    Mutant("sandbox: any parameter", _RULES, "not REQUIRED <= parameters.keys() <= REQUIRED | OPTIONAL", "not REQUIRED <= parameters.keys()", _alike("the_list_of_parameters_is_closed", "max_age")),
    Mutant("sandbox: a short nonce", _RULES, "len(parameters[\"nonce\"]) >= NONCE_AT_LEAST", "True", _alike("the_list_of_parameters_is_closed", "short nonce")),
    Mutant("sandbox: any address", _RULES, "not _is_url(parameters[\"redirect_uri\"]) or ", "", _alike("the_list_of_parameters_is_closed", "no address")),
    Mutant("sandbox: any claims", _RULES, " or requested_claims(parameters) is None:", ":", _alike("the_list_of_parameters_is_closed", "claims that are no JSON")),
    Mutant("sandbox: amr for everyone", _SERVER, "if \"amr\" in (requested_claims(asked) or {}):", "if False:", _alike("what_must_not_be_redirected_is_a_page_with_its_code", "amr")),
    Mutant("sandbox: a logout for another client", _SERVER, "if asked.get(\"client_id\", client.client_id) != client.client_id:", "if False:", _alike("a_logout_that_is_refused_keeps_the_session", "another client")),
    Mutant("sandbox: two authentications", _SERVER, " or \"authorization\" in request.headers:", ":", _alike("a_token_request_is_refused", "two ways")),
    Mutant("sandbox: a body of any kind", _SERVER, "form is None or not _is_form(request)", "form is None", _alike("a_token_request_is_refused", "no form")),
    Mutant("sandbox: short secrets", _SERVER, "        if len(form[\"token\"]) < 43 or len(form[\"client_secret\"]) < 32:\n", "        if False:\n", _alike("revocation_takes_three_fields_and_no_other")),
    Mutant("sandbox: errors in the query", _SERVER, "joint = \"#\" if \"token\" in asked[\"response_type\"] else \"?\"", "joint = \"?\"", _alike("other_errors_come_back_with_state_and_issuer", "token")),
    Mutant("sandbox: a grant without an end", _TOKENS, "return self._clock() - grant.confirmed_at > GRANT_S", "return False", _alike("the_grant_lives_thirty_seconds_for_userinfo", "33-401")),
    Mutant("sandbox: a code used twice", _SERVER, "            grant.revoked = True\n            return _oauth_error(400, \"invalid_grant\", invalid, \"authorization code already", "            return _oauth_error(400, \"invalid_grant\", invalid, \"authorization code already", _alike("a_code_is_used_once_and_its_reuse_kills_the_token")),
    Mutant("sandbox: an assertion for anybody", _ASSERTIONS, "isinstance(each, str) and each in ours for each in named", "True for each in named", _alike("an_assertion_that_does_not_hold_proves_nothing", "{'aud': 'https://elsewhere.example'}")),
    Mutant("sandbox: an assertion of any issuer", _ASSERTIONS, "claims.get(\"iss\") == claims.get(\"sub\") == client_id", "claims.get(\"sub\") == client_id", _alike("an_assertion_that_does_not_hold_proves_nothing", "{'iss': 'client'}")),
    Mutant("sandbox: an assertion about anybody", _ASSERTIONS, "claims.get(\"iss\") == claims.get(\"sub\") == client_id", "claims.get(\"iss\") == client_id", _alike("an_assertion_that_does_not_hold_proves_nothing", "{'sub': 'client'}")),
    Mutant("sandbox: an assertion that is over", _ASSERTIONS, "ends_at <= now or ", "", _alike("an_assertion_that_does_not_hold_proves_nothing", "{'exp': 1000000000}")),
    Mutant("sandbox: an assertion before its time", _ASSERTIONS, " or begins_at > now", "", _alike("an_assertion_that_does_not_hold_proves_nothing", "{'nbf': 4000000000}")),
    Mutant("sandbox: an assertion without a name", _ASSERTIONS, "not isinstance(jti, str) or not jti or ", "", _alike("an_assertion_that_does_not_hold_proves_nothing", "{'jti': Ellipsis}")),
    Mutant("sandbox: an assertion used twice", _ASSERTIONS, "        if (claims[\"sub\"], jti) in self._used:\n            return False\n", "", _alike("an_assertion_is_believed_once")),
    Mutant("sandbox: a secret besides the key", _ASSERTIONS, "\"client_secret\" in form or ", "", _alike("a_client_of_a_key_authenticates_with_it_alone", "a secret too")),
    Mutant("sandbox: a secret instead of the key", _SERVER, "        if client.jwks is not None or \"client_assertion\" in form:\n", "        if \"client_assertion\" in form:\n", _alike("a_client_of_a_key_authenticates_with_it_alone", "a secret instead")),
)  # fmt: skip
