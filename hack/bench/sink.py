"""Clients that throw away what they read, in a process of their own: they are not what is measured.

python sink.py '{"port": 1, "say": "...", "path": "/ws/mcp", "clients": 10, ...}'
-> ready -> done {"seconds": ..., "bytes": [...], "stamps": [...]}      without clients: never done

Standard library alone, and no frame is parsed: `end` is looked for where a message ends.
"""

import json
import os
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
WAIT_SECONDS: Final = 300.0
READ: Final = 1 << 20
TAIL: Final = 512
"""Bytes in which the end of a message stands."""

STAMP: Final = re.compile(rb"at:(\d{20})")


@dataclass
class Order:
    """What the sink is told."""

    port: int
    path: str | None = None
    """Of the WebSocket; None: raw TCP."""

    say: str | None = None
    """A call, answered before the sink is ready."""

    clients: int = 1
    stalled: int = 0
    """Beside those: they never read."""

    trickling: int = 0
    """Beside those: a byte a second."""

    end: str | None = None
    """Text that the last message ends with; None: `bytes` tell."""

    bytes: int = 0
    """The least that each must get."""

    stamps: bool = False


@dataclass(eq=False)
class Client:
    socket: socket.socket
    read: int = 0
    tail: bytes = b""
    seen: list[float] = field(default_factory=list)


def main() -> None:
    order = Order(**json.loads(sys.argv[1]))
    clients = [connected(order) for _ in range(order.clients)]
    slow = [connected(order) for _ in range(order.stalled + order.trickling)]
    print("ready", flush=True)
    seconds = run(order, clients, slow[: order.trickling])
    found = {
        "seconds": seconds,
        "bytes": [client.read for client in clients],
        "stamps": [seen for client in clients for seen in client.seen],
    }
    print("done", json.dumps(found), flush=True)


def connected(order: Order) -> Client:
    client = Client(socket.create_connection((HOST, order.port), WAIT_SECONDS))
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if order.path is not None:
        client.socket.sendall(upgrade(order.path))
        until(client.socket, b"\r\n\r\n")
    if order.say is not None:
        client.socket.sendall(masked(order.say.encode()))
        until(client.socket, b'"id":1')
    return client


def upgrade(path: str) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {HOST}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(text: bytes) -> bytes:
    """With a mask of zeros: it changes nothing. A text frame of less than 64 KiB."""
    return b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text


def until(found: socket.socket, text: bytes) -> None:
    heard = b""
    while text not in heard:
        piece = found.recv(4096)
        if not piece:
            raise ConnectionError(f"the server went away: {heard[-TAIL:]!r}")
        heard += piece


def run(order: Order, clients: list[Client], trickling: list[Client]) -> float:
    """Until all have all. Seconds from the first byte."""
    buffer, left, began = memoryview(bytearray(READ)), set(clients), 0.0
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.socket.setblocking(False)
            selector.register(client.socket, selectors.EVENT_READ, client)
        for _ in trickles(trickling):
            for key, _ in selector.select(1.0):
                began = began or time.perf_counter()
                if take(order, key.data, buffer):
                    selector.unregister(key.fileobj)
                    left.discard(key.data)
            if clients and not left:
                return time.perf_counter() - began
    raise AssertionError


def trickles(clients: list[Client]) -> Iterator[None]:
    """A turn; and once a second a byte for each of them."""
    due = time.monotonic()
    while True:
        if clients and time.monotonic() >= due:
            due += 1.0
            for client in clients:
                with suppress(BlockingIOError):
                    client.socket.recv(1, socket.MSG_DONTWAIT)
        yield


def take(order: Order, client: Client, buffer: memoryview) -> bool:
    """Whether it has all."""
    count = client.socket.recv_into(buffer)
    if not count:
        raise ConnectionError(f"the server went away after {client.read} bytes")
    client.read += count
    if order.stamps:
        note_stamps(client, bytes(buffer[:count]))
    if order.end is None:
        return client.read >= order.bytes
    client.tail = (client.tail + bytes(buffer[max(0, count - TAIL) : count]))[-TAIL:]
    return client.read >= order.bytes and order.end.encode() in client.tail


def note_stamps(client: Client, data: bytes) -> None:
    """Milliseconds since each line was printed."""
    now = time.monotonic_ns()
    client.seen += [(now - int(at)) / 1e6 for at in STAMP.findall(data)]


if __name__ == "__main__":
    try:
        main()
    except OSError as exc:
        os.write(2, f"sink: {exc}\n".encode())
        sys.exit(1)
