"""`ccx-runner run`: from the command line to the exit code.

places -> listen -> first run of the process, frozen if that is wished -> Runner -> code
"""

import asyncio
import logging
from collections.abc import Mapping

from ccx_runner import signals
from ccx_runner.child import ExecError
from ccx_runner.defences import become_subreaper, forbid_ptrace
from ccx_runner.exit_code import RUNNER_FAULT
from ccx_runner.heap import keep_what_is_freed
from ccx_runner.runner import Runner
from ccx_runner.runs import Runs
from ccx_runner.settings import Options, Places, agents
from ccx_runner.snapshot import Snapshot
from ccx_runner.stream_json import StreamJsonReader
from ccx_runner.termination_log import TerminationLog
from ccx_runner.wishes import Wishes

log = logging.getLogger(__name__)


def run(options: Options, places: Places, environment: Mapping[str, str]) -> int:
    """Return the exit code. What fails before the start is told in the snapshot as well."""
    signals.block()
    keep_what_is_freed()
    termination_log = TerminationLog(places.termination_log, limit=options.snapshot_bytes)
    try:
        return asyncio.run(_run(options, places, termination_log, environment))
    except OSError as exc:
        log.error("cannot start: %s", exc)
        failed = Snapshot("Ended", ended_by="RunnerFault", message=f"cannot start: {exc}")
        termination_log.write(failed)
        return RUNNER_FAULT


async def _run(
    options: Options,
    places: Places,
    termination_log: TerminationLog,
    environment: Mapping[str, str],
) -> int:
    outside = signals.kubelets()
    become_subreaper()
    forbid_ptrace()
    claude = StreamJsonReader() if options.claude else None
    runs = Runs(options.argv, agents(environment), places.prompt, claude)
    runner = Runner(options, places, termination_log, runs, claude)
    await runner.listen()
    wish = options.wish
    wishes = Wishes().take(wish.verb, wish) if wish else Wishes()
    try:
        child = runs.first(frozen=wishes.frozen)
    except ExecError as exc:
        return await runner.not_started(exc)
    return await runner.supervise(child, wishes, outside)
