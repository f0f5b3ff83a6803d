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


class Listener:
    """Its thread ends with the process, or with stop()."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, handlers: Handlers, *, outside: frozenset[int]
    ) -> None:
        self._loop, self._handlers, self._outside = loop, handlers, outside
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._wait, name="signals", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """For a fork, which takes one thread only: see spawn.spawn(). Signals wait meanwhile."""
        if self._thread is not None and self._thread.ident is not None:
            signal.pthread_kill(self._thread.ident, signal.SIGCHLD)
            self._thread.join()
        self._thread = None

    def _wait(self) -> None:
        while True:
            info = signal.sigwaitinfo(HANDLED)
            try:
                if info.si_signo != signal.SIGCHLD:
                    self._loop.call_soon_threadsafe(
                        self._handlers.on_end, info.si_pid in self._outside
                    )
                elif info.si_pid != os.getpid():
                    self._loop.call_soon_threadsafe(self._handlers.on_child)
                else:
                    return  # no child's: stop() has sent it
            except RuntimeError:
                return  # the loop is closed: the runner is on its way out
