"""One refusal of a path, a host, a header or a value removed at a time."""

from tests.mutants import Mutant

_PATHS = "gateway/core/paths.py"
_ROUTING = "gateway/core/routing.py"
_HEADERS = "gateway/core/headers.py"
_ENCODINGS = "gateway/core/encodings.py"
_SIGNING = "gateway/core/signing.py"
_FORWARDED = "gateway/core/forwarded.py"
_KEYS = "gateway/adapters/keys.py"

_READ = "tests/unit/test_paths.py::"
_ROUTED = "tests/unit/test_routing.py::"
_CLEANED = "tests/unit/test_headers.py::"
_ENCODED = "tests/unit/test_encodings.py::"
_SIGNED = "tests/unit/test_signing.py::"
_CLIENT = "tests/unit/test_forwarded.py::"
_LOADED = "tests/contract/test_keys.py::"
_CONFUSED = "tests/attack/test_paths.py::"
_SMUGGLED = "tests/attack/test_header_smuggling.py::"

_TWO_READINGS = _READ + "test_what_has_two_readings_is_refused"
_IRREGULAR = _READ + "test_an_irregular_spelling_needs_a_route_that_allows_it"
_HOST = _ROUTED + "test_a_malformed_host_is_refused"
_FIELD = _CLEANED + "test_a_malformed_field_is_refused"

PATHS: tuple[Mutant, ...] = (
    Mutant("a target may hold a fragment", _PATHS, '    if b"#" in raw:', "    if False:", _TWO_READINGS),
    Mutant(
        "a target need not begin with a slash",
        _PATHS,
        '    if not raw.startswith(b"/"):',
        "    if False:",
        _TWO_READINGS,
    ),
    Mutant(
        "raw controls pass",
        _PATHS,
        '    ("path_control", re.compile(rb"[\\x00-\\x1f\\x7f]")),\n',
        "",
        _TWO_READINGS,
    ),
    Mutant(
        "a backslash is a letter",
        _PATHS,
        '    ("path_backslash", re.compile(rb"\\\\|%5c", re.IGNORECASE)),\n',
        "",
        _TWO_READINGS,
    ),
    Mutant("an encoded backslash passes", _PATHS, 'rb"\\\\|%5c"', 'rb"\\\\"', _TWO_READINGS),
    Mutant("a backslash in upper-case hex passes", _PATHS, '%5c", re.IGNORECASE', '%5c"', _TWO_READINGS),
    Mutant(
        "any byte is a path character",
        _PATHS,
        """    ("path_bad_character", re.compile(rb"[^A-Za-z0-9\\-._~!$&'()*+,;=:@%/]")),\n""",
        "",
        _TWO_READINGS,
    ),
    Mutant(
        "a bad escape passes",
        _PATHS,
        '    ("path_bad_escape", re.compile(rb"%(?![0-9A-Fa-f]{2})")),\n',
        "",
        _TWO_READINGS,
    ),
    Mutant("an empty segment passes", _PATHS, '    ("path_double_slash", re.compile(rb"//")),\n', "", _TWO_READINGS),
    Mutant(
        "a double encoding passes",
        _PATHS,
        '    ("path_double_encoding", re.compile(r"%25(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})")),\n',
        "",
        _TWO_READINGS,
    ),
    Mutant("an encoded %u escape passes", _PATHS, "|[uU][0-9A-Fa-f]{4})", ")", _TWO_READINGS),
    Mutant(
        "parameters may hold an encoded slash",
        _PATHS,
        '    ("path_encoded_slash", re.compile(r";[^/]*%2F")),\n',
        "",
        _TWO_READINGS,
    ),
    Mutant(
        "unreserved escapes stay encoded",
        _PATHS,
        "    return character if character in _UNRESERVED else escape[0].upper()",
        "    return escape[0].upper()",
        _CONFUSED + "test_another_spelling_of_a_protected_path_stays_protected",
    ),
    Mutant(
        "an overlong sequence is read loosely",
        _PATHS,
        '.decode("utf-8")\n    except',
        '.decode("utf-8", "ignore")\n    except',
        _TWO_READINGS,
    ),
    Mutant("encoded controls pass", _PATHS, "    if _CONTROLS.search(text):", "    if False:", _TWO_READINGS),
    Mutant("C1 controls pass", _PATHS, r'"[\x00-\x1f\x7f-\x9f]"', r'"[\x00-\x1f\x7f]"', _TWO_READINGS),
    Mutant("dot segments pass", _PATHS, "    if _has_dot_segment(text):", "    if False:", _TWO_READINGS),
    Mutant("parameters hide a dot segment", _PATHS, '.partition(";")[0].strip() in', ".strip() in", _TWO_READINGS),
    Mutant("a space hides a dot segment", _PATHS, '(";")[0].strip() in', '(";")[0] in', _TWO_READINGS),
    Mutant(
        "look-alikes pass",
        _PATHS,
        "    if not text.isascii() and _looks_alike(text):",
        "    if False:",
        _TWO_READINGS,
    ),
    Mutant("Windows' best fit is forgotten", _PATHS, "text.translate(_BEST_FIT)", "text", _TWO_READINGS),
    Mutant(
        "look-alikes of a dot segment pass",
        _PATHS,
        ' for mark in "/\\\\;%") or _has_dot_segment(folded)',
        ' for mark in "/\\\\;%")',
        _TWO_READINGS,
    ),
    Mutant("parameters may leave an empty segment", _PATHS, '    if "//" in path:', "    if False:", _TWO_READINGS),
    Mutant(
        "policy sees the parameters",
        _PATHS,
        '    path = _PARAMETERS.sub("", wire)',
        "    path = wire",
        _CONFUSED + "test_path_parameters_do_not_hide_the_protected_segment",
    ),
    Mutant(
        "a semicolon is regular", _PATHS, "        found.append(PathException.SEMICOLON)", "        pass", _IRREGULAR
    ),
    Mutant("an encoded semicolon is regular", _PATHS, '";" in wire or "%3B" in wire', '";" in wire', _IRREGULAR),
    Mutant(
        "an encoded slash is regular",
        _PATHS,
        "        found.append(PathException.ENCODED_SLASH)",
        "        pass",
        _IRREGULAR,
    ),
    Mutant(
        "every route admits every spelling",
        _PATHS,
        "    _refuse(target.irregular - route.allow_in_path)",
        "    _refuse(frozenset())",
        _IRREGULAR,
    ),
    Mutant(
        "a configured path may be irregular",
        _PATHS,
        "    _refuse(target.irregular)\n",
        "",
        _READ + "test_a_path_in_the_configuration_is_as_strict",
    ),
    Mutant(
        "a configured path may hold a query",
        _PATHS,
        '    if b"?" in raw:',
        "    if False:",
        _READ + "test_a_path_in_the_configuration_is_as_strict",
    ),
    Mutant("a query may hold controls", _PATHS, "    if _QUERY_CONTROL.search(query):", "    if False:", _TWO_READINGS),
    Mutant("a query may hold anything", _PATHS, "    if _QUERY_REFUSED.search(query):", "    if False:", _TWO_READINGS),
)

