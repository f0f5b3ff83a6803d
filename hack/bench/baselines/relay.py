"""The limit: bytes from one TCP connection to N others in asyncio, with back-pressure, as they are.

python -m bench.baselines.relay -> ready SOURCE_PORT SINK_PORT
"""

import asyncio
import sys

HOST = "127.0.0.1"


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
        assert isinstance(transport, asyncio.Transport)
        self._relay.source = transport

    def data_received(self, data: bytes) -> None:
        for sink in self._relay.sinks:
            sink.write(data)


class Relay:
    def __init__(self) -> None:
        self.source: asyncio.Transport | None = None
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
    relay, loop = Relay(), asyncio.get_running_loop()
    source = await loop.create_server(lambda: Source(relay), HOST, 0)
    sinks = await loop.create_server(lambda: Sink(relay), HOST, 0)
    ports = [server.sockets[0].getsockname()[1] for server in (source, sinks)]
    sys.stdout.write(f"ready {ports[0]} {ports[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
