"""Hand the prompt to the process's stdin, at the process's own pace."""

import asyncio
import os
from typing import IO

PIECE_BYTES = 64 * 1024


def hand_over(prompt: bytes, pipe: IO[bytes]) -> None:
    """Write as the pipe takes it, and close it at the end. A process need not read its prompt."""
    loop, rest = asyncio.get_running_loop(), memoryview(prompt)

    def write() -> None:
        nonlocal rest
        try:
            rest = rest[os.write(pipe.fileno(), rest[:PIECE_BYTES]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            rest = rest[:0]
        if not rest:
            loop.remove_writer(pipe.fileno())
            pipe.close()

    loop.add_writer(pipe.fileno(), write)
