"""One check of the relying party removed at a time."""

from tests.mutants import Mutant

_RP = "gateway/relying_party/tokens.py"
_CALL = "gateway/relying_party/callback.py"
_LOGOUT = "gateway/relying_party/logout.py"
_ASK = "gateway/relying_party/authorization.py"
_AUTH = "gateway/relying_party/client_auth.py"
_JOSE = "gateway/jose.py"
_OIDC = "gateway/adapters/oidc/provider.py"
_DOCS = "gateway/adapters/oidc/documents.py"
_PROVIDER_LOGOUT = "gateway/web/provider_logout.py"
_CHECKED = "gateway/adapters/sessions/checked.py"
_HOSTILE = "tests/attack/test_hostile_tokens.py::"
_CLAIM = _HOSTILE + "test_a_claim_that_does_not_hold_is_refused"
_ADAPTER = "tests/contract/test_oidc_adapter.py::"
_WIRE = "gateway/adapters/oidc/wire.py"
_RPWIRE = "tests/attack/test_rp_wire.py::"
_FLOW = "tests/attack/test_login_flow.py::"
_CALLBACK = _FLOW + "test_a_malformed_callback_ends_on_a_page_that_starts_again"


def _claim(name: str) -> str:
    return f"{_CLAIM}[{name}]"


MUTANTS: tuple[Mutant, ...] = (
    Mutant("the algorithm is the token's own", _JOSE, "    if header.get(\"alg\") != pinned.alg:\n        raise LoginFailed(\"token_alg\")\n", "", _HOSTILE + "test_a_true_rs256_signature_is_refused_where_es256_was_agreed"),
    Mutant("any type of token", _JOSE, "    if header.get(\"typ\") is not None and str(header[\"typ\"]) not in types:\n        raise LoginFailed(\"token_typ\")\n", "", _HOSTILE + "test_a_token_of_another_type_is_refused"),
    Mutant("any header parameter", _JOSE, "    if not header.keys() <= {\"alg\", \"kid\", \"typ\", \"cty\", \"x5t\", \"x5t#S256\"}:\n        raise LoginFailed(\"token_header\")\n", "", _HOSTILE + "test_a_header_that_would_steer_the_verification_is_refused"),
    Mutant("the signature is not verified", _JOSE, "    if not any(_signed_by(token, key, alg) for key in candidates):\n", "    if False:\n", _HOSTILE + "test_another_key_under_the_same_label_is_a_signature_that_fails"),
    Mutant("any key will do", _JOSE, "if kid is None or name == kid]", "]", _HOSTILE + "test_an_unknown_label_is_a_key_that_is_not_there"),
    Mutant("a label of any kind", _JOSE, "    if kid is not None and (not isinstance(kid, str) or len(kid) > _KID_AT_MOST):\n        raise LoginFailed(\"token_kid\")\n", "", _HOSTILE + "test_a_label_is_a_short_text"),
    Mutant("a token of any size", _JOSE, "    if len(token) > TOKEN_BYTES_AT_MOST:\n        raise LoginFailed(\"token_too_large\")\n", "", _HOSTILE + "test_an_oversized_token_is_not_even_parsed"),
    Mutant("any base64", _JOSE, "    if base64.urlsafe_b64encode(raw).rstrip(b\"=\").decode(\"ascii\") != segment:\n        raise LoginFailed(\"token_base64\")\n", "", _HOSTILE + "test_trailing_bits_of_base64_are_refused"),
    Mutant("repeated names", _JOSE, "        if len({name for name, _ in pairs}) != len(pairs):\n            raise ValueError\n", "", _HOSTILE + "test_repeated_names_are_refused"),
    Mutant("a payload of any kind", _JOSE, "    if not isinstance(value, dict):\n        raise LoginFailed(code)\n", "", _HOSTILE + "test_a_payload_is_an_object"),
    Mutant("a key of any use", _JOSE, "entry.get(\"use\", \"sig\") != \"sig\"", "False", _HOSTILE + "test_unusable_keys_of_a_set_are_skipped"),
    Mutant("an unsealed token is enough", _JOSE, "    if pinned.sealed:\n", "    if False:\n", _HOSTILE + "test_franceconnect_plus_refuses_what_is_not[signed but not sealed]"),
    Mutant("any cipher", _JOSE, "    if header.get(\"alg\") not in _JWE_ALGORITHMS or header.get(\"enc\") != _JWE_ENCRYPTION:\n        raise LoginFailed(\"token_encryption\")\n", "", _HOSTILE + "test_franceconnect_plus_refuses_what_is_not[another cipher]"),
    Mutant("the nonce is not compared", _RP, "known = {\"nonce\": nonce,", "known = {\"nonce\": None,", _claim("another nonce")),
    Mutant("the issuer is not compared", _RP, "\"iss\": {\"essential\": True, \"value\": settings.issuer},", "\"iss\": {\"essential\": True},", _claim("another issuer")),
    Mutant("the audience is not compared", _RP, "\"aud\": {\"essential\": True, \"value\": settings.client_id},", "\"aud\": {\"essential\": True},", _HOSTILE + "test_a_userinfo_that_is_not_ours_is_refused[for another client]"),
    Mutant("the authorised party is not compared", _RP, "\"client_id\": settings.client_id, \"access_token\"", "\"access_token\"", _claim("two audiences and no authorised party")),
    Mutant("time does not pass", _RP, "checked.validate(now=now, leeway=LEEWAY_S)", "checked.validate(now=now, leeway=10**9)", _HOSTILE + "test_an_expired_token_and_one_from_the_future_are_refused"),
    Mutant("an old token is fresh", _RP, "access_token=access_token)\n    if now - claims[\"iat\"] > OLDEST_S:\n        raise LoginFailed(\"id_token_iat\")\n", "access_token=access_token)\n", _claim("issued ten minutes ago")),
    Mutant("claims may be missing", _RP, "        if name not in claims:\n            raise LoginFailed(f\"claim_missing_{name}\")\n", "        if name not in claims:\n            continue\n", _claim("no subject")),
    Mutant("text claims of any kind", _RP, "        if name in claims and (not isinstance(claims[name], str) or not claims[name]):\n", "        if False:\n", _claim("a subject in a list")),
    Mutant("times of any kind", _RP, "        if name in claims and not (type(claims[name]) in (int, float) and abs(claims[name]) < _TIME_BELOW):\n", "        if False:\n", _claim("an expiry that is true")),
    Mutant("userinfo about anybody", _RP, "    check_claims({\"iat\": now, \"exp\": now, **claims}, settings, now, nonce=None)\n    _same_person(claims[\"sub\"], sub, \"userinfo_sub\")\n", "    check_claims({\"iat\": now, \"exp\": now, **claims}, settings, now, nonce=None)\n", _HOSTILE + "test_a_userinfo_that_is_not_ours_is_refused[about somebody else]"),
    Mutant("any level", _RP, "    if acr < floor:\n        raise LoginFailed(\"acr_too_low\")\n", "", _HOSTILE + "test_a_level_below_the_one_asked_for_is_refused"),
    Mutant("any issuer in the callback", _CALL, "    if iss != settings.issuer:\n", "    if False:\n", _FLOW + "test_a_callback_that_names_another_issuer_is_refused"),
    Mutant("a callback without an issuer", _CALL, "    if iss is None and not must:\n", "    if iss is None:\n", _FLOW + "test_a_callback_without_an_issuer_is_refused"),
    Mutant("any token type", _RP, "    if not isinstance(kind, str) or kind.lower() != \"bearer\":\n        raise LoginFailed(\"token_type\")\n", "", _HOSTILE + "test_a_malformed_token_answer_is_refused"),
    Mutant("an unsigned userinfo is read", _OIDC, "        if kind != \"application/jwt\":\n            raise LoginFailed(\"userinfo_not_signed\")\n", "", _ADAPTER + "test_a_plain_json_userinfo_is_refused"),
    Mutant("keys are never fetched again", _DOCS, "            if fresh is keys:\n                raise\n            return verify(fresh)", "            raise", _ADAPTER + "test_a_key_replaced_under_the_same_label_is_fetched_at_once"),
    Mutant("keys are fetched at each failure", _DOCS, "            if self._keys is not None and self._clock() - self._fetched_at < at_most_every_s:\n                return self._keys\n", "", _ADAPTER + "test_keys_are_never_fetched_twice_within_ten_seconds"),
    Mutant("anybody's metadata", _DOCS, "    if document.get(\"issuer\") != settings.issuer:\n        raise DependencyFailed(settings.name, \"provider_metadata_issuer\")\n", "", _ADAPTER + "test_metadata_that_is_not_our_issuers_is_refused"),
    Mutant("a state is used again", "gateway/adapters/sessions/transactions.py", "        blob = await self._records.take(seal.name, int(self._clock()))", "        blob = await self._records.load(seal.name, int(self._clock()))", "tests/contract/test_session_stores.py::test_a_login_transaction_is_given_to_its_first_caller_only"),
    Mutant("an endpoint on our own machine", _DOCS, " and urlsplit(issuer).scheme == \"http\")", ")", _RPWIRE + "test_an_endpoint_that_is_no_plain_address_is_refused_whole[http://127.0.0.1:9464/metrics-jwks_uri]"),
    Mutant("an endpoint of any form", _DOCS, "    if parts is None or not _has_port(url):\n        return False\n    return", "    if parts is None:\n        return True\n    return", _RPWIRE + "test_an_endpoint_that_is_no_plain_address_is_refused_whole[https://sso.ville.example; script-src 'unsafe-inline'/op-authorization_endpoint]"),
    Mutant("a port that does not exist", _DOCS, " or not _has_port(url)", "", _RPWIRE + "test_an_endpoint_that_is_no_plain_address_is_refused_whole[https://sso.ville.example:99999/op-jwks_uri]"),
    Mutant("an answer may last", _WIRE, "async with asyncio.timeout(ANSWER_S):", "async with asyncio.timeout(None):", _RPWIRE + "test_an_answer_that_drips_ends_with_the_time_for_all_of_it[jwks_uri]"),
    Mutant("an answer is unpacked", _WIRE, "headers = {\"content-type\": response.headers.get(\"content-type\", \"\")}", "headers = response.headers", _RPWIRE + "test_a_compressed_answer_is_never_unpacked[jwks_uri]"),
    Mutant("keys that are not there are asked for by each", _DOCS, "                    self._failure.raise_if_recent()\n                document", "                    pass\n                document", _RPWIRE + "test_a_key_set_that_cannot_be_had_is_asked_for_every_few_seconds_and_not_by_each_token"),
    Mutant("patience is a refusal", _WIRE, " or response.status_code in _PATIENCE", "", _RPWIRE + "test_a_provider_that_asks_for_patience_ends_no_session[429]"),
    Mutant("no number is a number", _JOSE, ", parse_constant=never", "", _RPWIRE + "test_not_a_number_is_no_json"),
    Mutant("times without bound", _RP, " and abs(claims[name]) < _TIME_BELOW", "", _RPWIRE + "test_a_time_is_a_finite_number[exp-1e999]"),
)  # fmt: skip
