"""One refusal of a path, a host or a method removed at a time."""

from tests.mutants import Mutant

_PATHS = "gateway/core/paths.py"
_ROUTING = "gateway/core/routing.py"
_READ = "tests/unit/test_paths.py::"
_ROUTED = "tests/unit/test_routing.py::"
_CONFUSED = "tests/attack/test_paths.py::"
_TWO_READINGS = _READ + "test_what_has_two_readings_is_refused"
_IRREGULAR = _READ + "test_an_irregular_spelling_needs_a_route_that_allows_it"
_HOST = _ROUTED + "test_a_malformed_host_is_refused"

PATHS: tuple[Mutant, ...] = (
    Mutant("a glance misses a dot segment", _PATHS, "(?!\\.\\.?(?:[/?]|\\Z))", "", _TWO_READINGS),
    Mutant("a glance misses the last dot segment", _PATHS, "(?:[/?]|\\Z))", "/)", _TWO_READINGS),
    Mutant("a glance misses an empty segment", _PATHS, ",=:@]++)++/?)", ",=:@]*+)++/?)", _TWO_READINGS),
    Mutant("a glance misses a semicolon", _PATHS, "()*+,=:@]++", "()*+,;=:@]++", _IRREGULAR),
    Mutant("a glance misses an escape", _PATHS, "()*+,=:@]++", "()*+,=:@%]++", _TWO_READINGS),
    Mutant("a glance misses a character of the query", _PATHS, "([!$-;=?-~]*+)", "(.*+)", _TWO_READINGS),
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
    Mutant(
        "a double encoding passes",
        _PATHS,
        "    if _DOUBLE_ENCODING.search(wire):\n",
        "    if False:\n",
        _TWO_READINGS,
    ),
    Mutant("an encoded %u escape passes", _PATHS, "|[uU][0-9A-Fa-f]{4})", ")", _TWO_READINGS),
    Mutant(
        "parameters may hold an encoded slash",
        _PATHS,
        '    if "%2F" in wire and any(',
        "    if False and any(",
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
        "    if method not in USUAL_METHODS and not _METHOD.fullmatch(method):",
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

MUTANTS: tuple[Mutant, ...] = PATHS + ROUTES
