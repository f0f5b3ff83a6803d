"""What the messages of one viewer have in common: all but their text and their place. Pure.

tell(an empty slice) -> head, foot      head + text + foot + place() is what tell() says of a slice

To put each together anew would take several times as long.
"""

from collections.abc import Callable
from typing import Final

from ccx_gateway.output_window import Slice, Stream

Tell = Callable[[Slice], bytes]
"""The message for a slice."""

PLACE: Final = b'"offset":%d,"end":%d}}'
"""What each message ends with."""


class AroundText:
    """Of one `tell`, made once."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self._made: dict[tuple[Stream, bool], tuple[bytes, bytes]] = {}

    def of(self, stream: Stream, *, truncated: bool = False) -> tuple[bytes, bytes]:
        made = self._made.get((stream, truncated))
        if made is None:
            made = self._made[stream, truncated] = around_the_text(stream, self.tell, truncated)
        return made


def around_the_text(stream: Stream, tell: Tell, truncated: bool = False) -> tuple[bytes, bytes]:
    message = tell(Slice(0, stream, b"", truncated))
    head, key, rest = message.partition(b'"data":')
    foot, place, _ = rest.removeprefix(b'""').rpartition(b'"offset":0,"end":0}}')
    assert key
    assert place
    return head + key, foot


def place(offset: int, end: int) -> bytes:
    return PLACE % (offset, end)
