"""The message for the slice that was sent last: the viewers who are sent the same one share it.

It is encoded once where viewers go through the output together, as those do who keep up. Who is
elsewhere pays for his own, and the others once more. One message is held, of some 64 KiB.
"""

from collections.abc import Callable

from ccx_gateway.output_window import Slice


class SharedFrame:
    def __init__(self) -> None:
        self._made_of: Slice | None = None
        self._frame = b""

    def of(self, found: Slice, make: Callable[[], bytes]) -> bytes:
        if found is not self._made_of:
            self._frame, self._made_of = make(), found
        return self._frame
