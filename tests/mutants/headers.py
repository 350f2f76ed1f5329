"""One refusal of a header, a value or a key removed at a time."""

from tests.mutants import Mutant

_HEADERS = "gateway/core/headers.py"
_ENCODINGS = "gateway/core/encodings.py"
_FORWARDED = "gateway/core/forwarded.py"
_KEYS = "gateway/adapters/keys.py"
_CLEANED = "tests/unit/test_headers.py::"
_ENCODED = "tests/unit/test_encodings.py::"
_CLIENT = "tests/unit/test_forwarded.py::"
_LOADED = "tests/contract/test_keys.py::"
_SMUGGLED = "tests/attack/test_header_smuggling.py::"
_FIELD = _CLEANED + "test_a_malformed_field_is_refused"

HEADERS: tuple[Mutant, ...] = (
    Mutant(
        "a name may be any bytes",
        _HEADERS,
        '    if not _TOKEN.fullmatch(name):\n        raise RequestRejected("header_malformed")\n',
        "",
        _FIELD,
    ),
    Mutant("a value may hold controls", _HEADERS, "    if _holds_control(joined) or (", "    if (", _FIELD),
    Mutant(
        "a value may hold C1 controls",
        _HEADERS,
        " or (not joined.isascii() and any(map(_hides_c1, values))):",
        ":",
        _FIELD,
    ),
    Mutant(
        "singletons may come twice",
        _HEADERS,
        "    if len(once) != len(set(once)):",
        "    if False:",
        _CLEANED + "test_a_second_singleton_is_refused",
    ),
    Mutant(
        "a second framing under another spelling passes",
        _HEADERS,
        "    if any(role == _ALIAS for role, _, _ in special):",
        "    if False:",
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
        "stripped | (nominated - END_TO_END) if",
        "stripped | nominated if",
        _CLEANED + "test_a_nominated_header_is_dropped_and_an_essential_one_is_kept",
    ),
    Mutant(
        "nominated headers are forwarded",
        _HEADERS,
        "stripped | (nominated - END_TO_END) if",
        "stripped if",
        _CLEANED + "test_a_nominated_header_is_dropped_and_an_essential_one_is_kept",
    ),
    Mutant(
        "hop-by-hop headers are forwarded",
        _HEADERS,
        "folded in HOP_BY_HOP or folded in FRAMING or",
        "folded in FRAMING or",
        _CLEANED + "test_hop_by_hop_and_framing_are_the_gateways_own",
    ),
    Mutant(
        "the client writes the framing",
        _HEADERS,
        "folded in HOP_BY_HOP or folded in FRAMING or",
        "folded in HOP_BY_HOP or",
        _CLEANED + "test_hop_by_hop_and_framing_are_the_gateways_own",
    ),
    Mutant(
        "the headers of the policies are not removed",
        _HEADERS,
        "    dropped = stripped | (nominated - END_TO_END) if nominated else stripped",
        "    dropped = nominated - END_TO_END",
        _CLEANED + "test_a_client_copy_is_removed_under_every_spelling",
    ),
    Mutant(
        "the known families are not removed",
        _HEADERS,
        ' or folded == "cookie" or _is_stripped(folded)',
        ' or folded == "cookie"',
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
        '        if not _is_ours(pair.lstrip(b" \\t=").partition(b"=")[0].rstrip(b" \\t"), own_cookies)\n',
        "",
        _CLEANED + "test_our_cookies_are_taken_out_and_their_neighbours_left",
    ),
    Mutant(
        "a space hides our cookie",
        _HEADERS,
        '_is_ours(pair.lstrip(b" \\t=").partition(b"=")[0].rstrip(b" \\t"), own_cookies)',
        '_is_ours(pair.partition(b"=")[0], own_cookies)',
        _CLEANED + "test_our_cookies_are_taken_out_and_their_neighbours_left",
    ),
    Mutant(
        "hop-by-hop headers come back",
        _HEADERS,
        "    passes = folded not in HOP_BY_HOP and not",
        "    passes = not",
        _CLEANED + "test_hop_by_hop_is_dropped_on_the_way_back_too",
    ),
    Mutant(
        "what an upstream nominates comes back",
        _HEADERS,
        "_nominated_in(fields) - END_TO_END if",
        "frozenset() if",
        _CLEANED + "test_hop_by_hop_is_dropped_on_the_way_back_too",
    ),
    Mutant(
        "an upstream speaks for the gateway",
        _HEADERS,
        ' and not folded.startswith("xgateway")',
        "",
        _CLEANED + "test_an_upstream_sets_its_own_cookies_and_never_ours",
    ),
    Mutant(
        "an upstream sets our cookie",
        _HEADERS,
        " if not _sets_ours(field, own_cookies)]",
        "]",
        _CLEANED + "test_an_upstream_sets_its_own_cookies_and_never_ours",
    ),
    Mutant(
        "an upstream may answer under any name",
        _HEADERS,
        '    if not _TOKEN.fullmatch(name):\n        raise DependencyFailed("upstream", "upstream_header_malformed")\n',
        "",
        _CLEANED + "test_a_malformed_answer_is_the_upstreams_fault",
    ),
    Mutant(
        "an upstream may answer any bytes",
        _HEADERS,
        '    if _holds_control(b"".join([value for _, value in fields])):',
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
        "        return pair\n",
        "        return signature\n",
        _LOADED + "test_another_library_verifies_with_the_published_key",
    ),
)

MUTANTS: tuple[Mutant, ...] = HEADERS + VALUES
