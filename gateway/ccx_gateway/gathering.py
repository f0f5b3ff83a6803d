"""Whether more of a full stream is taken in before it is sent to many clients. Pure.

A write costs each client the same for 64 KiB as for four times as much, nearly: so what is here
already goes along. Nothing is waited for, and a line that comes alone is never held back.
"""

from typing import Final

from ccx_gateway.output_window import ENOUGH
from ccx_gateway.runner_output import Merged
from ccx_kube.link import Item, Output

MANY: Final = 4
"""Clients from which on more writes cost more than a copy of the pieces."""

MOST: Final = 256 * 1024
"""Bytes that are gathered: with a line that had begun before, they still are one slice."""


def gathers(item: Item | Merged, clients: int, gathered: int) -> bool:
    """`gathered` is what nobody has been sent yet, with this item."""
    if not isinstance(item, Output | Merged) or clients < MANY:
        return False
    return len(item.data) >= ENOUGH and gathered + len(item.data) <= MOST


def enough(clients: int) -> int:
    """Bytes of one piece that a slice need not be longer than, so that nothing is copied."""
    return ENOUGH if clients < MANY else MOST // 2