ROUTES: tuple[Mutant, ...] = (
    Mutant(
        "any word is a method",
        _ROUTING,
        "    if not _METHOD.fullmatch(method):",
        "    if False:",
        _ROUTED + "test_a_method_is_an_upper_case_token",
    ),
    Mutant(
        "an upstream that decodes first is led elsewhere",
        _ROUTING,
        "        if decoded != path and _match(root, decoded, method) is not found:",
        "        if False:",
        _ROUTED + "test_an_encoded_slash_that_would_lead_elsewhere_once_decoded_is_refused",
    ),
    Mutant(
        "TRACE may be listed",
        _ROUTING,
        " - NEVER_ROUTED:",
        ":",
        _ROUTED + "test_trace_and_connect_are_never_routed",
    ),
    Mutant(
        "the last of two equal routes wins",
        _ROUTING,
        "        if method in routes:",
        "        if False:",
        _ROUTED + "test_two_routes_for_one_request_are_an_error",
    ),
    Mutant(
        "a refused method falls back to a shorter route",
        _ROUTING,
        "    if leaf.whole:\n",
        "    if method in leaf.whole:\n",
        _ROUTED + "test_a_method_that_the_route_excludes_never_falls_back_to_a_shorter_route",
    ),
    Mutant(
        "a form posted to a folder without its slash is redirected",
        _ROUTING,
        '    if method in {"GET", "HEAD"}:',
        "    if True:",
        _ROUTED + "test_a_folder_without_its_slash_is_redirected_for_a_reader_only",
    ),
    Mutant("a port has no end", _ROUTING, "    if port is not None and port > 65_535:", "    if False:", _HOST),
    Mutant("a host may be any text", _ROUTING, " if raw.isascii() else None", "", _HOST),
    Mutant(
        "half an address is a name",
        _ROUTING,
        "_address(host) if _is_address(host) else _name(host)",
        "_name(host)",
        _HOST,
    ),
    Mutant("a hexadecimal address is a name", _ROUTING, "|0x[0-9a-f]*", "", _HOST),
    Mutant("a name has no length", _ROUTING, "    if len(host) > 253 or not all(", "    if not all(", _HOST),
    Mutant(
        "labels are not looked at",
        _ROUTING,
        '    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):',
        "    if len(host) > 253:",
        _HOST,
    ),
)

