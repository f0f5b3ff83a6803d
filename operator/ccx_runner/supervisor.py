"""Keep the process as it is wished to be, enforce its limits, and end all of it in the end.

wishes, limits, signals, SIGCHLD -> Supervisor -> Settling | TreeEnd -> RunState -> snapshot

A wish takes effect at once: settling.py carries it out. The state is run_state.py's.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine

from ccx_runner.child import Child, ExecError, SecondRun
from ccx_runner.freeze import Proof
from ccx_runner.process_tree import STOPPED
from ccx_runner.run_state import RunState
from ccx_runner.settling import Settling
from ccx_runner.snapshot import EndedBy
from ccx_runner.tree_end import TreeEnd
from ccx_runner.wishes import CANCEL, LOCAL, PAUSE, RESUME, SPEC, Refused, Wish, Wishes

log = logging.getLogger(__name__)


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
        self.exit_code: int | None = None
        self.ended_by: EndedBy | None = None
        self.message = ""
        self.started_at = time.time()
        self.state = RunState(is_paused=wishes.frozen, changed=changed, limit_reached=self.end)

        self._child, self._grace, self._changed = child, grace, changed
        self._second_run = second_run
        self._tree_end = TreeEnd(child, grace=grace)
        self._settling = Settling(
            *(self.state, lambda: self.wishes, self.fault),
            to_group=lambda number: self._child.send_to_own_group(number),
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._handed_on: int | None = None
        """The exit code of a first run, while a second is being started."""

    @property
    def pid(self) -> int:
        return self._child.pid

    async def start(self) -> None:
        """Carry out the first wish. A child that is wished frozen has been spawned so."""
        self._arm_deadline()
        self._do(self._settling.hold())
        if self.wishes.frozen:
            try:
                await self._settling.settle("pause", SPEC)
            except Refused as refused:
                log.warning("start: %s", refused)
        else:
            self.state.generation = self.wishes.generation
        if self.state.now == "Starting":
            self.state.enter("Running")

    async def pause(self, wish: Wish | None) -> None:
        """Return when every process is proven to be stopped. Raises Refused."""
        self._take(PAUSE, wish)
        await self._settling.settle("pause", SPEC if wish else LOCAL)

    async def resume(self, wish: Wish | None) -> None:
        """Return when nothing is stopped, unless another owner of the freeze remains."""
        self._take(RESUME, wish)
        await self._settling.settle("resume", SPEC if wish else LOCAL)

    async def cancel(self, wish: Wish | None) -> None:
        """Return when TERM and CONT have been sent, or there is nothing left to end."""
        began = time.monotonic()
        self.wishes = self.wishes.take(CANCEL, wish)
        self.end("Cancel")
        self.state.generation = self.wishes.generation
        await self._tree_end.asked.wait()
        below = () if self._tree_end.nobody_left.is_set() else self._tree_end.look().alive
        stopped = sum(process.state in STOPPED for process in below)
        took = (time.monotonic() - began) * 1000
        self.state.record("cancel", Proof(stopped, 1, took, not stopped))

    async def interrupt(self) -> None:
        """SIGINT to the main process. While paused it stays pending, hence is not proven."""
        self.state.refuse_if_over()
        self._child.send(signal.SIGINT)
        self.state.record("interrupt", Proof(0, 0, 0.0, proven=self.state.now != "Paused"))

    def end(self, by: EndedBy) -> None:
        """Idempotent: the first reason stays, and none if the main process was quicker."""
        if self.state.is_over:
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
        if self.state.now == "Running" and self._handed_on is None:
            self._do(self._clear())

    def result_seen(self) -> None:
        """Claude has said its last word; it may take the grace, in active time, to exit."""
        if self._handed_on is None:
            self.state.set_linger(self._grace)

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
        self.state.enter("Ended")

    def _take(self, verb: str, wish: Wish | None) -> None:
        wishes = self.wishes.take(verb, wish)
        self.state.refuse_if_over()
        self.wishes = wishes
        self._arm_deadline()

    def _main_ended(self, exit_code: int) -> None:
        self._tree_end.main_ended.set()
        if not self.state.is_over and (again := self._second_run()) is not None:
            self._handed_on = exit_code
            self.state.drop_linger()
            self._do(self._hand_on(again))
            return
        self._completed(exit_code)
        if self.state.is_over:
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
        async with self._settling.turn:
            if self.state.is_over:
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
        self.state.stop_clock()

    def _begin_end(self) -> None:
        if self._handed_on is not None:
            self._completed(self._handed_on)
        self.state.enter("Ending")
        self._tree_end.order()
        self._do(self._finish_end())

    async def _finish_end(self) -> None:
        try:
            if not await self._tree_end.finish():
                self.message = self.message or "some processes could not be killed"
        finally:
            self.state.gone.set()

    def _arm_deadline(self) -> None:
        self.state.set_limit("Deadline", self.wishes.active_deadline_seconds)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._done)
        self._tasks.append(task)

    def _done(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (exc := task.exception()):
            self.fault(f"internal error: {exc!r}")
