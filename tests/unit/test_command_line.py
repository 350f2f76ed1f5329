"""What the command says of itself, for a ticket or a first try."""

import re

import pytest

from gateway.cli import COMMANDS, main


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"gateway \d+\.\d+\.\d+ \(Python 3\.\d+\.\d+\S*\)\n", capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [[], ["serv"], ["--verison"]])
def test_what_is_no_command_is_bad_usage_and_the_commands_are_named(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "usage: gateway" in said
    if arguments == ["serv"]:
        assert all(f"'{name}'" in said for name in COMMANDS)


def test_every_command_is_in_the_help_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(re.search(rf"^    {name} +[a-z]", said, re.MULTILINE) for name in COMMANDS)
