"""What one socket has: its executions, and how many of them may run. No I/O.

    reserve() -> Slot -> slot.made: Following -> find(), only() -> release()

A slot is taken before anything is awaited, so that a second execute and a control that follow
at once find it.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from ccx_gateway.errors import GatewayError, InvalidParams, LimitExceeded, NoProcess
from ccx_gateway.following import Following
from ccx_gateway.output_mode import OutputMode
from ccx_kube.reviews import Access

MAX_SLOTS: Final = 64
"""Executions that one socket follows at once: its own and those that it is attached to."""


@dataclass(eq=False, slots=True)
class Slot:
    owned: bool
    """Executed here or taken over: it counts, and goes with the session."""

    rests_on: Access | None = None
    """The right by which its output is told here: it may be taken away."""

    made: "asyncio.Future[Following]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def wait(self) -> Following:
        """Shielded: one who waits must not end the wait of the others."""
        return await asyncio.shield(self.made)

    def holds(self, namespace: str, name: str) -> bool:
        if not self.made.done() or self.made.exception() is not None:
            return False
        metadata = self.made.result().execution.metadata
        return (metadata.namespace, metadata.name) == (namespace, name)


class Session:
    def __init__(self, *, executions: int, output: OutputMode = "chunks") -> None:
        self.id = str(uuid4())
        self.ids = {self.id}
        """Its own and those of the sessions that it has taken over."""
        self.output: OutputMode = output
        self._limit = executions
        self._slots: list[Slot] = []

    def reserve(self, *, owned: bool = True, rests_on: Access | None = None) -> Slot:
        if owned and sum(slot.owned for slot in self._slots) >= self._limit:
            raise InvalidParams("A process is already running")
        if len(self._slots) >= MAX_SLOTS:
            raise LimitExceeded(f"{MAX_SLOTS} executions are followed here: detach one first")
        slot = Slot(owned, rests_on)
        self._slots.append(slot)
        return slot

    def release(self, slot: Slot, error: GatewayError | None = None) -> None:
        """`error` is for those who wait for an execution that is not going to be."""
        if slot in self._slots:
            self._slots.remove(slot)
        if not slot.made.done():
            slot.made.set_exception(error or NoProcess("No process is running"))
            slot.made.exception()  # nobody may be waiting

    def owns(self, following: Following) -> bool:
        return any(
            slot.owned and slot.made.done() and slot.made.result() is following
            for slot in self._slots
        )

    def streams(self) -> tuple[tuple[Following, Access], ...]:
        """What is followed here, each with the right that it rests on."""
        made = [s for s in self._slots if s.made.done() and s.made.exception() is None]
        return tuple((s.made.result(), s.rests_on) for s in made if s.rests_on is not None)

    def detached(self, following: Following) -> None:
        """Nothing more of it is told here: that needs no right."""
        for slot in self._slots:
            if slot.made.done() and slot.made.exception() is None:
                slot.rests_on = None if slot.made.result() is following else slot.rests_on

    def close(self) -> tuple[Following, ...]:
        """All that is followed, to be ended."""
        slots, self._slots = self._slots, []
        for slot in slots:
            self.release(slot)
        return tuple(s.made.result() for s in slots if s.made.exception() is None)

    def find(self, namespace: str, name: str) -> Slot | None:
        return next((slot for slot in self._slots if slot.holds(namespace, name)), None)

    def only(self) -> Slot:
        """The one that runs here, made or about to be."""
        owned = [slot for slot in self._slots if slot.owned] or self._slots
        if not owned:
            raise NoProcess("No process is running")
        if len(owned) > 1:
            raise InvalidParams("execution: several run in this session, name one")
        return owned[0]
