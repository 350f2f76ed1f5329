"""One rule of HTTP/1.1 removed at a time."""

from tests.mutants import Mutant

_FIELDS = "gateway/core/http1/fields.py"
_REQUEST = "gateway/core/http1/request.py"
_RESPONSE = "gateway/core/http1/response.py"
_CHUNKED = "gateway/core/http1/chunked.py"
_ASKED = "tests/unit/test_http1_request.py::"
_ANSWERED = "tests/unit/test_http1_response.py::"
_CODED = "tests/unit/test_http1_chunked.py::"
_FRAMED = _ASKED + "test_a_body_framed_twice_or_unknowably_is_refused"
_LINE_READ = _ASKED + "test_a_request_line_with_a_second_reading_is_refused"
_FIELD_READ = _ASKED + "test_a_field_line_is_a_name_a_colon_and_a_value"
_TARGET = _ASKED + "test_a_target_of_another_place_or_form_is_refused"
_HOST = _ASKED + "test_a_request_names_one_host"
_UPGRADED = _ASKED + "test_a_websocket_is_asked_for_by_both_fields"
_PROTOCOL = _ASKED + "test_no_other_protocol_is_upgraded_to"
_SIZE = _CODED + "test_a_size_line_with_a_second_reading_is_refused"
_TRAILER = _CODED + "test_a_trailer_is_held_to_the_rules_of_a_head"

HEADS: tuple[Mutant, ...] = (
    Mutant(
        "a name may be any bytes on the wire",
        _FIELDS,
        'name.lower() if _TOKEN.fullmatch(name) else b""',
        "name.lower()",
        _FIELD_READ,
    ),
    Mutant("a field needs no colon", _FIELDS, "if not lower or not colon", "if not lower", _FIELD_READ),
    Mutant(
        "a head may hold controls",
        _FIELDS,
        "    if len(head.translate(None, _CONTROLS)) != len(head):",
        "    if False:",
        _ASKED + "test_no_control_byte_passes",
    ),
    Mutant(
        "a lone line feed ends a line",
        _FIELDS,
        '    if head.count(b"\\n") != ends or ',
        "    if ",
        _ASKED + "test_a_line_ends_with_both_bytes_or_not_at_all",
    ),
    Mutant(
        "a lone carriage return is a letter",
        _FIELDS,
        ' or head.count(b"\\r") != ends:',
        ":",
        _ASKED + "test_a_line_ends_with_both_bytes_or_not_at_all",
    ),
    Mutant(
        "the framing may come twice", _FIELDS, "            elif noticed[lower]:", "            elif False:", _FRAMED
    ),
    Mutant(
        "a length beside a coding is ignored",
        _FIELDS,
        "        if length is not None:",
        "        if False:",
        _FRAMED,
    ),
    Mutant("HTTP/1.0 may be chunked", _FIELDS, "        if not http11:", "        if False:", _FRAMED),
    Mutant(
        "any coding is read as chunked",
        _FIELDS,
        '        if coding.lower() != b"chunked":',
        "        if False:",
        _FRAMED,
    ),
    Mutant(
        "a coding that ends in chunked is chunked",
        _FIELDS,
        '        if coding.lower() != b"chunked":',
        '        if not coding.lower().endswith(b"chunked"):',
        _FRAMED,
    ),
    Mutant(
        "a length is whatever int() reads",
        _FIELDS,
        "    if not LENGTH.fullmatch(length):",
        "    if not LENGTH.search(length):",
        _ASKED + "test_a_length_has_one_spelling",
    ),
    Mutant(
        "spaces may surround the target",
        _REQUEST,
        "`|~0-9A-Za-z]+) ([",
        "`|~0-9A-Za-z]+) +([",
        _LINE_READ,
    ),
    Mutant("a target may hold a space", _REQUEST, r"([\x21-\x7e\x80-\xff]+) HTTP", "(.+) HTTP", _LINE_READ),
    Mutant(
        "any version is HTTP/1.1",
        _REQUEST,
        "    if version not in _VERSIONS:",
        "    if False:",
        _LINE_READ,
    ),
    Mutant("a method may be in lower case", _REQUEST, " or not _METHOD.fullmatch(method):", ":", _LINE_READ),
    Mutant(
        "a method has no length on the wire",
        _REQUEST,
        "    if len(method) > _METHOD_BYTES or not",
        "    if not",
        _LINE_READ,
    ),
    Mutant("CONNECT is a method like another", _REQUEST, '    if method == b"CONNECT":', "    if False:", _LINE_READ),
    Mutant("an empty Host is a host", _REQUEST, "    if not host:", "    if False:", _HOST),
    Mutant("the last Host wins", _REQUEST, 'dict.fromkeys((b"host", ', "dict.fromkeys((", _HOST),
    Mutant(
        "an absolute target outdoes the Host",
        _REQUEST,
        "    if absolute[1].lower() != host.lower():",
        "    if False:",
        _TARGET,
    ),
    Mutant(
        "an unknown expectation is ignored",
        _REQUEST,
        '    if expect.lower() != b"100-continue":',
        "    if False:",
        _ASKED + "test_any_other_expectation_is_refused",
    ),
    Mutant(
        "HTTP/1.0 is told to continue",
        _REQUEST,
        "    return http11 and length != 0",
        "    return length != 0",
        _ASKED + "test_leave_to_send_is_given_to_who_waits_for_it",
    ),
    Mutant(
        "HTTP/1.0 connections are kept",
        _REQUEST,
        "self.keep_alive = http11 and b",
        "self.keep_alive = b",
        _ASKED + "test_a_connection_is_kept_unless_somebody_ends_it",
    ),
    Mutant(
        "nobody ends a connection",
        _REQUEST,
        'self.keep_alive = http11 and b"close" not in block.options',
        "self.keep_alive = http11",
        _ASKED + "test_a_connection_is_kept_unless_somebody_ends_it",
    ),
    Mutant("h2c passes", _REQUEST, ' and protocol != b"websocket"):', " and not protocol):", _PROTOCOL),
    Mutant("HTTP/2 settings pass", _REQUEST, 'b"http2-settings" in block.noticed or ', "", _PROTOCOL),
    Mutant("HTTP/1.0 is upgraded", _REQUEST, "    if not asked or not http11 or", "    if not asked or", _UPGRADED),
    Mutant("an upgrade need not be nominated", _REQUEST, ' or b"upgrade" not in options', "", _UPGRADED),
    Mutant("a connection that closes is upgraded", _REQUEST, ' or b"close" in options:', ":", _UPGRADED),
    Mutant(
        "a body hides in a handshake",
        _REQUEST,
        '    if method != "GET" or length:',
        '    if method != "GET":',
        _PROTOCOL,
    ),
    Mutant("any method shakes hands", _REQUEST, '    if method != "GET" or length:', "    if length:", _PROTOCOL),
)

