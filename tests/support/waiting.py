"""Waiting with a bound for what another process will do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.002


def eventually(look: Callable[[], T | None], *, seconds: float = 60, what: str = "") -> T:
    """The first true answer of `look`, asked again and again within the bound."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or look}"
        time.sleep(POLL_SECONDS)
    return found
