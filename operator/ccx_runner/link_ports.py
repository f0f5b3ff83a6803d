"""What the links need of the rest of the runner, and what they share."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from ccx_runner.archive_output import ArchiveOutput
from ccx_runner.back_pressure import ReadersAway, on_its_way
from ccx_runner.frame_types import JsonObject, Reply, Request, Verb
from ccx_runner.snapshot import Snapshot
from ccx_runner.snapshot_json import fit, to_object
from ccx_runner.spool import Spool
from ccx_runner.wishes import Refused, Wish

log = logging.getLogger(__name__)

MAX_LINKS: Final = 16
MAX_REQUESTS: Final = 64
"""Requests of all links that are being carried out."""

LEASE_SECONDS: Final = 30.0
RETURN_SECONDS: Final = 5.0
"""How long a reader is expected back whose link went before he had all: an exec may break."""

SNAPSHOT_BYTES: Final = 8 * 1024


class Control(Protocol):
    """The supervisor. A verb returns when it is carried out, and raises Refused otherwise.

    Calls may overlap; they are ordered there. `wish` None: asked for by somebody in the pod.
    """

    async def pause(self, wish: Wish | None) -> None: ...
    async def resume(self, wish: Wish | None) -> None: ...
    async def cancel(self, wish: Wish | None) -> None: ...
    async def interrupt(self) -> None: ...
    def snapshot(self) -> Snapshot: ...


class Link(Protocol):
    """One connection, as the server sees it."""

    @property
    def is_behind(self) -> bool: ...
    @property
    def place(self) -> int | None: ...
    def send_output(self) -> None: ...
    def send_snapshot(self, told: JsonObject) -> None: ...
    def abort(self) -> None: ...


@dataclass
class Links:
    """What all links share."""

    spool: Spool | ArchiveOutput
    control: Control
    may_connect: Callable[[int], bool]
    """Asked with the peer's pid."""

    lease_seconds: float = LEASE_SECONDS
    return_seconds: float = RETURN_SECONDS
    away: ReadersAway = field(default_factory=ReadersAway)
    moved: Callable[[], None] = lambda: None
    """Told when a reader has moved, come or gone."""

    blocks: bool = False
    """The process waits for readers who are behind."""

    output_ended: bool = False
    somebody_has_all: bool = False
    """A reader has had the output to its end."""

    lost_readers: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_LINKS))
    """When, by the event loop's clock, a reader's link went that had not had all."""

    open: set[Link] = field(default_factory=set)
    requests: set["asyncio.Task[None]"] = field(default_factory=set)

    def refusal(self, peer_pid: int) -> str | None:
        if not self.may_connect(peer_pid):
            return f"process {peer_pid} belongs to the execution: it may not control itself"
        if len(self.open) >= MAX_LINKS:
            return f"{MAX_LINKS} links are open: close one first"
        return None

    def __post_init__(self) -> None:
        self.on_its_way = on_its_way(self.spool.capacity)

    def reader_came(self, place: int) -> None:
        """It may be a new one; then the lost one has to be as quick as its credit."""
        self.away.came(place)
        if self.lost_readers:
            self.lost_readers.popleft()

    def reader_left(self, place: int | None, now: float) -> None:
        if place is not None:
            self.away.left(place, now)
        self.moved()

    def said_goodbye(self, place: int | None, now: float) -> None:
        """Others who still read may be its own: a gateway reads what is new over another link."""
        self.reader_left(None if any(link.place is not None for link in self.open) else place, now)

    def wanted(self, now: float) -> int | None:
        """The first byte that a reader still wants: what is before it may be dropped."""
        places = (link.place for link in self.open)
        return self.away.wanted((place for place in places if place is not None), now)

    def expects_reader(self, now: float) -> bool:
        return any(now < lost + self.return_seconds for lost in self.lost_readers)

    def snapshot(self) -> JsonObject:
        return to_object(fit(self.control.snapshot(), SNAPSHOT_BYTES))

    def start(self, request: Request, reply: Callable[[Reply], None]) -> None:
        """It is carried out to its end also if the link goes meanwhile. CANCEL never waits."""
        if len(self.requests) >= MAX_REQUESTS and request.verb is not Verb.CANCEL:
            error = f"{MAX_REQUESTS} requests are being carried out: wait for a reply first"
            reply(Reply(request.id, error=error))
            return
        task = asyncio.get_running_loop().create_task(self._carry_out(request, reply))
        self.requests.add(task)
        task.add_done_callback(self.requests.discard)

    async def _carry_out(self, request: Request, reply: Callable[[Reply], None]) -> None:
        try:
            await self._ask(request)
        except Refused as refusal:
            reply(Reply(request.id, error=str(refusal)))
        except Exception:  # one request's fault must not end the links of the others
            log.exception("%s failed", request.verb.name)
            reply(Reply(request.id, error="the runner failed: its log says how"))
        else:
            reply(Reply(request.id, snapshot=self.snapshot()))

    async def _ask(self, request: Request) -> None:
        wish = None if request.wish is None else Wish.parse(request.wish)
        match request.verb:
            case Verb.PAUSE:
                await self.control.pause(wish)
            case Verb.RESUME:
                await self.control.resume(wish)
            case Verb.CANCEL:
                await self.control.cancel(wish)
            case _:
                await self.control.interrupt()
