import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ccx_runner import readiness
from ccx_runner.readiness import MAX_CONNECTIONS, Readiness, answer, bind

GET = b"GET /ready HTTP/1.1\r\nHost: pod\r\n\r\n"


@pytest.mark.parametrize(
    ("request_line", "is_ready", "status"),
    [
        ("GET /ready HTTP/1.1", True, 200),
        ("HEAD /ready HTTP/1.1", True, 200),
        ("GET /ready HTTP/1.1", False, 503),
        ("GET / HTTP/1.1", True, 404),
        ("GET /ready/x HTTP/1.1", True, 404),
        ("POST /ready HTTP/1.1", True, 405),
        ("", True, 405),
    ],
)
def test_ready_is_told_by_the_status(request_line: str, is_ready: bool, status: int) -> None:
    told = answer(f"{request_line}\r\nHost: pod\r\n\r\n".encode(), is_ready=is_ready)
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert bool(body) is not request_line.startswith("HEAD")


@asynccontextmanager
async def serving(listener: socket.socket | None = None) -> AsyncIterator[int]:
    """Its port."""
    listener, served = listener or bind("127.0.0.1", 0), Readiness(lambda: True)
    served.serve(listener)
    async with asyncio.timeout(20):
        yield int(listener.getsockname()[1])
    served.close()


async def asked(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return await reader.read()
    finally:
        writer.close()


async def test_a_request_is_answered_once_and_its_connection_closed() -> None:
    async with serving() as port:
        assert (await asked(port, GET)).startswith(b"HTTP/1.1 200 ")


async def test_a_request_that_comes_in_pieces_is_waited_for() -> None:
    async with serving() as port:
        assert (await asked(port, *(GET[at : at + 7] for at in range(0, len(GET), 7)))) != b""


async def test_who_says_nothing_is_let_go_and_others_are_answered_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "MAX_SECONDS", 0.2)
    async with serving() as port:
        silent = [asyncio.create_task(asked(port, b"GET")) for _ in range(MAX_CONNECTIONS + 4)]
        assert (await asked(port, GET)).startswith(b"HTTP/1.1 200 ")
        said = await asyncio.gather(*silent, return_exceptions=True)
        assert all(one == b"" or isinstance(one, ConnectionResetError) for one in said)


class Exhausted(socket.socket):
    """The first accept finds no descriptor."""

    tries = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.tries += 1
        if self.tries == 1:
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


async def test_an_accept_that_fails_is_tried_again_and_not_in_a_circle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "RETRY_SECONDS", 0.05)
    listener = Exhausted(fileno=bind("127.0.0.1", 0).detach())
    async with serving(listener) as port:
        assert (await asked(port, GET)).startswith(b"HTTP/1.1 200 ")
    assert listener.tries == 2
