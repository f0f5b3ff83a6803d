"""One client's WebSocket: frames in, messages out, and a sign of life every 20 s.

frame -> its own task -> dispatch -> Methods -> Outbox -> frame

Frames are carried out at the same time, so that control does not wait for an execute; they begin
in their order. A frame that is no text, too long or not UTF-8 ends this socket and no other.
"""

import asyncio
import logging
from functools import partial
from typing import Any, Final

from aiohttp import ClientError, WSCloseCode, WSMessage, WSMsgType, web

from ccx_gateway import audit, notifications
from ccx_gateway.audit import Who
from ccx_gateway.caller import Caller, SignedOut
from ccx_gateway.dispatch import answer
from ccx_gateway.errors import ClusterUnavailable, Forbidden
from ccx_gateway.following import Following
from ccx_gateway.frame_writer import FrameWriter
from ccx_gateway.keep_alive import PING_SECONDS, KeepAlive
from ccx_gateway.methods import Methods
from ccx_gateway.outbox import Outbox
from ccx_gateway.patience import Patience
from ccx_gateway.permission import Permission
from ccx_gateway.room import Room, size_of
from ccx_gateway.services import Services
from ccx_gateway.session import Session
from ccx_gateway.standing import Standing
from ccx_gateway.stream_metrics import Cut
from ccx_kube.reviews import Access

log = logging.getLogger(__name__)

MAX_FRAME: Final = 10 * 1024 * 1024
MAX_CALLS: Final = 8
"""Frames of one socket that are being carried out; the next one is read when one is done."""

MAX_WORK: Final = 16 * 1024 * 1024
"""Bytes of those frames; one more may wait to be read."""

CLOSE_SECONDS: Final = 1.0
"""How long a client may take to read that it is closed."""

Ending = tuple[int, str]
"""With which code and reason a socket is closed."""


class Socket:
    def __init__(
        self,
        socket: web.WebSocketResponse,
        writer: FrameWriter,
        services: Services,
        session: Session,
        caller: Caller,
        peer: str,
        *,
        client_seconds: float,
    ) -> None:
        """A client that takes nothing, or sends nothing, for `client_seconds` counts as gone. One
        that does not read for a while cannot answer a ping either, and is not.
        """
        self._socket, self._writer, self.session = socket, writer, session
        self._client_seconds, self._metrics = client_seconds, services.metrics.stream
        self._outbox = Outbox(writer, self._metrics)
        self._who = Who(session.id, peer, caller.user)
        self._standing = Standing(caller, session, self._cut)
        permission = Permission(caller, self._who, self._standing.until)
        self._methods = Methods(services, session, self._outbox, permission, self._who)
        self._calls: set[asyncio.Task[None]] = set()
        self._room = Room(frames=MAX_CALLS, size=MAX_WORK)

    async def serve(self) -> None:
        """Until the client is gone or may not stay, or this task is cancelled."""
        seconds = min(PING_SECONDS, self._client_seconds / 3)
        alive = KeepAlive(self._socket.ping, self._socket.pong, seconds=seconds)
        patience = Patience(lambda: self._outbox.waited, self._client_seconds)
        conversing = asyncio.create_task(self._converse(alive))
        standing = asyncio.create_task(self._stand())
        waits = (standing, conversing, patience.over)
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if patience.over.done() and not standing.done():
                ending: Ending | None = self._cut_off("slow", "nothing was taken")
            else:
                ending = standing.result() if standing.done() else conversing.result()
            if ending is not None:
                for task in alive.end():
                    task.cancel()  # aiohttp would let a ping follow the close frame
                await self.close(*ending)
        finally:
            patience.end()
            await self._end(*alive.end(), standing, conversing)

    async def close(self, code: int, reason: str = "") -> None:
        """Also of a client that does not read: it finds the connection ended."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code, message=reason.encode())
        except (ConnectionError, ClientError, TimeoutError):
            self._writer.abort()

    async def _converse(self, alive: KeepAlive) -> Ending | None:
        try:
            await self._outbox.notify("connected", notifications.connected(self.session.id))
            await self._read(alive)
        except ConnectionError:
            log.debug("a client is gone")
        except TimeoutError:
            why: Cut = "slow" if self._outbox.waited else "silent"  # it does not read our pings
            return self._cut_off(why, "no sign of life")
        return None

    def _cut_off(self, why: Cut, words: str) -> Ending:
        self._metrics.cut(why)
        reason = f"{words} for {self._client_seconds:g} s: come back at your offset"
        log.info("a client is cut off: %s", words)
        return WSCloseCode.TRY_AGAIN_LATER, reason

    async def _stand(self) -> Ending:
        """How it is to be closed, once it is."""
        try:
            await self._standing.run()
        except SignedOut:
            why, code = "the token is not valid any more", WSCloseCode.POLICY_VIOLATION
        except ClusterUnavailable:
            why, code = "nobody can say whether the token is valid", WSCloseCode.TRY_AGAIN_LATER
        audit.refused(self._who, why)
        return code, why

    async def _cut(self, following: Following, access: Access, why: Forbidden) -> None:
        await self._methods.cut(following, access, why)

    async def _read(self, alive: KeepAlive) -> None:
        while True:
            async with asyncio.timeout(self._client_seconds):
                message: WSMessage = await self._socket.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await self._room.enter(size_of(message.data))
                    self._carry_out(message.data)
                case WSMsgType.PING:
                    alive.pinged(message.data)
                case WSMsgType.PONG:
                    pass
                case WSMsgType.BINARY:
                    await self.close(WSCloseCode.UNSUPPORTED_DATA)
                    return
                case _:
                    return

    def _carry_out(self, frame: str) -> None:
        task = asyncio.create_task(self._answer(frame))
        self._calls.add(task)
        task.add_done_callback(partial(self._done, size_of(frame)))

    async def _answer(self, frame: str) -> None:
        try:
            await answer(frame, self._methods.call, self._outbox.send)
        except ConnectionError:
            log.debug("a client is gone before its answer")
        except Exception:
            log.exception("a frame could not be answered")

    def _done(self, size: int, task: "asyncio.Task[None]") -> None:
        self._calls.discard(task)
        self._room.leave(size)

    async def _end(self, *tasks: "asyncio.Task[Any]") -> None:
        ending = [*tasks, *self._calls]
        ending += [f.task for f in self.session.close() if f.task is not None]
        for task in ending:
            task.cancel()
        await asyncio.wait(ending)
