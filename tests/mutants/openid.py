"""One check of the providers, their logouts and their refreshes removed at a time; each is caught by a module's test."""

from tests.mutants import Mutant

_TOKENS = "gateway/relying_party/tokens.py"
_CALL = "gateway/relying_party/callback.py"
_ASK = "gateway/relying_party/authorization.py"
_AUTH = "gateway/relying_party/client_auth.py"
_LOGOUT = "gateway/relying_party/logout.py"
_PROFILES = "gateway/relying_party/profiles.py"
_JOSE = "gateway/jose.py"
_OIDC = "gateway/adapters/oidc/provider.py"
_DOCS = "gateway/adapters/oidc/documents.py"
_CHECKED = "gateway/adapters/sessions/checked.py"
_WEB = "gateway/web/provider_logout.py"
_LEAVE = "gateway/web/logout.py"
_COOKIES = "gateway/web/cookies.py"
_ACCEPT = "gateway/config/acceptance.py"
_RP = "tests/attack/test_rp_conformance.py::"
_OUT = "tests/attack/test_rp_logout.py::"
_PROFILE = "tests/contract/test_provider_profiles.py::"
_RECHECK = "tests/contract/test_rechecked_sessions.py::"
_PROVIDERS = "tests/integration/test_providers.py::"
_ORIGINS = "tests/e2e/test_origins.py::"
_CONFIG = "tests/integration/test_provider_configuration.py::"
_BACK = _OUT + "test_oidcc_client_test_rp_backchannel_rpinitlogout"
_COMPARED = _CONFIG + "test_a_household_is_compared_with_vouched_names_only"

