"""How the output of an execution is kept for those who read it."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from ccx_api.archive import Archive
from ccx_api.model import ApiModel

MIB: Final = 1024 * 1024
SPOOL_BYTES: Final = 64 * MIB


class Overflow(StrEnum):
    """What happens when more is printed than the spool holds."""

    DROP_OLDEST = "DropOldest"
    BLOCK = "Block"


class Output(ApiModel):
    """How the output is kept for those who read it: in the pod, and beyond it."""

    spool_bytes: Annotated[int, Field(ge=16 * MIB, le=1024 * MIB)] = SPOOL_BYTES
    """How many bytes of it: the newest."""

    overflow: Overflow = Overflow.DROP_OLDEST
    """DropOldest: what nobody has read in time is dropped, and counted. Block: the process waits
    in its write while a reader is behind, and for two minutes for one that has left. A reader who
    has gone without a word is waited for no longer than 30 s; without any reader nothing waits.
    An archive is such a reader: one write of it is waited for up to two minutes.
    """

    archive: Archive | None = None