HEADERS: tuple[Mutant, ...] = (
    Mutant(
        "a name may be any bytes",
        _HEADERS,
        "not _TOKEN.fullmatch(name) or _CONTROL.search(value) or ",
        "_CONTROL.search(value) or ",
        _FIELD,
    ),
    Mutant("a value may hold controls", _HEADERS, " or _CONTROL.search(value) or _hides_c1", " or _hides_c1", _FIELD),
    Mutant("a value may hold C1 controls", _HEADERS, " or _hides_c1(value):", ":", _FIELD),
    Mutant(
        "singletons may come twice",
        _HEADERS,
        "    _refuse_duplicates(fields)\n",
        "",
        _CLEANED + "test_a_second_singleton_is_refused",
    ),
    Mutant(
        "a second framing under another spelling passes",
        _HEADERS,
        "    _refuse_aliases(fields)\n",
        "",
        _CLEANED + "test_an_alias_of_an_essential_header_is_refused",
    ),
    Mutant(
        "the framing may be nominated",
        _HEADERS,
        "    if nominated & FRAMING:",
        "    if False:",
        _CLEANED + "test_nominating_the_framing_is_refused",
    ),
    Mutant(
        "a nomination takes cookies away",
        _HEADERS,
        " | stripped | (nominated - END_TO_END)",
        " | stripped | nominated",
        _CLEANED + "test_a_nominated_header_is_dropped_and_an_essential_one_is_kept",
    ),
    Mutant(
        "nominated headers are forwarded",
        _HEADERS,
        " | stripped | (nominated - END_TO_END)",
        " | stripped",
        _CLEANED + "test_a_nominated_header_is_dropped_and_an_essential_one_is_kept",
    ),
    Mutant(
        "hop-by-hop headers are forwarded",
        _HEADERS,
        "    dropped = HOP_BY_HOP | FRAMING | stripped",
        "    dropped = FRAMING | stripped",
        _CLEANED + "test_hop_by_hop_and_framing_are_the_gateways_own",
    ),
    Mutant(
        "the client writes the framing",
        _HEADERS,
        "    dropped = HOP_BY_HOP | FRAMING | stripped",
        "    dropped = HOP_BY_HOP | stripped",
        _CLEANED + "test_hop_by_hop_and_framing_are_the_gateways_own",
    ),
    Mutant(
        "the headers of the policies are not removed",
        _HEADERS,
        "FRAMING | stripped | (",
        "FRAMING | (",
        _CLEANED + "test_a_client_copy_is_removed_under_every_spelling",
    ),
    Mutant(
        "the known families are not removed",
        _HEADERS,
        " and not _is_stripped(field.folded)]",
        "]",
        _SMUGGLED + "test_a_forged_identity_is_removed_under_every_spelling",
    ),
    Mutant(
        "underscores tell two names apart",
        _HEADERS,
        "byte < 0x80 and chr(byte).isalnum()",
        "byte < 0x80 and (chr(byte).isalnum() or byte == 0x5F)",
        _CLEANED + "test_a_client_copy_is_removed_under_every_spelling",
    ),
    Mutant(
        "CGI aliases pass",
        _HEADERS,
        "SSL-Client- HTTP_ REDIRECT",
        "SSL-Client- REDIRECT",
        _SMUGGLED + "test_a_forged_identity_is_removed_under_every_spelling",
    ),
    Mutant(
        "Authorization is taken for an identity header",
        _HEADERS,
        " and folded not in _NOT_IDENTITY",
        "",
        _CLEANED + "test_what_belongs_to_the_application_passes",
    ),
    Mutant(
        "our cookie is forwarded",
        _HEADERS,
        ' if pair.partition(b"=")[0].strip(b" \\t") not in own_cookies]',
        "]",
        _CLEANED + "test_our_cookies_are_taken_out_and_their_neighbours_left",
    ),
    Mutant(
        "a space hides our cookie",
        _HEADERS,
        '[pair for pair in line.split(b";") if pair.partition(b"=")[0].strip(b" \\t") not in',
        '[pair for pair in line.split(b";") if pair.partition(b"=")[0] not in',
        _CLEANED + "test_our_cookies_are_taken_out_and_their_neighbours_left",
    ),
    Mutant(
        "hop-by-hop headers come back",
        _HEADERS,
        "    dropped = HOP_BY_HOP | (_nominated(fields) - END_TO_END)",
        "    dropped = _nominated(fields) - END_TO_END",
        _CLEANED + "test_hop_by_hop_is_dropped_on_the_way_back_too",
    ),
    Mutant(
        "an upstream sets our cookie",
        _HEADERS,
        " and not _is_ours(field, own_cookies)]",
        "]",
        _CLEANED + "test_an_upstream_sets_its_own_cookies_and_never_ours",
    ),
    Mutant(
        "an upstream may answer any bytes",
        _HEADERS,
        "    if not _TOKEN.fullmatch(name) or _CONTROL.search(value):",
        "    if False:",
        _CLEANED + "test_a_malformed_answer_is_the_upstreams_fault",
    ),
    Mutant(
        "a public answer stays public",
        _HEADERS,
        'not in {b"public", b"private", b"s-maxage"}',
        'not in {b"private", b"s-maxage"}',
        _CLEANED + "test_an_answer_to_a_person_is_never_shared",
    ),
    Mutant(
        "shared caches keep what s-maxage says",
        _HEADERS,
        'not in {b"public", b"private", b"s-maxage"}',
        'not in {b"public", b"private"}',
        _CLEANED + "test_an_answer_to_a_person_is_never_shared",
    ),
)

