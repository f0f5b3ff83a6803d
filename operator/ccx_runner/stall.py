"""No sign of life for too long: whether that is a stall, and what is done about it.

output, thaws -> Silence -> overdue -> remedy() -> wait | restart the turn | end | tell

A sign of life is output of any kind. What waits for its tool, or for readers of its output, or is
frozen, does not stall.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ccx_runner.runs import Runs
from ccx_runner.stream_json import StreamJsonReader
from ccx_runner.supervisor import Supervisor
from ccx_runner.turn import TurnWatch
from ccx_runner.wishes import FAIL

Remedy = Literal["wait", "restart", "end", "tell"]


@dataclass(slots=True)
class Silence:
    """How long nothing has been heard, in monotonic seconds. Pure."""

    since: float = 0.0
    limit: float | None = None
    counts: bool = False
    """While it runs freely: a freeze is no silence, and after it a new one begins."""

    def tend(self, now: float, *, limit: float | None, counts: bool) -> None:
        if not self.counts:
            self.since = now
        self.limit, self.counts = limit, counts

    def left(self, now: float) -> float | None:
        """Seconds until it is too long; None where nothing counts."""
        if self.limit is None or not self.counts:
            return None
        return max(0.0, self.since + self.limit - now)


def remedy(turn: TurnWatch | None, *, restartable: bool, result_seen: bool, fails: bool) -> Remedy:
    """`turn` is Claude's, None for a command. A thaw that nothing has come after may have left it
    on a connection that is dead without its knowing: that is mended, whatever else is wished.
    """
    if turn is not None and (result_seen or turn.tool_is_open):
        return "wait"
    if turn is not None and turn.silent_since_thaw and restartable:
        return "restart"
    return "end" if fails else "tell"


class Stall:
    def __init__(
        self,
        claude: StreamJsonReader | None,
        runs: Runs,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is called when `stalled` has."""
        self.stalled = False
        """It runs and says nothing; or it was ended for that."""

        self._claude, self._runs, self._changed, self._clock = claude, runs, changed, clock
        self._silence = Silence()
        self._supervisor: Supervisor | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_ended_it = False

    def watch(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def heard(self) -> None:
        """A sign of life."""
        self._silence.since = self._clock()
        if self.stalled and not self._has_ended_it:
            self.stalled = False
            self._changed()

    def tend(self) -> None:
        """To be called after every change of state or wishes."""
        supervisor = self._supervisor
        if supervisor is None:
            return
        running = supervisor.state.now == "Running"
        self.stalled = self._has_ended_it or (self.stalled and running)
        limit = supervisor.wishes.stall_timeout_seconds
        self._silence.tend(self._clock(), limit=limit, counts=running)
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        left = self._silence.left(self._clock())
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(left, self._look) if left is not None else None

    def _look(self) -> None:
        now = self._clock()
        if self._silence.left(now) == 0:
            self._silence.since = now  # asked again after as long
            self._act()
        self._arm()

    def _act(self) -> None:
        claude, supervisor = self._claude, self._supervisor
        assert supervisor is not None
        if self._runs.is_held:
            return
        match remedy(
            claude.turn if claude is not None else None,
            restartable=self._runs.may_be_second,
            result_seen=claude is not None and claude.result_seen,
            fails=supervisor.wishes.on_stall == FAIL,
        ):
            case "restart":
                assert claude is not None
                claude.turn.given_up = True
                supervisor.begin_again()
            case "end":
                self._has_ended_it = self.stalled = True
                supervisor.end("Deadline")  # the word that operators of before know for a limit
            case "tell" if not self.stalled:
                self.stalled = True
                self._changed()
