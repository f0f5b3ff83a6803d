"""Operators that start in a fraction of a second and can be killed: each a process of its own.

forkserver that has imported ccx_operator -> fork -> main() with its arguments, environment and log
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ccx_operator.main import main

END_SECONDS: Final = 60
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["ccx_operator.main"])


class ForkedOperator:
    def __init__(self, kubeconfig: Path, log: Path, *words: str) -> None:
        self.log = log
        self._process = _FORKS.Process(target=_run, args=(kubeconfig, log, words), daemon=True)
        self._process.start()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL, as a crash: nothing is tidied up."""
        self._process.kill()
        self._reap()

    def end(self) -> None:
        """TERM. Safe to call again."""
        self._process.terminate()
        self._process.join(END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
        self._reap()

    def _reap(self) -> None:
        self._process.join(END_SECONDS)
        assert not self._process.is_alive()


def _run(kubeconfig: Path, log: Path, words: Sequence[str]) -> None:
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end us
    os.environ["KUBECONFIG"] = str(kubeconfig)
    sys.argv = ["ccx-operator", *words]
    main()
