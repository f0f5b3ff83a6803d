"""Which versions of link and snapshot this program speaks, and what two programs agree on. Pure.

    runner's first snapshot {"link": {"versions": [1, 2], "program": "0.1.0"}} -> agreed()
    -> client's LEASE {"version": 2} -> both speak it                no greeting, no LEASE: 1

It rides on frames that version 1 has, whose readers ignore what they do not know, so that it costs
no round trip. Every program speaks its own version and the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

VERSIONS: Final = (1, 2)
"""Without a gap, in order. To be raised for what a reader of before would misread: new fields are
ignored by it, but not new frame types."""

PROGRAM: Final = "0.1.0"
FIRST: Final = 1
"""What those speak who say nothing of it."""

_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a runner says of itself."""

    versions: tuple[int, ...] = (FIRST,)
    program: str = ""
    blocks: bool = False
    """Its process waits for readers who are behind."""

    @classmethod
    def of(cls, snapshot: dict[str, Any]) -> "Greeting":
        said = snapshot.get("link")
        if not isinstance(said, dict):
            return cls()
        versions, program = said.get("versions"), said.get("program")
        numbers = versions[:_MOST] if isinstance(versions, list) else []
        known = tuple(v for v in numbers if isinstance(v, int) and not isinstance(v, bool))
        name = program[:_MOST] if isinstance(program, str) else ""
        return cls(known or (FIRST,), name, said.get("blocks") is True)


def greeting(*, blocks: bool = False) -> dict[str, Any]:
    told = {"versions": list(VERSIONS), "program": PROGRAM}
    return {**told, "blocks": True} if blocks else told


def agreed(theirs: Sequence[int], ours: Sequence[int] = VERSIONS) -> int | None:
    """The newest that both speak."""
    return max(set(theirs) & set(ours), default=None)


def disagreement(theirs: Greeting, ours: Sequence[int] = VERSIONS) -> str:
    name = " ".join(filter(None, ["runner", theirs.program]))
    text = f"{name} speaks link {span(theirs.versions)}, this program {span(ours)}"
    if min(theirs.versions) > max(ours):
        return f"{text}: install the operator and the gateway of the runner's release"
    return f"{text}: it is two releases old; let the execution end, or cancel it"


def span(versions: Sequence[int]) -> str:
    oldest, newest = min(versions), max(versions)
    return str(newest) if oldest == newest else f"{oldest}-{newest}"
