"""One link's connection: requests in, replies and snapshots out ahead of the output.

    data_received() -> Decoder -> Links.start() | Follower -> transport

Memory is bounded: a piece of output is written only while the transport holds at most WRITE_HIGH, a
snapshot waits for that too (the newest counts), and who leaves replies unread is cut off.
"""

import asyncio
import os
from dataclasses import replace
from typing import Final

from ccx_runner.follower import Follower
from ccx_runner.frames import (
    MAX_PAYLOAD,
    ClientFrame,
    Credit,
    FrameError,
    JsonObject,
    Lease,
    Output,
    Read,
    Reply,
    Request,
    RunnerFrame,
    SnapshotFrame,
    Verb,
    client_frames,
    encode,
    encode_output,
)
from ccx_runner.greeting import FIRST, VERSIONS, greeting, span
from ccx_runner.link_ports import Links
from ccx_runner.link_socket import peer_pid, write_at_once

WRITE_HIGH: Final = 64 * 1024
MAX_UNREAD: Final = 512 * 1024
PIECES_A_TURN: Final = 2
"""Then the event loop gets its turn: a fast reader must not delay control."""


class LinkSession(asyncio.Protocol):
    def __init__(self, links: Links) -> None:
        self._links = links
        self._loop = asyncio.get_running_loop()
        self._decoder = client_frames()
        self._follower = Follower()
        self._transport: asyncio.Transport | None = None
        self._writable = True
        self._snapshot_due = False
        self._pump_due: asyncio.Handle | None = None
        self._lease: asyncio.TimerHandle | None = None
        self._heard_at = self._loop.time()
        self._is_silent = False
        self._version = FIRST

    @property
    def is_behind(self) -> bool:
        return self._follower.is_behind

    @property
    def place(self) -> int | None:
        """None: it holds up nothing."""
        return None if self._is_silent else self._follower.place(self._links.on_its_way)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH)
        refusal = self._links.refusal(peer_pid(transport))
        if refusal is not None:
            self.end(refusal)
            return
        self._links.open.add(self)
        self._write(SnapshotFrame({**self._links.snapshot(), "link": self._greeting()}))
        self._lease = self._loop.call_later(self._links.lease_seconds, self._check_lease)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and self in self._links.open:
            self._take_last_words()
        self._transport = None
        if self.is_behind:  # that END was sent is not enough: it may have been lost on its way
            self._links.lost_readers.append(self._loop.time())
        self._links.open.discard(self)
        self._links.reader_left(self.place, self._loop.time())
        for handle in (self._lease, self._pump_due):
            if handle is not None:
                handle.cancel()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        try:
            for frame in self._decoder.feed(data):
                self._take(frame)
        except FrameError as exc:
            self.end(str(exc))

    def eof_received(self) -> bool:
        self.abort()  # nobody is there any more to read the rest
        return False

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._snapshot_due:
            self.send_snapshot(self._links.snapshot())
        self.send_output()

    def send_snapshot(self, told: JsonObject) -> None:
        """Of now. The newest one goes later, if this one cannot go yet."""
        self._snapshot_due = not self._writable
        if self._writable:
            self._write(SnapshotFrame(told))

    def send_output(self) -> None:
        """As much as credit and transport take; at once, or after the event loop's other work."""
        if self._pump_due is None:
            self._pump()

    def end(self, reason: str) -> None:
        """Say why, and close; a peer that does not read is not waited for long."""
        self._write(Reply(None, error=reason))
        if self._transport is not None:
            self._transport.close()
            self._lease = self._loop.call_later(1.0, self.abort)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _pump(self) -> None:
        self._pump_due = None
        place = self._follower.place(0)
        self._pump_some()
        if self._follower.place(0) != place:
            self._links.moved()

    def _pump_some(self) -> None:
        try:
            for _ in range(PIECES_A_TURN):
                if not self._writable or self._transport is None or not self._pump_one():
                    return
        except OSError as exc:
            self.end(f"the spool cannot be read: {exc}")
            return
        self._pump_due = self._loop.call_soon(self._pump)

    def _pump_one(self) -> bool:
        found = self._follower.next(self._links.spool, ended=self._links.output_ended)
        if found is not None:
            self._write(found)
        return found is not None

    def _take(self, frame: ClientFrame) -> None:
        if not isinstance(frame, Credit):
            self._showed_life()
        match frame:
            case Read():
                self._read(frame)
            case Credit():
                self._follower.grant(frame.count)
                self.send_output()
            case Request(verb=Verb.STATUS):
                self._write(Reply(frame.id, snapshot=self._links.snapshot()))
            case Request():
                self._links.start(frame, self._write)
            case Lease(done, version):
                if done:
                    place = self.place
                    self._follower.stop()
                    self._links.said_goodbye(place, self._loop.time())
                if version is not None:
                    self._speak(version)

    def _speak(self, version: int) -> None:
        if version in VERSIONS:
            self._version = version
        else:
            self.end(f"link version {version} is none of this runner's, {span(VERSIONS)}")

    def _greeting(self) -> JsonObject:
        return greeting(blocks=self._links.blocks)

    def _showed_life(self) -> None:
        self._follower.showed_life()
        self._links.somebody_has_all |= self._follower.has_all

    def _read(self, read: Read) -> None:
        spool = self._links.spool
        if read.offset > spool.end:
            error = f"offset {read.offset} is beyond the end of the output, {spool.end}"
            self._write(Reply(read.id, error=error))
            return
        if not self._follower.has_begun:
            self._links.reader_came(read.place)
        self._follower.follow(read.offset, read.keep)
        self._write(Reply(read.id, offset=max(read.offset, spool.oldest)))
        self.send_output()

    def _write(self, frame: RunnerFrame) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if isinstance(frame, Output):
            write_at_once(transport, encode_output(frame))
        else:
            transport.write(encode(self._in_its_version(frame)))
        if transport.get_write_buffer_size() > MAX_UNREAD:
            transport.abort()

    def _in_its_version(self, frame: RunnerFrame) -> RunnerFrame:
        if isinstance(frame, SnapshotFrame | Reply) and frame.snapshot is not None:
            return replace(frame, snapshot={**frame.snapshot, "v": self._version})
        return frame

    def _take_last_words(self) -> None:
        """A write has failed, as the client has gone: what it had sent before still counts."""
        assert self._transport is not None
        peer = self._transport.get_extra_info("socket")
        try:
            for _ in range(4):  # more than a socket's buffer holds
                self.data_received(os.read(peer.fileno(), MAX_PAYLOAD))
        except OSError:
            pass  # nothing more is there

    def _check_lease(self) -> None:
        left = self._heard_at + self._links.lease_seconds - self._loop.time()
        if left <= 0:
            self._is_silent = True
            self._links.moved()
            self.end(f"no frame for {self._links.lease_seconds:g} s: a client sends LEASE")
        else:
            self._lease = self._loop.call_later(left, self._check_lease)
