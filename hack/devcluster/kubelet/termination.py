"""The last words of a container: the tail of its termination log, cut to the pod's share. Pure but
for the reading.

The kubelet reads the last 4096 bytes of the file, then keeps of every message the first
12 KiB / (number of the pod's containers, init included) bytes.
"""

import os
from pathlib import Path
from typing import Final

MAX_MESSAGE: Final = 4096
MAX_OF_POD: Final = 12 * 1024


def read_tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MAX_MESSAGE))
            return file.read(MAX_MESSAGE)
    except OSError:  # removed, or made into something else, by the container
        return b""


def message_of(tail: bytes, containers: int) -> str:
    share = MAX_OF_POD // max(1, containers)
    return tail[-MAX_MESSAGE:][:share].decode("utf-8", "replace")
