"""Wire the supervisor, the output and the links of one execution together, until all is over.

listen -> child -> [supervisor | output | links | readiness] -> all gone -> drain -> code

A snapshot goes to the termination log and to all links at every state change.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

from ccx_runner import readiness, signals
from ccx_runner.archiver import Archiver
from ccx_runner.back_pressure import AWAY_SECONDS, BackPressure
from ccx_runner.child import Child, ExecError
from ccx_runner.defences import is_stranger
from ccx_runner.drain import Drain
from ccx_runner.exit_code import exit_code
from ccx_runner.link_ports import RETURN_SECONDS
from ccx_runner.link_server import LinkServer
from ccx_runner.mirror import Mirror
from ccx_runner.output import Output, Sinks
from ccx_runner.runs import Runs
from ccx_runner.settings import Options, Places
from ccx_runner.snapshot import ClaudeFacts, MirrorFacts, OutputFacts, Snapshot
from ccx_runner.spool import Spool
from ccx_runner.stall import Stall
from ccx_runner.stream_json import StreamJsonReader
from ccx_runner.supervisor import Supervisor
from ccx_runner.termination_log import TerminationLog
from ccx_runner.transcript import config_dir, transcript
from ccx_runner.wishes import Refused, Wish, Wishes

log = logging.getLogger(__name__)


class Runner:
    """The link's `Control`: the supervisor, and the snapshot of all facts."""

    def __init__(
        self,
        options: Options,
        places: Places,
        termination_log: TerminationLog,
        runs: Runs,
        claude: StreamJsonReader | None,
    ) -> None:
        self._options, self._places = options, places
        self._runs, self._claude = runs, claude
        self._termination_log = termination_log
        self._log_failed = False
        self._spool = Spool(places.run_dir / "spool", capacity=options.spool_bytes)
        self._mirror = Mirror(sys.stdout.fileno() if options.mirror else None)
        self._archiver = Archiver(places.archive, self._spool, moved=self._reader_moved)
        runs.before_fork = self._archiver.hold
        self._output: Output | None = None
        self._links = LinkServer(
            self._spool,
            self,
            may_connect=is_stranger,
            return_seconds=AWAY_SECONDS if options.block else RETURN_SECONDS,
            moved=self._reader_moved,
            blocks=options.block,
        )
        self._drain = Drain(options, self._links, self._mirror)
        self._readiness = readiness.Readiness(self._is_ready)
        self._stall = Stall(claude, runs, self._changed)
        self._supervisor: Supervisor | None = None
        self._not_started = Snapshot("Starting")
        self._told: tuple[object, ...] = ()
        self._was_paused = False
        self._first_ms: int | None = None

    def _reader_moved(self) -> None:
        if self._output is not None:
            self._output.go_on()

    def _wanted(self) -> int | None:
        """The first byte that a reader still wants; the archive is one."""
        places = self._links.wanted(), self._archiver.wanted()
        return min((place for place in places if place is not None), default=None)

    async def listen(self) -> None:
        """Nothing is answered before the process has been started: that does not wait."""
        if self._places.readiness is not None:
            self._readiness.serve(readiness.bind(*self._places.readiness))
        await self._links.start(self._places.run_dir)
        if self._options.await_reader:
            self._links.expect_reader()
        self._changed()

    async def not_started(self, exc: ExecError) -> int:
        log.error("%s", exc)
        self._not_started = Snapshot("Ended", exit_code=exc.exit_code, message=str(exc))
        self._changed()
        await self._leave()
        return exc.exit_code

    async def supervise(self, child: Child, wishes: Wishes, outside: frozenset[int]) -> int:
        """From the start of the process to the exit code."""
        loop = asyncio.get_running_loop()
        supervisor = Supervisor(
            child,
            wishes,
            grace=self._options.grace,
            changed=self._changed,
            second_run=self._runs.second,
        )
        self._supervisor = supervisor
        self._stall.watch(supervisor)
        loop.set_exception_handler(self._loop_failed)
        handlers = signals.Handlers(supervisor.reap, self._asked_to_end)
        sinks = Sinks(self._spool, self._mirror, self._claude)
        room = BackPressure(self._spool, self._wanted).has_room if self._options.block else None
        output = Output(sinks, taken=self._taken, failed=supervisor.fault, has_room=room)
        self._output = output
        self._runs.listen(child, output, signals.Listener(loop, handlers, outside=outside))
        await supervisor.start()
        await supervisor.state.gone.wait()
        await self._drain.output(output)
        await self._archiver.finish(self._transcript)
        supervisor.conclude()
        await self._leave()
        return exit_code(supervisor.exit_code, supervisor.ended_by)

    async def pause(self, wish: Wish | None) -> None:
        await self._running().pause(wish)

    async def resume(self, wish: Wish | None) -> None:
        await self._running().resume(wish)

    async def cancel(self, wish: Wish | None) -> None:
        await self._running().cancel(wish)

    async def interrupt(self) -> None:
        await self._running().interrupt()

    def snapshot(self) -> Snapshot:
        supervisor = self._supervisor
        if supervisor is None:
            return self._not_started
        clock = supervisor.state.clock
        return Snapshot(
            state=supervisor.state.now,
            generation=supervisor.state.generation,
            frozen_by=tuple(sorted(supervisor.wishes.frozen_by)),
            pid=supervisor.pid,
            pgid=supervisor.pid,
            started_at=supervisor.started_at,
            active_seconds=clock.active,
            paused_seconds=clock.paused,
            exit_code=supervisor.exit_code,
            ended_by=supervisor.ended_by,
            stalled=self._stall.stalled,
            message=supervisor.message or self._runs.message or self._archiver.message,
            control=supervisor.state.control,
            claude=self._claude.facts if self._claude else None,
            output=OutputFacts(
                *(self._spool.end, self._spool.oldest, self._spool.lines, self._spool.sha256()),
                first_ms=self._first_ms,
                archived=self._archiver.bytes,
            ),
            mirror=MirrorFacts(self._mirror.bytes, self._mirror.sha256()),
        )

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise Refused("the process has not started")
        return self._supervisor

    def _is_ready(self) -> bool:
        running = self._supervisor is not None and self._supervisor.state.now == "Running"
        return running and not self._stall.stalled

    def _changed(self) -> None:
        """Tried at every change, although it has failed before: the last one matters most."""
        self._watch_for_thaws()
        self._stall.tend()
        try:
            self._termination_log.write(self.snapshot())
        except OSError as exc:
            if self._supervisor is None:
                raise
            if not self._log_failed:
                self._log_failed = True
                self._supervisor.fault(f"the termination log cannot be written: {exc}")
        self._links.notify_snapshot()

    def _watch_for_thaws(self) -> None:
        was_paused = self._was_paused
        self._was_paused = self._supervisor is not None and self._supervisor.state.now == "Paused"
        if self._claude is not None and was_paused and not self._was_paused:
            self._claude.thawed()

    def _taken(self) -> None:
        """Output has come in, and with it perhaps a change of what is known of Claude."""
        self._stall.heard()
        self._links.notify_output()
        self._note_first()
        self._archiver.output_came()
        if self._claude is None or self._supervisor is None:
            return
        if self._claude.result_seen:
            self._supervisor.result_seen()
        known = _milestones(self._claude.facts)
        if known != self._told:
            self._told = known
            self._changed()

    def _note_first(self) -> None:
        if self._first_ms is None and self._spool.end and self._supervisor is not None:
            clock = self._supervisor.state.clock
            self._first_ms = round((clock.active + clock.paused) * 1000)

    def _asked_to_end(self, from_outside: bool) -> None:
        """TERM or INT: it ends the process; after its end, the wait for readers."""
        self._drain.hurry()
        self._running().end("Outside" if from_outside else "Inside")

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A broken connection is its peer's affair; any other failure is the runner's own."""
        exc = context.get("exception")
        if "transport" in context:
            log.warning("a connection failed: %r", exc)
        else:
            loop.call_soon(self._running().fault, f"{context['message']}: {exc!r}")

    def _transcript(self) -> Path | None:
        facts = self._claude.facts if self._claude else None
        return transcript(config_dir(os.environ), facts.session_id) if facts else None

    async def _leave(self) -> None:
        await self._drain.readers()
        await self._links.close()
        self._readiness.close()
        self._spool.close()


def _milestones(facts: ClaudeFacts) -> tuple[object, ...]:
    return facts.session_id, facts.turns, facts.is_error, facts.result_bytes
