"""`ccx-operator`: its parts in one task group. If one of them dies, the process does; Kubernetes
starts another. With --leader-elect all but metrics and probes wait until this process leads.
"""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack, suppress
from functools import partial

from ccx_kube.errors import ConfigError
from ccx_kube.leases import Leases
from ccx_kube.session import KubeSession
from ccx_operator import logs
from ccx_operator.election import Alone, Election, LeadershipLostError, new_identity
from ccx_operator.liveness import served_liveness
from ccx_operator.metrics import Metrics
from ccx_operator.options import Options, parse
from ccx_operator.parts import Parts
from ccx_operator.release import StillRunsError, release

log = logging.getLogger(__name__)


def main() -> None:
    options = parse(sys.argv[1:])
    logs.configure(options.log_format)
    try:
        if options.release_finalizers:
            asyncio.run(release(options.namespaces, options.stop_deployment))
        else:
            asyncio.run(_until_told_to_stop(options))
    except (ConfigError, StillRunsError) as exc:
        sys.exit(f"ccx-operator: {exc}")
    except LeadershipLostError as exc:  # in the moment in which it was won
        log.critical("the operator ends", exc_info=exc)
        sys.exit(1)
    except BaseExceptionGroup as exc:
        for error in exc.exceptions:
            log.critical("a part of the operator died", exc_info=error)
        sys.exit(1)


async def _until_told_to_stop(options: Options) -> None:
    """kopf's own way to stop waits 5 s for tasks that are not its: the whole is cancelled."""
    operator = asyncio.create_task(operate(options))
    _end_on_signals(operator)
    with suppress(asyncio.CancelledError):
        await operator


def _end_on_signals(operator: asyncio.Task[None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, operator.cancel)


async def operate(options: Options) -> None:
    operator = asyncio.current_task()
    assert operator is not None
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(await KubeSession.from_environment())
        election = await _election(stack) if options.leader_elect else Alone()
        session.fence = election.check
        parts = Parts(options, session, election)
        session.on_response = parts.metrics.requested
        await _serve(options, parts.metrics, stack)
        stack.push_async_callback(election.release)  # after the end of all that acts
        await election.win()
        async with asyncio.TaskGroup() as tasks:
            for loop in parts.loops(partial(_end_on_signals, operator)):
                tasks.create_task(loop)


async def _election(stack: AsyncExitStack) -> Election:
    """On a session of its own: its writes are not fenced, and wait for nobody's."""
    session = await stack.enter_async_context(await KubeSession.from_environment())
    return Election(Leases(session, session.namespace), new_identity())


async def _serve(options: Options, metrics: Metrics, stack: AsyncExitStack) -> None:
    if options.metrics is not None:
        stack.enter_context(metrics.served(*options.metrics))
    if options.probes is not None:
        await stack.enter_async_context(served_liveness(*options.probes))
