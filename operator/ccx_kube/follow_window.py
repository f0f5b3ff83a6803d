"""What a link's reader has been promised, and what has come and is not yet taken. Sans-IO.

    start() ... started() -> take_in(frame) -> next() -> Output | Gap | End
                                 credit_due() -> grant()

The runner sends only what credit allows, so what is held is bounded: by WINDOW bytes, in at most
as many frames. What comes is checked to be without a hole: a gap is told, or it is an error.
"""

from collections import deque
from typing import Final

from ccx_runner.frames import MAX_OUTPUT, End, FrameError, Gap, Output, RequestID

WINDOW: Final = 256 * 1024
"""More makes control slower: its answers wait for what is already on the way."""

Item = Output | Gap | End


class FollowWindow:
    def __init__(self, size: int = WINDOW) -> None:
        self._size = size
        self._credit = 0  # that the runner still has; a READ leaves it as it is
        self._held = deque[Item]()
        self.held_bytes = 0
        self._read: RequestID | None = None
        self._answered = False
        self._cursor = 0

    def start(self, read: RequestID, offset: int) -> None:
        """A READ is on its way: what comes before its answer belongs to the one before."""
        self._held.clear()
        self.held_bytes = 0
        self._read, self._answered, self._cursor = read, False, offset

    def started(self, read: RequestID | None) -> None:
        """A reply has come; other requests' replies are none of ours."""
        self._answered |= read is not None and read == self._read

    def belongs_to(self, read: RequestID) -> bool:
        return read == self._read

    def take_in(self, item: Item) -> None:
        """Raise FrameError for output that was not asked for, is missing or comes again."""
        if isinstance(item, Output):
            self._credit -= len(item.data)
            if self._credit < 0:
                raise FrameError(f"{-self._credit} bytes of output more than there was credit for")
        if not self._answered:
            return
        offset = item.start if isinstance(item, Gap) else item.offset
        if offset != self._cursor:
            name = type(item).__name__.upper()
            raise FrameError(f"{name} at offset {offset}: {self._cursor} comes next")
        if isinstance(item, End):
            self._answered = False  # nothing comes after it but what another READ asks for
        else:
            self._cursor = item.end
        if _size(item) or not isinstance(item, Output):
            self._held.append(item)
        self.held_bytes += _size(item)

    @property
    def has_next(self) -> bool:
        return bool(self._held)

    def next(self) -> Item | None:
        if not self._held:
            return None
        item = self._held.popleft()
        self.held_bytes -= _size(item)
        return item

    def credit_due(self) -> int:
        """How much to grant now: not every few bytes, and two full frames, for one message."""
        free = self._size - self.held_bytes - self._credit
        if self._size >= 4 * MAX_OUTPUT:
            return free - free % (2 * MAX_OUTPUT)
        return free if free >= self._size // 4 else 0

    def grant(self, count: int) -> None:
        self._credit += count


def _size(item: Item) -> int:
    return len(item.data) if isinstance(item, Output) else 0
