"""One check of the operator's commands removed at a time."""

from tests.mutants import Mutant

_KEYS = "gateway/cli/keys.py"
_TEST = "gateway/cli/test.py"
_SALVAGE = "gateway/config/salvage.py"
_KEYS_TESTS = "tests/integration/test_keys_command.py::"
_POLICIES = "tests/integration/test_policy_tests.py::"
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
)
