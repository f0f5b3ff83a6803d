"""Signals to the runner: who asks it to end, and that a child has ended.

SIGTERM | SIGINT | SIGCHLD -> sigwaitinfo() in a thread -> a call in the event loop

The sender tells TERM from outside (the kubelet) and from inside (the agent) apart, which a
signal handler of Python's does not learn.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

HANDLED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})


@dataclass(frozen=True, slots=True)
class Handlers:
    on_child: Callable[[], None]
    on_end: Callable[[bool], None]
    """TERM or INT; with whether it came from outside."""


def block() -> None:
    """First of all, in the main thread: a blocked signal waits for listen()."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)


def kubelets() -> frozenset[int]:
    """Sender pids that stand for the kubelet.

    0 is a sender in another pid namespace, or the kernel; outside a container it is whoever
    started us. As PID 1 both are 0. To be asked at the start: a parent may end.
    """
    return frozenset({0, os.getppid()})


def listen(
    loop: asyncio.AbstractEventLoop, handlers: Handlers, *, outside: frozenset[int]
) -> threading.Thread:
    """Only after the last fork: see spawn.spawn(). The thread ends with the process."""
    thread = threading.Thread(
        target=_wait, args=(loop, handlers, outside), name="signals", daemon=True
    )
    thread.start()
    return thread


def _wait(loop: asyncio.AbstractEventLoop, handlers: Handlers, outside: frozenset[int]) -> None:
    while True:
        info = signal.sigwaitinfo(HANDLED)
        try:
            if info.si_signo == signal.SIGCHLD:
                loop.call_soon_threadsafe(handlers.on_child)
            else:
                loop.call_soon_threadsafe(handlers.on_end, info.si_pid in outside)
        except RuntimeError:
            return  # the loop is closed: the runner is on its way out
