"""Where a feed's output comes from, played: a runner with a spool, and links that break."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from ccx_api.snapshot import OutputSnapshot, Snapshot
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.upstream import Ended, OutputLost
from ccx_kube.errors import LinkLost
from ccx_kube.link import End, Item, Output
from ccx_kube.link import Gap as Dropped
from ccx_runner.frames import Stream

PIECE = 10_000
"""Bytes of an OUTPUT frame."""


class PlayedLink:
    def __init__(self, runner: "PlayedRunner") -> None:
        self._runner = runner
        self.read_up_to = self._place = 0
        self.keeps: int | None = None
        self.is_open = True
        self.blocks = runner.blocks
        self._when_ended: list[Callable[[], None]] = []

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(v=1, state="Running", output=OutputSnapshot(bytes=len(self._runner.output)))

    @property
    def has_next(self) -> bool:
        return self.is_open and self._place < len(self._runner.output)

    async def status(self) -> Snapshot:
        return self.snapshot

    async def follow(
        self, offset: int = 0, *, keep: int | None = None
    ) -> AsyncGenerator[Item, None]:
        runner = self._runner
        self.keeps = keep
        while True:
            if not self.is_open:
                raise LinkLost("broken")
            if offset < runner.oldest:
                yield Dropped(offset, runner.oldest)
                offset = runner.oldest
            elif offset < len(runner.output):
                data = runner.output[offset : offset + runner.piece]
                self._place = offset + len(data)
                yield Output(offset, Stream.STDOUT, data)
                offset += len(data)
            elif runner.ended:
                yield End(offset)
                return
            else:
                await asyncio.sleep(0)
            self.read_up_to = offset

    def when_ended(self, call: Callable[[], None]) -> None:
        self._when_ended.append(call)

    async def close(self) -> None:
        self.break_off()

    def break_off(self) -> None:
        if self.is_open:
            self.is_open = False
            for call in self._when_ended:
                call()


@dataclass
class PlayedRunner:
    """An Upstream. `oldest` is the first byte that its spool still has."""

    output: bytes = b""
    oldest: int = 0
    piece: int = PIECE
    """Bytes that come at a time."""

    ended: bool = False
    listens: bool = True
    blocks: bool = False
    may_open_spool: asyncio.Event | None = None
    left: Ended | OutputLost | None = None
    links: list[PlayedLink] = field(default_factory=list)
    spools: list[PlayedLink] = field(default_factory=list)

    async def open(self) -> PlayedLink:
        return self._open(self.links)

    async def open_spool(self) -> PlayedLink:
        if self.may_open_spool is not None:
            await self.may_open_spool.wait()
        return self._open(self.spools)

    async def final(self) -> Ended | None:
        if isinstance(self.left, OutputLost):
            raise self.left
        return self.left

    def break_links(self) -> None:
        for link in [*self.links, *self.spools]:
            link.break_off()

    def _open(self, links: list[PlayedLink]) -> PlayedLink:
        if not self.listens:
            raise LinkLost("no runner")
        links.append(PlayedLink(self))
        return links[-1]


@dataclass
class Reader:
    """A client: what it was sent, and whether it reads."""

    got: list[Slice | Gap] = field(default_factory=list)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    on_item: Callable[[], None] = lambda: None

    async def send(self, item: Slice | Gap) -> None:
        await self.reads.wait()
        self.got.append(item)
        self.on_item()

    @property
    def data(self) -> bytes:
        return b"".join(item.data for item in self.got if isinstance(item, Slice))

    @property
    def gaps(self) -> list[Gap]:
        return [item for item in self.got if isinstance(item, Gap)]

    def assert_in_order(self, start: int, end: int) -> None:
        for item in self.got:
            assert item.offset == start
            start = item.end
        assert start == end


def a_reader(*, stalled: bool = False) -> Reader:
    reader = Reader()
    if not stalled:
        reader.reads.set()
    return reader


def some_output(size: int) -> bytes:
    """Lines of 100 bytes that tell their place."""
    return b"".join(b"%08d %s\n" % (n, b"x" * 90) for n in range(size // 100))
