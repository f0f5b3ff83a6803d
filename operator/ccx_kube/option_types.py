"""Types of command line options, for argparse: what is wrong is said with what would be right.

Here, as operator and gateway know nothing of each other, and both stand on this package.
"""

from argparse import ArgumentTypeError
from collections.abc import Callable


def host_port(example: str) -> Callable[[str], tuple[str, int]]:
    def parse(text: str) -> tuple[str, int]:
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdecimal():
            raise ArgumentTypeError(f"{text!r} is not HOST:PORT, such as {example}")
        return host.strip("[]"), int(port)

    return parse


def positive(what: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise ArgumentTypeError(f"{text!r} is not {what} from 1 on")
        return int(text)

    return parse
