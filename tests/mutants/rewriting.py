"""One caution of the rewriting removed at a time."""

from tests.mutants import Mutant

_REWRITING = "gateway/core/rewriting.py"
_UNIT = "tests/unit/test_rewriting.py::"
_ATTACK = "tests/attack/test_rewriting.py::"
_THERE_AND_BACK = "tests/property/test_rewriting_properties.py::test_there_and_back_is_where_one_was"
_FOREIGN = _ATTACK + "test_a_place_that_only_resembles_the_upstream_is_left_to_be_what_it_is"
_COOKIE = _UNIT + "test_a_cookie_of_the_upstream_is_one_of_the_public_host"
_COOKIE_PATH = _UNIT + "test_a_cookies_path_is_the_one_that_the_browser_asks_for"
_UNDONE = _UNIT + "test_the_prefix_rules_are_undone"
_SENT = _UNIT + "test_a_target_is_sent_without_its_public_prefix_and_with_the_upstreams"

TARGETS: tuple[Mutant, ...] = (
    Mutant(
        "what the prefix rules make is not read again",
        _REWRITING,
        "    if read_target(sent).wire != sent:",
        "    if False:",
        _UNIT + "test_what_the_rules_make_is_read_again",
    ),
    Mutant(
        "what the prefix rules make is repaired in silence",
        _REWRITING,
        "    if read_target(sent).wire != sent:",
        "    if not read_target(sent).wire:",
        _UNIT + "test_a_rule_that_does_not_write_its_prefix_canonically_serves_nobody",
    ),
    Mutant(
        "a prefix hides under another spelling",
        _REWRITING,
        '    if _below(reread(NormalPath(path.decode("ascii"))).encode("ascii"), prefix) is not None:',
        "    if False:",
        _UNIT + "test_a_prefix_under_another_spelling_is_refused",
    ),
    Mutant("a prefix ends anywhere", _REWRITING, 'path.startswith(prefix + b"/"):', "path.startswith(prefix):", _SENT),
    Mutant("a target may be empty", _REWRITING, '        return rest or b"/"', "        return rest", _SENT),
)

PLACES: tuple[Mutant, ...] = (
    Mutant(
        "every host is the upstream",
        _REWRITING,
        "        if authority.lower() in self.upstreams:",
        "        if authority:",
        _FOREIGN,
    ),
    Mutant(
        "a host may begin as the public one",
        _REWRITING,
        "([^/?#\\t]*+)([^\\t]*+)",
        "(app|ville.fr)([^\\t]*+)",
        _FOREIGN,
    ),
    Mutant(
        "the case of a host matters",
        _REWRITING,
        "        if authority.lower() in self.upstreams:",
        "        if authority in self.upstreams:",
        _UNIT + "test_a_place_at_the_upstream_is_a_place_of_the_public",
    ),
    Mutant(
        "an https page may become an http one",
        _REWRITING,
        ' or (scheme.lower() == b"https" and not self._is_secure):',
        ":",
        _UNIT + "test_nobody_is_sent_from_https_to_http",
    ),
    Mutant(
        "taking a prefix away uncovers a host",
        _REWRITING,
        ' or public.startswith((b"//", b"/\\\\"))',
        "",
        _ATTACK + "test_taking_a_prefix_away_uncovers_no_other_host",
    ),
    Mutant(
        "a tab hides a host",
        _REWRITING,
        'rb"/(?![/\\\\])[^\\t]*"',
        'rb"/(?![/\\\\]).*"',
        _ATTACK + "test_taking_a_prefix_away_uncovers_no_other_host",
    ),
    Mutant("a backslash begins a path", _REWRITING, 'rb"/(?![/\\\\])', 'rb"/(?!/)', _FOREIGN),
    Mutant("dot segments climb out of a prefix", _REWRITING, " or _DOT_SEGMENT.search(path):", ":", _UNDONE),
    Mutant(
        "a prefix is not given back",
        _REWRITING,
        '(self.strip + inner or b"/") + target',
        '(inner or b"/") + target',
        _THERE_AND_BACK,
    ),
    Mutant(
        "a query is taken for a path",
        _REWRITING,
        'target.partition(b"#")[0].partition(b"?")[0]',
        "target",
        _UNDONE,
    ),
    Mutant(
        "an address that has its prefix gets another",
        _REWRITING,
        "        if self.strip and _below(_path(target), self.strip) is not None:",
        "        if False:",
        _UNDONE,
    ),
)

COOKIES: tuple[Mutant, ...] = (
    Mutant(
        "a cookie keeps the upstream's domain",
        _REWRITING,
        'said.removeprefix(b".").lower() in self.hosts for',
        "False for",
        _COOKIE,
    ),
    Mutant(
        "one domain goes and a wider one stays",
        _REWRITING,
        'if each[1] != b"domain"]',
        'if each[1] != b"domain" or each[2].removeprefix(b".").lower() not in self.hosts]',
        _ATTACK + "test_taking_a_domain_away_never_hands_the_cookie_to_a_wider_one",
    ),
    Mutant(
        "an https cookie travels in the clear",
        _REWRITING,
        '            kept.append(b" Secure")',
        "            pass",
        _COOKIE,
    ),
    Mutant("Secure is said twice", _REWRITING, 'all(name != b"secure" for _, name, _ in read)', "True", _COOKIE),
    Mutant(
        "a host cookie loses its path",
        _REWRITING,
        ' or pair.lstrip(_WHITE).lower().startswith(b"__host-"):',
        ":",
        _UNIT + "test_a_host_cookie_keeps_the_only_path_that_it_may_have",
    ),
    Mutant(
        "a cookie for the whole upstream misses the prefix itself",
        _REWRITING,
        '            return self.strip or b"/"',
        '            return self.strip + b"/"',
        _COOKIE_PATH,
    ),
    Mutant(
        "a cookie without a name and a value is one",
        _REWRITING,
        "        if not pair.strip(_WHITE):",
        "        if False:",
        _COOKIE,
    ),
)

MUTANTS: tuple[Mutant, ...] = TARGETS + PLACES + COOKIES
