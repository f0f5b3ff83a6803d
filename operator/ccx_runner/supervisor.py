"""Keep the process as it is wished to be, enforce its limits, and end all of it in the end.

wishes, limits, signals, SIGCHLD -> Supervisor -> freeze | thaw | TreeEnd -> facts for the snapshot

A wish takes effect at once; carrying it out is one piece of work at a time, which gives way to
a newer wish, and to an end before its next round.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Literal

from ccx_runner.child import Child, ExecError, SecondRun
from ccx_runner.defences import free_a_descriptor
from ccx_runner.freeze import MAX_SECONDS, Proof, freeze, thaw
from ccx_runner.limit_timer import LimitTimer
from ccx_runner.process_tree import STOPPED, UnreadableTreeError
from ccx_runner.run_clock import RunClock
from ccx_runner.snapshot import ControlAction, ControlFacts, EndedBy, State
from ccx_runner.tree_end import TreeEnd
from ccx_runner.wishes import CANCEL, LOCAL, PAUSE, RESUME, SPEC, Refused, Wish, Wishes

log = logging.getLogger(__name__)

HOLD_SECONDS = 1.0
"""How often a freeze is proven anew: a death in a stopped group makes the kernel continue it,
and an orphan of a kubectl exec may come to us later."""


class Supervisor:
    def __init__(
        self,
        child: Child,
        wishes: Wishes,
        *,
        grace: float,
        changed: Callable[[], None],
        second_run: Callable[[], SecondRun | None] = lambda: None,
    ) -> None:
        """`second_run` is asked once a main process has ended by itself: does another go on?"""
        self.wishes = wishes
        self.generation = 0
        """The newest whose wish has been carried out."""

        self.exit_code: int | None = None
        self.ended_by: EndedBy | None = None
        self.message = ""
        self.control: ControlFacts | None = None
        self.started_at = time.time()
        self.state: State = "Starting"
        self.gone = asyncio.Event()
        """Nothing of the execution is left."""

        self._child, self._grace, self._changed = child, grace, changed
        self._second_run = second_run
        self._clock = RunClock(is_paused=wishes.frozen).started(time.monotonic())
        self._tree_end = TreeEnd(child, grace=grace)
        self._settling = asyncio.Lock()
        self._limits = LimitTimer(self.end)
        self._tasks: list[asyncio.Task[None]] = []
        self._handed_on: int | None = None
        """The exit code of a first run, while a second is being started."""

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def clock(self) -> RunClock:
        return self._clock.read(time.monotonic())

    async def start(self) -> None:
        """Carry out the first wish. A child that is wished frozen has been spawned so."""
        self._arm_deadline()
        self._do(self._hold())
        if self.wishes.frozen:
            try:
                await self._settle("pause", SPEC)
            except Refused as refused:
                log.warning("start: %s", refused)
        else:
            self.generation = self.wishes.generation
        if self.state == "Starting":
            self._enter("Running")

    async def pause(self, wish: Wish | None) -> None:
        """Return when every process is proven to be stopped. Raises Refused."""
        self._take(PAUSE, wish)
        await self._settle("pause", SPEC if wish else LOCAL)

    async def resume(self, wish: Wish | None) -> None:
        """Return when nothing is stopped, unless another owner of the freeze remains."""
        self._take(RESUME, wish)
        await self._settle("resume", SPEC if wish else LOCAL)

    async def cancel(self, wish: Wish | None) -> None:
        """Return when TERM and CONT have been sent, or there is nothing left to end."""
        began = time.monotonic()
        self.wishes = self.wishes.take(CANCEL, wish)
        self.end("Cancel")
        self.generation = self.wishes.generation
        stopped = sum(process.state in STOPPED for process in self._tree_end.look().alive)
        self._record("cancel", Proof(stopped, 1, (time.monotonic() - began) * 1000, not stopped))

    async def interrupt(self) -> None:
        """SIGINT to the main process. While paused it stays pending, hence is not proven."""
        self._refuse_if_over()
        self._child.send(signal.SIGINT)
        self._record("interrupt", Proof(0, 0, 0.0, proven=self.state != "Paused"))

    def end(self, by: EndedBy) -> None:
        """Idempotent: the first reason stays, and none if the main process was quicker."""
        if self._is_over:
            return
        if self._handed_on is not None or not self._child.has_completed():
            self.ended_by = by
        self._begin_end()

    def fault(self, message: str) -> None:
        """The runner cannot do its work: the agent must not go on without it."""
        log.error("%s", message)
        self.message = self.message or message
        self.end("RunnerFault")

    def begin_again(self) -> None:
        """The main process is of no use any more: once it has gone, a second run is asked for."""
        if self.state == "Running" and self._handed_on is None:
            self._do(self._clear())

    def result_seen(self) -> None:
        """Claude has said its last word; it may take the grace, in active time, to exit."""
        if self._handed_on is None and not self._limits.has_limit("Lingered"):
            self._limits.set_limit("Lingered", self.clock.active + self._grace)
            self._limits.arm(self._clock)

    def reap(self) -> None:
        reaped = self._child.reap()
        if reaped.exit_code is not None:
            self._main_ended(reaped.exit_code)
        if reaped.nobody_left:
            self._tree_end.nobody_left.set()
        if reaped.may_be_more:
            asyncio.get_running_loop().call_soon(self.reap)

    def conclude(self) -> None:
        """All output has been taken in as well: the last change there is."""
        for task in self._tasks:
            task.cancel()
        self._enter("Ended")

    @property
    def _is_over(self) -> bool:
        return self.state in ("Ending", "Ended")

    def _refuse_if_over(self) -> None:
        if self._is_over:
            raise Refused(
                "the process has ended" if self.gone.is_set() else "the process is ending"
            )

    def _take(self, verb: str, wish: Wish | None) -> None:
        wishes = self.wishes.take(verb, wish)
        self._refuse_if_over()
        self.wishes = wishes
        self._arm_deadline()

    async def _settle(self, action: Literal["pause", "resume"], owner: str) -> None:
        """Bring the tree to what is wished by now, and record it if that is still the action."""

        def facts(proof: Proof) -> ControlFacts | None:
            is_wished = (owner in self.wishes.frozen_by) == (action == "pause")
            return _facts(action, proof) if is_wished else None

        proof = await self._apply(facts)
        if proof is None or facts(proof) is None:
            self._refuse_if_over()
            raise Refused("superseded by a newer wish")
        if not proof.proven:
            raise Refused(f"not proven within {MAX_SECONDS:.0f} s; it will be tried again")

    async def _apply(
        self, facts: Callable[[Proof], ControlFacts | None] = lambda _: None
    ) -> Proof | None:
        """None: something newer is wished. Of two pieces of work the second waits."""
        async with self._settling:
            frozen = self.wishes.frozen

            def wanted() -> bool:
                return self.wishes.frozen is frozen and not self._is_over

            if not frozen and wanted():
                self._enter("Running")
            try:
                proof = await (freeze if frozen else thaw)(os.getpid(), wanted=wanted)
            except UnreadableTreeError as exc:
                free_a_descriptor()
                self.fault(str(exc))
                return None
            if not wanted():
                return None
            if proof.proven:
                self.generation = self.wishes.generation
            self._enter("Paused" if frozen and proof.proven else "Running", facts(proof))
            return proof

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(HOLD_SECONDS)
            if self.wishes.frozen and not self._is_over:
                await self._apply()

    def _enter(self, state: State, control: ControlFacts | None = None) -> None:
        """A new state and what has led to it are told at once."""
        if state == self.state and control is None:
            return
        self.control = control or self.control
        if state != self.state:
            self._change_to(state)
        self._changed()

    def _change_to(self, state: State) -> None:
        now = time.monotonic()
        self._clock = self._clock.pause(now) if state == "Paused" else self._clock.resume(now)
        self.state = state
        if self._is_over:
            self._limits.stop()
        else:
            self._limits.arm(self._clock)

    def _record(self, action: ControlAction, proof: Proof) -> None:
        self._enter(self.state, _facts(action, proof))

    def _main_ended(self, exit_code: int) -> None:
        self._tree_end.main_ended.set()
        if not self._is_over and (again := self._second_run()) is not None:
            self._handed_on = exit_code
            self._limits.drop_limit("Lingered")
            self._do(self._hand_on(again))
            return
        self._completed(exit_code)
        if self._is_over:
            self._changed()
        else:
            self._begin_end()

    async def _clear(self) -> None:
        self._tree_end.order()
        await self._tree_end.finish()

    async def _hand_on(self, again: SecondRun) -> None:
        """Nobody of the first run is left before the second begins. Wishes hold all the while."""
        self._tree_end.order()
        if not await self._tree_end.finish():
            self.fault("some processes of the first run could not be killed")
        async with self._settling:
            if self._is_over:
                return
            try:
                self._child = again(frozen=self.wishes.frozen)
            except (ExecError, OSError) as exc:
                self.fault(f"the second run: {exc}")
                return
            self._tree_end = TreeEnd(self._child, grace=self._grace)
            self._handed_on = None
        self._changed()

    def _completed(self, exit_code: int) -> None:
        self.exit_code = exit_code
        if self._child.exec_error is not None:
            self.message = self.message or str(self._child.exec_error)
        self._clock = self._clock.ended(time.monotonic())

    def _begin_end(self) -> None:
        if self._handed_on is not None:
            self._completed(self._handed_on)
        self._enter("Ending")
        self._tree_end.order()
        self._do(self._finish_end())

    async def _finish_end(self) -> None:
        try:
            if not await self._tree_end.finish():
                self.message = self.message or "some processes could not be killed"
        finally:
            self.gone.set()

    def _arm_deadline(self) -> None:
        self._limits.set_limit("Deadline", self.wishes.active_deadline_seconds)
        self._limits.arm(self._clock)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._done)
        self._tasks.append(task)

    def _done(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (exc := task.exception()):
            self.fault(f"internal error: {exc!r}")


def _facts(action: ControlAction, proof: Proof) -> ControlFacts:
    return ControlFacts(
        action, time.time(), proof.processes_stopped, proof.rounds, proof.millis, proof.proven
    )
