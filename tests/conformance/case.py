"""One case: a test that returns what it saw, compared with what the real API server answered.

case function (cluster) -> what it saw -> normal.py -> answers/*.json, on every cluster the same

The function itself asserts what our code relies on; the comparison holds the rest of the answer.
"""

import json
import os
from collections.abc import Awaitable, Callable
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.cluster import Cluster
from conformance.normal import normal

ANSWERS: Final = Path(__file__).with_name("answers")
RECORD: Final = "CCX_CONFORMANCE_RECORD"
"""Set, the real server's answers are written down instead of compared."""

Look = Callable[[Cluster], Awaitable[Any]]
Test = Callable[[Cluster], Awaitable[None]]


def case(requirement: str) -> Callable[[Look], Test]:
    def decorate(look: Look) -> Test:
        async def test(cluster: Cluster) -> None:
            seen = normal(await look(cluster), cluster.names)
            if cluster.is_real and os.environ.get(RECORD):
                answer_file(requirement).write_text(_text(seen), encoding="utf-8")
            if difference := _difference(_recorded(requirement), _text(seen)):
                pytest.fail(difference, pytrace=False)

        test.__name__ = test.__qualname__ = look.__name__
        test.__module__, test.__doc__ = look.__module__, look.__doc__
        test.requirement = requirement  # type: ignore[attr-defined]
        return test

    return decorate


def answer_file(requirement: str) -> Path:
    return ANSWERS / f"{requirement}.json"


def _recorded(requirement: str) -> str:
    path = answer_file(requirement)
    assert path.is_file(), (
        f"no answer of a real API server is recorded in {path.name}: run this test with "
        f"CCX_CONFORMANCE_KUBECONFIG=... {RECORD}=1"
    )
    return path.read_text(encoding="utf-8")


def _difference(recorded: str, seen: str) -> str:
    """Line by line, and no more lines around than tell where it is."""
    lines = (recorded.splitlines(), seen.splitlines())
    return "\n".join(unified_diff(*lines, "a real API server", "here", lineterm="", n=4))


def _text(seen: Any) -> str:
    return json.dumps(seen, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
