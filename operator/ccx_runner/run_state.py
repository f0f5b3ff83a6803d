"""The state that an execution is in, the clock that counts by it, and the limits of active time.

enter(), record(), set_limit() -> clock and limits follow -> changed()
"""

import asyncio
import time
from collections.abc import Callable

from ccx_runner.freeze import Proof
from ccx_runner.limit_timer import LimitTimer
from ccx_runner.run_clock import RunClock
from ccx_runner.snapshot import ControlAction, ControlFacts, EndedBy, State
from ccx_runner.wishes import Refused


class RunState:
    def __init__(
        self,
        *,
        is_paused: bool,
        changed: Callable[[], None],
        limit_reached: Callable[[EndedBy], None],
    ) -> None:
        self.now: State = "Starting"
        self.generation = 0
        """The newest whose wish has been carried out."""

        self.control: ControlFacts | None = None
        self.gone = asyncio.Event()
        """Nothing of the execution is left."""

        self._changed = changed
        self._clock = RunClock(is_paused=is_paused).started(time.monotonic())
        self._limits = LimitTimer(limit_reached)

    @property
    def clock(self) -> RunClock:
        return self._clock.read(time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.now in ("Ending", "Ended")

    def refuse_if_over(self) -> None:
        if self.is_over:
            raise Refused(
                "the process has ended" if self.gone.is_set() else "the process is ending"
            )

    def enter(self, state: State, control: ControlFacts | None = None) -> None:
        """A new state and what has led to it are told at once."""
        if state == self.now and control is None:
            return
        self.control = control or self.control
        if state != self.now:
            self._change_to(state)
        self._changed()

    def record(self, action: ControlAction, proof: Proof) -> None:
        self.enter(self.now, facts(action, proof))

    def stop_clock(self) -> None:
        """The main process has ended: from here on nothing counts."""
        self._clock = self._clock.ended(time.monotonic())

    def set_limit(self, by: EndedBy, active_seconds: float | None) -> None:
        """None: no such limit."""
        self._limits.set_limit(by, active_seconds)
        self._limits.arm(self._clock)

    def set_linger(self, seconds: float) -> None:
        """From now on, in active time; the first one counts."""
        if not self._limits.has_limit("Lingered"):
            self.set_limit("Lingered", self.clock.active + seconds)

    def drop_linger(self) -> None:
        self._limits.drop_limit("Lingered")

    def _change_to(self, state: State) -> None:
        now = time.monotonic()
        self._clock = self._clock.pause(now) if state == "Paused" else self._clock.resume(now)
        self.now = state
        if self.is_over:
            self._limits.stop()
        else:
            self._limits.arm(self._clock)


def facts(action: ControlAction, proof: Proof) -> ControlFacts:
    return ControlFacts(
        action, time.time(), proof.processes_stopped, proof.rounds, proof.millis, proof.proven
    )
