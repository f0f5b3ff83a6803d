from argparse import ArgumentTypeError

import pytest

from ccx_kube.option_types import host_port, positive

address, seconds = host_port("0.0.0.0:1"), positive("a number of seconds")


@pytest.mark.parametrize(
    ("text", "found"), [("h:1", ("h", 1)), ("[::1]:9090", ("::1", 9090)), (":80", ("", 80))]
)
def test_an_address_is_a_host_and_a_port(text: str, found: tuple[str, int]) -> None:
    assert address(text) == found


@pytest.mark.parametrize("text", ["", "9090", "h:", "h:x", "h:-1"])
def test_what_is_no_address_is_told_with_one_that_is(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"is not HOST:PORT, such as 0\.0\.0\.0:1$"):
        address(text)


def test_a_number_begins_with_1() -> None:
    assert seconds("1") == 1


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x"])
def test_what_is_no_number_from_1_on_is_told_as_what_it_should_be(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"is not a number of seconds from 1 on$"):
        seconds(text)
