import pytest

from ccx_gateway.allow_list import AllowList
from ccx_gateway.errors import CommandNotAllowed


def test_unset_allows_every_program() -> None:
    AllowList.of({}).check(["rm", "-rf", "/"])


@pytest.mark.parametrize("argv", [["ls"], ["echo", "rm"]])
def test_the_first_word_decides(argv: list[str]) -> None:
    AllowList.of({"ALLOWED_COMMANDS": "ls, echo,"}).check(argv)


@pytest.mark.parametrize("argv", [["rm"], ["/bin/ls"], ["LS"], ["ls;rm"], ["bash", "-c", "ls"]])
def test_what_is_not_listed_is_refused_by_name(argv: list[str]) -> None:
    with pytest.raises(CommandNotAllowed, match=f"^Command '{argv[0]}' is not allowed$"):
        AllowList.of({"ALLOWED_COMMANDS": "ls,echo"}).check(argv)


def test_set_to_nothing_allows_nothing() -> None:
    with pytest.raises(CommandNotAllowed):
        AllowList.of({"ALLOWED_COMMANDS": ""}).check(["ls"])


@pytest.mark.parametrize("argv", [[], [""]])
def test_an_empty_command_is_refused_even_if_all_are_allowed(argv: list[str]) -> None:
    with pytest.raises(CommandNotAllowed, match=r"^Command cannot be empty$"):
        AllowList().check(argv)
