"""What a link asks of its socket beside asyncio: a write without a copy, and who is there."""

import asyncio
import os
import socket
import struct
from contextlib import suppress


def write_at_once(transport: asyncio.Transport, parts: list[bytes | memoryview]) -> None:
    """What the socket takes, without a copy of it; what is left is the transport's to write."""
    written = 0
    if not transport.get_write_buffer_size():
        with suppress(OSError):  # the transport meets it too, and knows what to do
            written = os.writev(transport.get_extra_info("socket").fileno(), parts)
    for part in parts:
        if written < len(part):
            transport.write(part[written:])
        written = max(0, written - len(part))


def peer_pid(transport: asyncio.Transport) -> int:
    peer: socket.socket = transport.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid
