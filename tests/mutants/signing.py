"""One part of what is signed, or one limit of it, removed at a time."""

from tests.mutants import Mutant

_BOUND = "gateway/core/signing/bound.py"
_JWT = "gateway/core/signing/jwt.py"
_HMAC = "gateway/core/signing/hmac_form.py"
_RFC9421 = "gateway/core/signing/rfc9421.py"
_SIGNED = "tests/unit/test_signing.py::"
_PROPERTIES = "tests/property/test_signing_properties.py::"
_DIFFER = _PROPERTIES + "test_requests_that_differ_have_signatures_that_differ"
_CLAIMS = _SIGNED + "test_the_claims_name_one_request_one_person_and_every_value"
_COVERED = _SIGNED + "test_a_message_signature_covers_the_request_the_body_and_every_value"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a claim has no length",
        _BOUND,
        "    if any(len(text) > MAX_CLAIM_CHARACTERS for text in leaves(texts)):",
        "    if False:",
        _SIGNED + "test_a_claim_over_255_characters_refuses_the_request",
    ),
    Mutant(
        "a host has no length",
        _JWT,
        "        if len(bound.authority) > MAX_CLAIM_CHARACTERS:",
        "        if False:",
        _SIGNED + "test_a_host_over_255_characters_refuses_the_request",
    ),
    Mutant(
        "an assertion has no length",
        _JWT,
        "        if len(assertion) > MAX_SIGNATURE_BYTES:",
        "        if False:",
        _SIGNED + "test_what_needs_over_4_kb_refuses_the_request",
    ),
    Mutant(
        "signed headers have no length",
        _BOUND,
        "    if sum(len(name) + len(value) for name, value in headers) > MAX_SIGNATURE_BYTES:",
        "    if False:",
        _SIGNED + "test_what_needs_over_4_kb_refuses_the_request",
    ),
    Mutant(
        "a digest gone astray reads as a stream",
        _BOUND,
        "        if (self.mode is BodyMode.DIGEST) is (self.digest is None):",
        "        if False:",
        _SIGNED + "test_a_mode_that_its_digest_contradicts_is_a_defect",
    ),
    Mutant(
        "a message signature has no length",
        _RFC9421,
        "        if len(said) + len(signed) > MAX_SIGNATURE_BYTES:",
        "        if False:",
        _SIGNED + "test_the_names_alone_may_be_too_many_for_a_message_signature",
    ),
    Mutant(
        "one header is injected under two spellings",
        _BOUND,
        "len({fold(name) for name, _ in statement.headers})",
        "len({name.lower() for name, _ in statement.headers})",
        _SIGNED + "test_a_header_injected_twice_is_a_defect",
    ),
    Mutant(
        "nobody has an identity",
        _BOUND,
        "    if statement.subject is None and any(",
        "    if False and any(",
        _SIGNED + "test_an_identity_without_a_subject_is_a_defect",
    ),
    Mutant("a signature lives for an hour", _BOUND, "LIFETIME_S = 30", "LIFETIME_S = 3600", _CLAIMS),
    Mutant(
        "the claims leave the target out",
        _JWT,
        'encode_basestring_ascii(bound.target.decode("ascii"))',
        'encode_basestring_ascii("/")',
        _DIFFER,
    ),
    Mutant(
        "the claims take the target as it is",
        _JWT,
        'encode_basestring_ascii(bound.target.decode("ascii"))',
        "chr(34) + bound.target.decode() + chr(34)",
        _PROPERTIES + "test_the_claims_read_back_as_they_were",
    ),
    Mutant("the claims leave the body out", _JWT, ',"bod":"{digest_label(sha256)}"', "", _DIFFER),
    Mutant("the claims leave the host out", _JWT, 'bound.authority.decode("ascii")', '"ville.fr"', _DIFFER),
    Mutant("the claims leave the headers out", _JWT, "    if statement.headers:", "    if False:", _CLAIMS),
    Mutant(
        "the fields of the MAC have no length",
        _HMAC,
        '[b"%d:%b\\n" % (len(value), value) for',
        '[b"%b\\n" % value for',
        _PROPERTIES + "test_a_line_feed_does_not_end_a_field_of_the_mac",
    ),
    Mutant(
        "the MAC leaves the target out",
        _HMAC,
        "bound.authority, bound.target, body)",
        "bound.authority, body)",
        _DIFFER,
    ),
    Mutant("the MAC leaves the body out", _HMAC, "bound.target, body)", "bound.target)", _DIFFER),
    Mutant(
        "the MAC leaves the headers out",
        _HMAC,
        "            self._headers,\n",
        '            b"",\n',
        _PROPERTIES + "test_headers_that_differ_have_signatures_that_differ",
    ),
    Mutant(
        "the MAC leaves the policy out",
        _HMAC,
        "            self._policy,\n",
        '            b"",\n',
        _PROPERTIES + "test_the_audience_and_the_policy_are_signed_in_every_form",
    ),
    Mutant(
        "the MAC leaves the token out",
        _HMAC,
        "_fields(time, token, decision)",
        "_fields(time, decision)",
        _SIGNED + "test_the_mac_is_over_every_field_with_its_length",
    ),
    Mutant(
        "the secret is not used",
        _HMAC,
        "hmac.new(secret, start",
        'hmac.new(b"", start',
        _SIGNED + "test_the_mac_is_over_every_field_with_its_length",
    ),
    Mutant("the message leaves the query out", _RFC9421, "                query,\n", '                b"",\n', _DIFFER),
    Mutant(
        "the message leaves the body out", _RFC9421, "                body[1],\n", '                b"",\n', _DIFFER
    ),
    Mutant(
        "the message leaves the headers out",
        _RFC9421,
        "                self._lines,\n",
        '                b"",\n',
        _COVERED,
    ),
    Mutant(
        "the message covers what it does not name",
        _RFC9421,
        '" ".join(name for name, _ in covered)',
        '" ".join(name for name, _ in covered[:2])',
        _COVERED,
    ),
    Mutant(
        "the parameters are not signed",
        _RFC9421,
        "+ said[len(LABEL) + 1 :]",
        '+ b""',
        _SIGNED + "test_a_message_signature_holds_with_the_published_key_and_no_longer_once_changed",
    ),
    Mutant(
        "letters outside ASCII enter the signature base",
        _RFC9421,
        "    if value.isascii():",
        "    if True:",
        _SIGNED + "test_a_value_outside_ascii_is_wrapped_in_the_signature_base",
    ),
)
