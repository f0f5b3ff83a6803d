"""The limit: bytes from a local source to N TCP clients in asyncio, held back by the slowest.

python -m bench.baselines.relay [PIPE] -> ready SOURCE SINK_PORT
"""

import asyncio
import sys

from bench.origin import HOST, comes_from


class Sink(asyncio.Protocol):
    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._relay.sinks.append(transport)

    def pause_writing(self) -> None:
        self._relay.hold(self)

    def resume_writing(self) -> None:
        self._relay.let_go(self)


class Source(asyncio.Protocol):
    def __init__(self, relay: "Relay") -> None:
        self._relay = relay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.ReadTransport)
        self._relay.source = transport

    def data_received(self, data: bytes) -> None:
        for sink in self._relay.sinks:
            sink.write(data)


class Relay:
    def __init__(self) -> None:
        self.source: asyncio.ReadTransport | None = None
        self.sinks: list[asyncio.Transport] = []
        self._holding: set[Sink] = set()

    def hold(self, sink: Sink) -> None:
        self._holding.add(sink)
        if self.source is not None:
            self.source.pause_reading()

    def let_go(self, sink: Sink) -> None:
        self._holding.discard(sink)
        if not self._holding and self.source is not None:
            self.source.resume_reading()


async def main() -> None:
    relay = Relay()
    source = await comes_from(lambda: Source(relay), sys.argv[1:])
    sinks = await asyncio.get_running_loop().create_server(lambda: Sink(relay), HOST, 0)
    sys.stdout.write(f"ready {source} {sinks.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