MUTANTS: tuple[Mutant, ...] = (
    Mutant("no PKCE", _PROFILES, "    label=\"\",\n    about=\"\",\n    pkce=True,", "    label=\"\",\n    about=\"\",\n    pkce=False,", _RP + "test_pkce_s256_at_each_login"),
    Mutant("PKCE for FranceConnect", _PROFILES, "    label=\"FranceConnect\",\n    about=\"https://franceconnect.gouv.fr/\",\n    pkce=False,", "    label=\"FranceConnect\",\n    about=\"https://franceconnect.gouv.fr/\",\n    pkce=True,", _PROFILE + "test_franceconnect_receives_its_seven_parameters_and_no_other"),
    Mutant("PKCE for ProConnect", _PROFILES, "    about=\"https://www.proconnect.gouv.fr/\",\n    pkce=False,", "    about=\"https://www.proconnect.gouv.fr/\",\n    pkce=True,", _PROFILE + "test_proconnect_receives_what_its_documentation_lists_and_no_other"),
    Mutant("an announced issuer may be missing", _CALL, " or endpoints.names_itself", "", _RP + "test_fapi_client_test_missing_callback_issuer"),
    Mutant("a required issuer may be missing", _CALL, " or settings.iss_required", "", _RP + "test_an_operator_can_require_the_issuer"),
    Mutant("a callback of any issuer", _CALL, "    if iss != settings.issuer:\n        raise LoginFailed(\"callback_issuer\")\n", "", _RP + "test_fapi_client_test_invalid_callback_issuer"),
    Mutant("an ID token of any issuer", _TOKENS, "\"iss\": {\"essential\": True, \"value\": settings.issuer},", "\"iss\": {\"essential\": True},", _RP + "test_oidcc_client_test_invalid_iss"),
    Mutant("an ID token for any client", _TOKENS, "\"aud\": {\"essential\": True, \"value\": settings.client_id},", "", _RP + "test_oidcc_client_test_invalid_aud"),
    Mutant("an ID token without a subject", _TOKENS, "required=(\"iss\", \"sub\", \"aud\", \"exp\", \"iat\", \"nonce\"))", "required=(\"iss\", \"aud\", \"exp\", \"iat\", \"nonce\"))", _RP + "test_oidcc_client_test_missing_sub"),
    Mutant("an ID token with any nonce", _TOKENS, "known = {\"nonce\": nonce,", "known = {\"nonce\": None,", _RP + "test_oidcc_client_test_nonce_invalid"),
    Mutant("any access token hash", _TOKENS, ", \"access_token\": access_token}", "}", _RP + "test_oidcc_client_test_invalid_athash"),
    Mutant("a key too short", _JOSE, "key.raw_value.key_size < RSA_BITS_AT_LEAST", "False", "tests/attack/test_hostile_tokens.py::test_a_key_of_a_thousand_bits_is_no_key"),
    Mutant("any RS256 signature", _JOSE, "    if not any(_signed_by(token, key, alg) for key in candidates):\n", "    if False:\n", _RP + "test_oidcc_client_test_invalid_sig_rs256"),
    Mutant("alg of the token's choice", _JOSE, "    if header.get(\"alg\") != pinned.alg:\n        raise LoginFailed(\"token_alg\")\n", "", _RP + "test_oidcc_client_test_invalid_sig_hs256"),
    Mutant("plain userinfo about anybody", _TOKENS, "        raise LoginFailed(\"claim_missing_sub\")\n    _same_person(claims[\"sub\"], sub, \"userinfo_sub\")\n", "        raise LoginFailed(\"claim_missing_sub\")\n", _RP + "test_oidcc_client_test_userinfo_invalid_sub"),
    Mutant("a JWT read as JSON", _OIDC, "            if kind != \"application/json\":\n                raise LoginFailed(\"userinfo_not_json\")\n", "", _RP + "test_oidcc_client_test_userinfo_is_an_object_of_json"),
    Mutant("metadata of another issuer", _DOCS, "    if document.get(\"issuer\") != settings.issuer:\n", "    if False:\n", _RP + "test_oidcc_client_test_discovery_issuer_mismatch"),
    Mutant("no second look at the keys", _DOCS, "            if fresh is keys:\n                raise\n            return verify(fresh)", "            raise", _RP + "test_oidcc_client_test_signing_key_rotation"),
    Mutant("metadata asked for by each visitor", _DOCS, "        self._failure.raise_if_recent()\n        try:", "        try:", _PROVIDERS + "test_a_provider_that_does_not_publish_its_metadata_is_marked_and_asked_again_later"),
    Mutant("an acr that nothing maps", _TOKENS, "    if acr is None:\n        raise LoginFailed(\"acr_unknown\")\n", "    acr = acr or floor\n", _RP + "test_an_acr_that_nothing_maps_is_refused"),
    Mutant("an absent acr is enough", _TOKENS, "settings.acr_absent if said is None", "floor if said is None", _RP + "test_an_absent_acr_is_refused_unless_the_operator_says_what_it_is_worth"),
    Mutant("an unverified address", _TOKENS, " or claims.get(\"email_verified\") is True", " or True", _RP + "test_an_address_that_the_provider_did_not_verify_is_not_told"),
    Mutant("the token of any provider leaves", _OIDC, "access_token=given.access_token if opens else \"\"", "access_token=given.access_token", _PROFILE + "test_a_token_that_opens_no_data_stays_in_the_adapter"),
    Mutant("scopes that any provider boasts of", _OIDC, "scopes=given.scopes if opens else frozenset()", "scopes=given.scopes", _PROFILE + "test_a_token_that_opens_no_data_stays_in_the_adapter"),
    Mutant("names that nobody checked", _ACCEPT, "        if not provider.vouches:\n", "        if False:\n", _COMPARED + "[{providers: [agents]}-identity-False-names that `agents` does not check]"),
    Mutant("names that a reload left behind", "gateway/web/enquiry.py", "    if not _is_vouched(services, request.identity):\n        return _NOT_VOUCHED\n", "", _PROVIDERS + "test_no_household_is_looked_up_for_names_that_nobody_vouches_for"),
    Mutant("a provider of the form's choice", "gateway/web/login.py", "name if name in accepted else", "name if name in services.providers else", _PROVIDERS + "test_a_form_cannot_choose_a_provider_that_the_policy_does_not_accept"),
    Mutant("an assertion that any provider may use", _AUTH, "\"aud\": settings.issuer,", "\"aud\": settings.token_endpoint,", _PROFILE + "test_a_client_assertion_is_short_fresh_and_for_the_issuer"),
    Mutant("a refreshed token of anybody", _TOKENS, "    _same_person(claims[\"sub\"], sub, \"refreshed_sub\")\n", "", _RP + "test_a_refreshed_id_token_is_of_the_same_issuer_person_and_client[test_oidcc_client_test_refresh_token_invalid_sub]"),
    Mutant("a refreshed token that is not read", _OIDC, "        if given.id_token:\n", "        if False:\n", _RP + "test_a_refreshed_id_token_is_of_the_same_issuer_person_and_client[test_oidcc_client_test_refresh_token_invalid_issuer]"),
    Mutant("no refresh token and nobody minds", _OIDC, "        if settings.recheck_s and not given.refresh_token:\n            raise LoginFailed(\"refresh_token_missing\")\n", "", _RP + "test_without_a_refresh_token_that_was_asked_for_nobody_is_signed_in"),
    Mutant("everybody refreshes", _CHECKED, "now, LEASE_S) != 1:", "now, LEASE_S) < 1:", _RECHECK + "test_fifty_requests_of_two_processes_make_one_call"),
    Mutant("a refused refresh is forgiven", _CHECKED, "        except LoginFailed:\n            return False\n", "        except LoginFailed:\n            return still_good or True\n", _RECHECK + "test_a_session_ends_with_the_providers"),
    Mutant("an outage lasts for ever", _CHECKED, "        still_good = now < grant.checked_at + STALE_AFTER * rechecked.every_s", "        still_good = True", _RECHECK + "test_an_outage_is_waited_for_one_more_period_and_no_longer"),
    Mutant("who comes second ends the session", _CHECKED, "return still_good or await self._told(session.id, rechecked, seal, grant)", "return still_good", _RECHECK + "test_fifty_requests_after_a_long_silence_wait_for_the_one_that_asks"),
    Mutant("who waits believes the worst answer", _CHECKED, "            if latest is None:\n                return False\n", "            if latest is None:\n                return True\n", _RECHECK + "test_who_waits_for_an_answer_learns_that_the_session_is_over"),
    Mutant("who waits in vain goes on", _CHECKED, "                return True\n        return False\n", "                return True\n        return True\n", _RECHECK + "test_nobody_waits_for_ever_for_somebody_who_died_asking"),
    Mutant("a level that fell is kept", _OIDC, "                tokens.check_acr(claims, self._settings, acr)\n", "                pass\n", _RP + "test_a_level_does_not_outlive_its_fall_at_the_provider"),
    Mutant("offline without consent", _ASK, "if settings.rules.offline_consent and", "if False and", _RP + "test_oidcc_client_test_refresh_token"),
    Mutant("nobody vouches and it goes on", _CHECKED, "nothing vouches for it.\n            return False", "nothing vouches for it.\n            return True", _RECHECK + "test_a_session_without_a_token_is_not_vouched_for"),
    Mutant("a late write keeps the token", _CHECKED, "lambda now: replace(change(now), refresh_token=\"\"))", "change)", _RECHECK + "test_the_token_never_goes_into_the_session_itself"),
    Mutant("any way back from a logout", _LEAVE, "services.cookies.check_return_token(state, browser, services.now)", "True", _OUT + "test_oidcc_client_test_rp_init_logout_other_state"),
    Mutant("no way back is the way back", _LEAVE, "    if state and browser and", "    if not state or browser and", _OUT + "test_oidcc_client_test_rp_init_logout_no_state"),
    Mutant("a way back for any browser", _COOKIES, "        signed = f\"{once}.{ends_at}.{browser}\"", "        signed = f\"{once}.{ends_at}.\"", _OUT + "test_oidcc_client_test_rp_init_logout"),
    Mutant("a way back for ever", _COOKIES, "        return now < int(ends_at)", "        return True", _OUT + "test_a_state_counts_in_its_own_browser_and_for_ten_minutes"),
    Mutant("logout: any alg", _JOSE, "        raise LoginFailed(\"token_alg\")\n", "        pass\n", _BACK + "_wrong_alg"),
    Mutant("logout: any issuer", _WEB, "if provider.issuer == issuer and provider.client_id in audience:", "if provider.client_id in audience:", _BACK + "_wrong_iss"),
    Mutant("logout: any audience", _WEB, "if provider.issuer == issuer and provider.client_id in audience:", "if provider.issuer == issuer:", _BACK + "_wrong_aud"),
    Mutant("logout: no event", _LOGOUT, "    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):\n        raise LoginFailed(\"logout_token_events\")\n", "", _BACK + "_no_event"),
    Mutant("logout: any event", _LOGOUT, " or not isinstance(events.get(EVENT), dict)", "", _BACK + "_wrong_event"),
    Mutant("logout: a nonce", _LOGOUT, "    if \"nonce\" in claims:\n        raise LoginFailed(\"logout_token_nonce\")\n", "", _BACK + "_with_nonce"),
    Mutant("logout: an old token", _LOGOUT, "        raise LoginFailed(\"logout_token_iat\")\n", "        pass\n", _OUT + "test_an_old_logout_token_ends_nothing"),
    Mutant("logout: of nobody", _LOGOUT, "    if not sub and not sid:\n        raise LoginFailed(\"logout_token_nobody\")\n", "", _OUT + "test_a_logout_token_of_nobody_ends_nothing"),
    Mutant("logout: claims may be missing", _LOGOUT, "required=(\"iss\", \"aud\", \"iat\", \"exp\", \"jti\"))", "required=(\"iss\", \"aud\"))", _OUT + "test_a_logout_token_that_lacks_a_claim_ends_nothing"),
    Mutant("logout: any type", _LOGOUT, ", types=TYPES)", ", types=frozenset({\"at+jwt\", \"gw-assert+jwt\", \"secevent+jwt\", *TYPES}))", _OUT + "test_a_token_of_another_type_ends_nothing"),
    Mutant("logout: a login under way goes on", "gateway/web/callback.py", "        raise LoginFailed(\"login_ended_meanwhile\")\n", "        pass\n", _OUT + "test_a_logout_during_a_callback_ends_the_login_that_it_meets"),
    Mutant("logout: as often as one likes", _WEB, "        if await services.logout_tokens.is_spent(provider, leaving.jti):\n            raise LoginFailed(\"logout_token_replayed\")\n", "", _OUT + "test_a_logout_token_counts_once"),
    Mutant("logout: spent before its work is done", _WEB, "        if await services.logout_tokens.is_spent(provider, leaving.jti):\n            raise LoginFailed(\"logout_token_replayed\")\n", "        if await services.logout_tokens.is_spent(provider, leaving.jti):\n            raise LoginFailed(\"logout_token_replayed\")\n        await services.logout_tokens.spend(provider, leaving.jti)\n", _OUT + "test_the_retry_of_a_logout_that_the_store_failed_ends_the_session_and_only_then_counts"),
    Mutant("logout: keys fetched for each", _OIDC, "            at_most_every_s=REFETCH_UNASKED_S,\n", "            at_most_every_s=0,\n", _OUT + "test_unknown_keys_make_us_fetch_once_a_minute_at_most"),
    Mutant("logout: agents stay", _WEB, "    return people + await services.agents.revoke(provider=provider, sub=sub, sid=sid)", "    return people", _OUT + "test_a_logout_at_the_provider_ends_an_agents_session_too"),
    Mutant("an agent's logout leads nowhere", "gateway/web/agents.py", "    return with_form_targets(page, services, [settings.agents_provider])\n\n\nasync def _sign_in", "    return page\n\n\nasync def _sign_in", _ORIGINS + "test_an_agent_comes_and_leaves_through_endpoints_that_are_on_another_origin_than_the_issuer"),
    Mutant("a form leads to no other host of ours", "gateway/web/leaving.py", "    if onward and not onward.startswith(\"/\"):\n", "    if False:\n", _ORIGINS + "test_a_provider_that_knows_the_person_sends_them_on_at_once_to_another_host_of_ours"),
    Mutant("frame: any issuer", _WEB, "if provider.issuer == issuer]", "]", _OUT + "test_a_frame_that_does_not_name_issuer_and_session_ends_nothing"),
    Mutant("frame: no session named", _WEB, " or not 0 < len(sid) <= SID_AT_MOST", "", _OUT + "test_a_frame_that_does_not_name_issuer_and_session_ends_nothing"),
    Mutant("frame: as many as one likes", _WEB, "sid=sid, signed=False)", "sid=sid)", _OUT + "test_frames_that_anybody_opens_take_a_bounded_room"),
    Mutant("frame: anybody's", _WEB, "frame-ancestors {' '.join(sorted(origins))}", "frame-ancestors *", _OUT + "test_oidcc_client_test_rp_frontchannel_rpinitlogout"),
)  # fmt: skip