ANSWERS: tuple[Mutant, ...] = (
    Mutant(
        "any status is a status",
        _RESPONSE,
        "([1-5][0-9]{2})",
        "([0-9]{3})",
        _ANSWERED + "test_a_status_line_with_a_second_reading_is_refused",
    ),
    Mutant(
        "an answer to HEAD has a body",
        _RESPONSE,
        '    if method == "HEAD" or status',
        "    if status",
        _ANSWERED + "test_some_answers_have_no_body_whatever_they_say",
    ),
    Mutant(
        "304 has a body",
        _RESPONSE,
        "_NO_BODY = frozenset({204, 304})",
        "_NO_BODY = frozenset({204})",
        _ANSWERED + "test_some_answers_have_no_body_whatever_they_say",
    ),
    Mutant(
        "an interim answer has a body",
        _RESPONSE,
        " or status < 200:",
        ":",
        _ANSWERED + "test_some_answers_have_no_body_whatever_they_say",
    ),
    Mutant(
        "an answer may be framed twice",
        _RESPONSE,
        '{b"content-length": True, b"transfer-encoding": True, ',
        '{b"content-length": False, b"transfer-encoding": False, ',
        _ANSWERED + "test_an_answer_with_a_second_reading_is_refused",
    ),
    Mutant(
        "an answer without an end is empty",
        _RESPONSE,
        "        return ResponseHead(status, fields, UNTIL_CLOSE, False, method, head)",
        "        return ResponseHead(status, fields, 0, keep, method, head)",
        _ANSWERED + "test_an_answer_ends_where_it_says_or_with_its_connection",
    ),
    Mutant(
        "a connection that its upstream ends is kept",
        _RESPONSE,
        ' and b"close" not in options(noticed.get(b"connection", ()))',
        "",
        _ANSWERED + "test_an_answer_ends_where_it_says_or_with_its_connection",
    ),
    Mutant(
        "an HTTP/1.0 upstream keeps its connection",
        _RESPONSE,
        "    keep = http11 and ",
        "    keep = ",
        _ANSWERED + "test_an_answer_ends_where_it_says_or_with_its_connection",
    ),
)

CODING: tuple[Mutant, ...] = (
    Mutant("a size may be long", _CHUNKED, "[0-9A-Fa-f]{1,15})", "[0-9A-Fa-f]+)", _SIZE),
    Mutant("an extension has no end", _CHUNKED, '{0,%d})?" % EXTENSION_BYTES', '*)?"', _SIZE),
    Mutant(
        "a size line need not end",
        _CHUNKED,
        "            if len(pending) > _SIZE_LINE_BYTES or has_bare_lf(pending):",
        "            if has_bare_lf(pending):",
        _SIZE,
    ),
    Mutant("a lone line feed ends a size line", _CHUNKED, " or has_bare_lf(pending):", ":", _SIZE),
    Mutant(
        "a chunk ends anyhow",
        _CHUNKED,
        '        if not b"\\r\\n".startswith(end):',
        "        if False:",
        _CODED + "test_a_chunk_ends_where_it_says",
    ),
    Mutant(
        "a trailer has no end",
        _CHUNKED,
        "        if len(section) > TRAILER_BYTES or has_bare",
        "        if has_bare",
        _TRAILER,
    ),
    Mutant("a lone line feed ends a trailer line", _CHUNKED, " or has_bare_lf(section):", ":", _TRAILER),
    Mutant("a trailer may be anything", _CHUNKED, "        read_fields(split_lines(section), {})\n", "", _TRAILER),
    Mutant(
        "tiny chunks are never counted",
        _CHUNKED,
        "        if not self._small and self._chunks > MANY_CHUNKS and",
        "        if False and",
        _CODED + "test_a_million_chunks_of_one_byte_are_an_attack_on_who_counts_them",
    ),
    Mutant(
        "an empty piece ends the body",
        _CHUNKED,
        ' if piece else b""',
        "",
        _CODED + "test_a_chunk_is_written_as_it_is_read_and_an_empty_one_is_none",
    ),
)

MUTANTS: tuple[Mutant, ...] = HEADS + ANSWERS + CODING
