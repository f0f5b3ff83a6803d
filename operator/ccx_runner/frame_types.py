"""What a runner and its clients say to each other, as values; frames.py puts them into bytes."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

MAX_OUTPUT: Final = 65_536
"""Output bytes in one frame."""


JsonObject = dict[str, Any]
RequestID = int | str


class FrameType(IntEnum):
    READ = 0x01
    CREDIT = 0x02
    PAUSE = 0x03
    RESUME = 0x04
    CANCEL = 0x05
    INTERRUPT = 0x06
    STATUS = 0x07
    LEASE = 0x08
    OUTPUT = 0x41
    GAP = 0x42
    SNAPSHOT = 0x43
    REPLY = 0x44
    END = 0x45


class Verb(IntEnum):
    """What a client may ask of the process."""

    PAUSE = FrameType.PAUSE
    RESUME = FrameType.RESUME
    CANCEL = FrameType.CANCEL
    INTERRUPT = FrameType.INTERRUPT
    STATUS = FrameType.STATUS


class Stream(IntEnum):
    STDOUT = 1
    STDERR = 2


@dataclass(frozen=True, slots=True)
class Read:
    """Follow the output from `offset` on."""

    id: RequestID
    offset: int
    keep: int | None = None
    """Where the one is whom the client reads for and who is furthest behind: of use for Block."""

    @property
    def place(self) -> int:
        """Nothing before it is wanted."""
        return self.offset if self.keep is None else min(self.offset, self.keep)


@dataclass(frozen=True, slots=True)
class Credit:
    """So many more output bytes may be sent."""

    count: int


@dataclass(frozen=True, slots=True)
class Request:
    verb: Verb
    id: RequestID
    wish: JsonObject | None = None
    """What the spec wants. None: asked by somebody in the pod."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The client is still there."""

    done: bool = False
    """It reads no more, and is not to be waited for."""

    version: int | None = None
    """Of the link, which it speaks from now on."""


@dataclass(frozen=True, slots=True)
class Output:
    offset: int
    stream: Stream
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Gap:
    """Output that nobody has any more."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SnapshotFrame:
    snapshot: JsonObject


@dataclass(frozen=True, slots=True)
class Reply:
    id: RequestID | None
    """None: about the link itself, which ends."""

    error: str | None = None
    offset: int | None = None
    """To a Read: the first offset that can be had."""

    snapshot: JsonObject | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class End:
    """All output, `offset` bytes in total, has been sent."""

    offset: int


ClientFrame = Read | Credit | Request | Lease
RunnerFrame = Output | Gap | SnapshotFrame | Reply | End
