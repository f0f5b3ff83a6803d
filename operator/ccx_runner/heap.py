"""What a program that lives long asks of its memory: to be used again, and looked at less.

Have the C library keep what is freed: else what passes through is new pages, at twice the cost.

Output passes through buffers that are freed at once. glibc gives such memory back to the system
whenever 128 KiB are free at the heap's end, and takes it anew for the next piece or message.
"""

import ctypes
import gc
import sys
from typing import Final

KEPT: Final = 16 * 1024 * 1024
"""Bytes that may be free at the heap's end. The peak is the same: it is what was used before."""

MAPPED: Final = 4 * 1024 * 1024
"""What is larger is mapped by itself, and given back at once."""

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def keep_what_is_freed() -> bool:
    """Whether the C library does: musl and others have no such setting."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, KEPT) and mallopt(_M_MMAP_THRESHOLD, MAPPED))


def pass_over_what_is_here() -> None:
    """In every garbage collection from now on: to be called once the modules are imported.

    They stay, and are most of what a collection looks at: of the gateway's for 0.1 s on a slow
    machine, while all else waits.
    """
    gc.collect()
    gc.freeze()
