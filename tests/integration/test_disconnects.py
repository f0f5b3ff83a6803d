"""A client that leaves at any byte of a stream, also in a frame's header, and comes back.

CCX_DISCONNECTS=1000 has so many of them, 100,000 bytes of output each (100).
"""

import hashlib
import json
import os
import random
import signal
from base64 import b64decode
from collections.abc import Iterator

import pytest

from ccx_dev.stack import Stack
from support.raw_socket import TEXT, Frames, a_raw_socket, call
from support.wire_client import WireClient, connected

DISCONNECTS = int(os.environ.get("CCX_DISCONNECTS", "100"))
BYTES_EACH = 100_000
PART = 10_000_000
"""What is printed before the next signal: a runner's spool has 64 MiB, and drops the oldest."""

LINE = """
def line(n):
    length = 150_000 if n % 9_000 == 5 else n % 157
    return (f"{n:08d} \\u00e9\\u20ac\\U0001f642 " + "xy"[n % 2] * length + "\\n").encode()
"""
PROGRAM = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
total, part, n, printed = int(sys.argv[1]), int(sys.argv[2]), 0, 0
while printed < total:
    if printed // part < (printed := printed + sys.stdout.buffer.write(line(n))) // part:
        sys.stdout.flush()
        signal.sigwait([signal.SIGUSR1])
    n += 1
sys.stdout.flush()
while True:
    signal.pause()
"""


def lines(total: int) -> Iterator[bytes]:
    """What the program prints."""
    names: dict[str, object] = {}
    exec(LINE, names)
    printed = n = 0
    while printed < total:
        text = names["line"](n)  # type: ignore[operator]
        printed, n = printed + len(text), n + 1
        yield text


class Reader:
    """One stream over many connections: where it has come to, and the hash of what it was told."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name, self.offset = name, 0
        self.hash = hashlib.sha256()
        self._chance = chance

    async def read(self, url: str, most: int, up_to: int) -> None:
        """Over a new connection: `most` bytes of it, or up to an offset."""
        form = self._chance.choice(({}, {"mode": "line"}, {"encoding": "base64"}))
        frames = Frames()
        async with a_raw_socket(url) as raw:
            await raw.send(call("attach", execution=self.name, **{"from": self.offset}, **form))
            while most > 0 and self.offset < up_to:
                data = await raw.read(min(most, 65_536))
                assert data, "the gateway has ended the connection"
                most -= len(data)
                for kind, message in frames.feed(data):
                    if kind == TEXT:
                        self._take(json.loads(message))

    def _take(self, message: dict[str, object]) -> None:
        assert "error" not in message, message
        method, params = message.get("method"), message.get("params")
        assert method in (None, "process.output"), message
        if method == "process.output":
            assert isinstance(params, dict)
            text = params["data"]
            data = b64decode(text) if "encoding" in params else text.encode()
            assert (params["offset"], params["end"]) == (self.offset, self.offset + len(data))
            self.offset = params["end"]
            self.hash.update(data)


async def begin(client: WireClient, total: int) -> tuple[str, int]:
    argv = ["python3", "-c", LINE + PROGRAM, str(total), str(PART)]
    told = await client.result("execute", argv=argv, onDisconnect="Detach", credit=0)
    return told["execution"], told["pid"]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("beside", "count"), [(True, DISCONNECTS), (False, DISCONNECTS // 10)])
async def test_wherever_a_client_leaves_it_gets_every_byte_once(
    local_stack: Stack, beside: bool, count: int
) -> None:
    """Beside another viewer its feed goes on without it; alone it has a new one each time."""
    total, chance = count * BYTES_EACH, random.Random(20_260_101 + beside)
    printed = b"".join(lines(total))
    async with connected(local_stack.websocket) as owner:
        name, pid = await begin(owner, total)
        if not beside:
            await owner.result("detach", execution=name)
        reader, parts = Reader(name, chance), 0
        for left in range(count, 0, -1):
            most = chance.randrange(2 * (len(printed) - reader.offset) // left + 2)
            await reader.read(local_stack.websocket, most, min(len(printed), (parts + 1) * PART))
            parts = go_on(pid, parts, reader.offset)
        while reader.offset < len(printed):
            await reader.read(local_stack.websocket, PART, min(len(printed), (parts + 1) * PART))
            parts = go_on(pid, parts, reader.offset)
        await owner.send("control", type="CANCEL", execution=name)
        await owner.next_response()
    assert reader.offset == len(printed)
    assert reader.hash.hexdigest() == hashlib.sha256(printed).hexdigest()


def go_on(pid: int, parts: int, offset: int) -> int:
    if offset // PART > parts:
        os.kill(pid, signal.SIGUSR1)
    return offset // PART
