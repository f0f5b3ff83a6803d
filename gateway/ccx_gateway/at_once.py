"""The short way to a client that takes what it is sent as it comes: no task, and no wait.

feed has grown -> send_side_by_side() -> send_at_once() -> the client's transport

After each piece of output its caches are cold: to run ten clients' tasks, one after the other,
costs more than to send to the ten of them. Who does not take all of it is waited for as ever.
"""

from enum import Enum, auto
from typing import Protocol

from ccx_gateway.output_window import Slice


class Sent(Enum):
    NOT = auto()
    """Somebody else is being sent something, or the client is behind: it has to wait its turn."""

    TAKEN = auto()
    HELD = auto()
    """It is sent, but not taken yet: nothing else until taken() returns."""


class AtOnce(Protocol):
    def send_at_once(self, found: Slice) -> Sent:
        """Raise nothing: who is gone is NOT sent anything, and found out where one waits."""
        ...

    async def taken(self) -> None:
        """Raise ConnectionError once the client is gone."""
        ...