VALUES: tuple[Mutant, ...] = (
    Mutant(
        "an empty value is a header",
        _ENCODINGS,
        "    if not text:",
        "    if False:",
        _ENCODED + "test_no_encoding_carries_controls_or_nothing",
    ),
    Mutant(
        "a value may end its header",
        _ENCODINGS,
        '        if category == "Cc":',
        "        if False:",
        _SMUGGLED + "test_a_claim_that_would_end_its_header_is_refused",
    ),
    Mutant(
        "JSON hides a control",
        _ENCODINGS,
        "        _refuse_controls(leaf)",
        "        pass",
        _ENCODED + "test_a_control_within_a_structure_is_refused",
    ),
    Mutant(
        "outer spaces are lost",
        _ENCODINGS,
        '    if text != text.strip(" "):',
        "    if False:",
        _ENCODED + "test_outer_spaces_are_lost_in_a_raw_header_and_kept_in_an_encoded_one",
    ),
    Mutant(
        "letters outside Latin-1 become question marks",
        _ENCODINGS,
        "text.encode(charset)",
        'text.encode(charset, "replace")',
        _ENCODED + "test_latin_1_carries_its_letters_and_refuses_the_others",
    ),
    Mutant(
        "a claim has no length",
        _SIGNING,
        "    if any(len(text) > MAX_CLAIM_CHARACTERS for text in texts):",
        "    if False:",
        _SIGNED + "test_a_claim_over_255_characters_refuses_the_request",
    ),
    Mutant(
        "an assertion has no length",
        _SIGNING,
        "    if len(assertion) > MAX_ASSERTION_BYTES:",
        "    if False:",
        _SIGNED + "test_an_assertion_over_4_kb_refuses_the_request",
    ),
    Mutant(
        "the target is not signed",
        _SIGNING,
        ' "htp": bound.target,',
        ' "htp": "/",',
        "tests/property/test_signing_properties.py::test_requests_that_differ_have_claims_that_differ",
    ),
    Mutant(
        "the body is not signed",
        _SIGNING,
        '        claims["bod"] = bound.digest',
        "        pass",
        "tests/property/test_signing_properties.py::test_requests_that_differ_have_claims_that_differ",
    ),
    Mutant(
        "the assertion lives for an hour",
        _SIGNING,
        "LIFETIME_S = 30",
        "LIFETIME_S = 3600",
        _SIGNED + "test_the_claims_name_one_request_one_person_and_every_value",
    ),
    Mutant(
        "an empty list of proxies trusts everybody",
        _FORWARDED,
        "    return any(address in network for network in trusted)",
        "    return not trusted or any(address in network for network in trusted)",
        _CLIENT + "test_an_empty_list_believes_nobody",
    ),
    Mutant(
        "any curve may sign",
        _KEYS,
        "    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):",
        "    if isinstance(key, ec.EllipticCurvePrivateKey):",
        _LOADED + "test_a_key_that_cannot_sign_is_refused_with_a_lesson",
    ),
    Mutant(
        "an elliptic signature is left in DER",
        _KEYS,
        '        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")',
        "        return key.sign(message, ec.ECDSA(hashes.SHA256()))",
        _LOADED + "test_another_library_verifies_with_the_published_key",
    ),
)

MUTANTS: tuple[Mutant, ...] = PATHS + ROUTES + HEADERS + VALUES
