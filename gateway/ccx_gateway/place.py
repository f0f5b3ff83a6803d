"""Where in an execution's output a client is: an offset counts the bytes of one attempt. Pure.

attach(attempt, offset) -> Place -> missed()     what is told where a later attempt has begun
"""

from dataclasses import dataclass

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.output_window import Gap


@dataclass(frozen=True, slots=True)
class Place:
    attempt: int
    offset: int | None = 0
    """None: where its output has come to."""


def attempt_of(execution: ClaudeExecution) -> int:
    """The newest, which may still have to begin."""
    return execution.status.attempts or 1


def place(attempt: int | None, offset: int | None, execution: ClaudeExecution) -> Place:
    """What says nothing of an attempt is of the first one, as its output says nothing of it
    either; but who has seen nothing yet begins with the newest.
    """
    if attempt is None:
        attempt = 1 if offset else attempt_of(execution)
    return Place(attempt, offset)


def missed(place: Place, execution: ClaudeExecution) -> Gap | str | None:
    """What was still to be told of attempts whose pods have gone: exact where that can be."""
    newest, ended = attempt_of(execution), execution.status.ended_attempts
    if place.attempt >= newest or place.offset is None:
        return None
    if place.attempt == newest - 1 and ended is not None and ended.output_bytes is not None:
        found = Gap(place.offset, ended.output_bytes)
        return found if found.offset < found.end else None
    whole = f" and all of attempts up to {newest - 1}" if place.attempt < newest - 1 else ""
    return (
        f"what attempt {place.attempt} printed from byte {place.offset} on{whole} cannot be had "
        f"any more, and how much that was is not known; attempt {newest} follows"
    )
