"""Who else is in /proc, where the runner is not alone there: outside of a container. Sans-IO.

    among(names) -> those who are known, with their groups -> look() reads the others -> learn()

On a development machine hundreds of strangers take 20 microseconds each, in every look. Who was no
descendant a moment ago does not become one, but a pid may be given anew: so a moment is short.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

KNOWN_SECONDS: Final = 1.0
"""In which no pid comes back: they are given in turn, and there are at least 32,768."""


class Strangers:
    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._groups: dict[int, int] = {}
        self._until = 0.0

    def among(self, pids: Iterable[int]) -> dict[int, int]:
        """The group of each that is known."""
        if self._clock() >= self._until:
            return {}
        return {pid: self._groups[pid] for pid in pids if pid in self._groups}

    def learn(self, groups: dict[int, int]) -> None:
        """Of all who are listed now and are no descendants: nobody has gone meanwhile."""
        self._groups, self._until = groups, self._clock() + KNOWN_SECONDS
