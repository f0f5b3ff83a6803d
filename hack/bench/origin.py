"""Where a server has its output from: what the source prints, through a pipe or over TCP."""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final

HOST: Final = "127.0.0.1"


async def comes_from(protocol: Callable[[], asyncio.Protocol], pipe: Sequence[str]) -> str:
    """Read what the source prints, from a named pipe or to a port of ours; return where that is."""
    loop = asyncio.get_running_loop()
    if pipe:
        file = os.fdopen(os.open(pipe[0], os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
        await loop.connect_read_pipe(protocol, file)
        return pipe[0]
    server = await loop.create_server(protocol, HOST, 0)
    return str(server.sockets[0].getsockname()[1])
