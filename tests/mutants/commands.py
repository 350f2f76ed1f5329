"""One check of the operator's commands removed at a time."""

from tests.mutants import Mutant

_KEYS = "gateway/cli/keys.py"
_TEST = "gateway/cli/test.py"
_SALVAGE = "gateway/config/salvage.py"
_KEYS_TESTS = "tests/integration/test_keys_command.py::"
_POLICIES = "tests/integration/test_policy_tests.py::"
_MISTAKES = "tests/integration/test_policy_mistakes.py::"
_FIXTURES = "tests/integration/test_fixtures.py::"
_AT_ONCE = "tests/integration/test_check_at_once.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a new key is written over an old one",
        _KEYS,
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL",
        "os.O_WRONLY | os.O_CREAT | os.O_TRUNC",
        _KEYS_TESTS + "test_a_key_is_never_written_over",
    ),
    Mutant(
        "a new key can be read by everybody",
        _KEYS,
        "0o600",
        "0o644",
        _KEYS_TESTS + "test_a_new_key_signs_and_is_its_owner_s_alone",
    ),
    Mutant(
        "a header that nobody expected passes a policy's test",
        _TEST,
        "    if expect.no_other_headers:",
        "    if False:",
        _POLICIES + "test_a_policy_that_changes_fails_its_tests",
    ),
    Mutant(
        "a failed test of a policy is a success",
        _TEST,
        "    return 1 if failed else 0",
        "    return 0",
        _POLICIES + "test_what_is_otherwise_is_said",
    ),
    Mutant(
        "no test at all is a success",
        _TEST,
        "        return NOTHING_TO_TEST",
        "        return 0",
        _POLICIES + "test_no_test_is_not_a_success",
    ),
    Mutant(
        "a stand-in is judged as if it had been written",
        _SALVAGE,
        "    source.doubtful |= {section, *_FOLLOW.get(section, ())}",
        "    source.doubtful |= set()",
        _AT_ONCE + "test_a_mistake_of_shape_hides_no_other_and_invents_none",
    ),
    Mutant(
        "the lines of routes do not move when one is left out",
        _SALVAGE,
        "    source.lines = dict(_moved(source.lines, moved))\n",
        "",
        _AT_ONCE + "test_a_mistake_of_shape_hides_no_other_and_invents_none",
    ),
    Mutant(
        "the register names the agents' provider to the people served",
        "gateway/cli/register.py",
        "settings.providers_for(policy)]",
        "settings.providers]",
        "tests/contract/test_register.py::test_an_entry_says_what_article_30_asks_for",
    ),
    Mutant(
        "the personal-data page names the agents' provider",
        "gateway/web/legal.py",
        "settings.providers_for(None)]",
        "settings.providers]",
        "tests/integration/test_demo.py::test_agents_alone_sign_in_with_the_agents_provider",
    ),
    Mutant(
        "an empty `any` lets everybody in",
        "gateway/core/conditions.py",
        "    if conditions.any is not None:",
        "    if conditions.any:",
        "tests/unit/test_conditions.py::test_groups_combine_three_valued_truths",
    ),
    Mutant(
        "`allow` without a condition is right",
        "gateway/config/conditions.py",
        '    if not source.data["allow"]:',
        "    if False:",
        _MISTAKES + "test_what_is_empty_lets_nobody_in",
    ),
    Mutant(
        "a key without a value is a choice",
        "gateway/config/common_models.py",
        "        if written is None:",
        "        if False:",
        _MISTAKES + "test_what_is_empty_lets_nobody_in",
    ),
    Mutant(
        "an alternative opens a route by a slash more",
        "gateway/config/alternatives.py",
        '        if serving.path.rstrip("/") != path.rstrip("/"):',
        "        if serving.path != path:",
        _MISTAKES + "test_an_alternative_never_opens_a_route_by_a_slash_more",
    ),
    Mutant(
        "an editor's hidden file is a policy",
        "gateway/config/policies.py",
        ' if not name.startswith(".")]',
        "]",
        _MISTAKES + "test_a_hidden_file_is_an_editor_s_and_no_policy",
    ),
    Mutant(
        "explain allows what the service refuses",
        "gateway/cli/judgement.py",
        "            encode(render(item.value), route.encoding)",
        "            render(item.value)",
        _FIXTURES + "test_a_value_that_no_header_carries_is_refused_as_in_service",
    ),
)
