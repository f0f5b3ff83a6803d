"""How soon a pod that has just been made is asked again whether its runner listens. Pure.

Somebody waits for its first output: doubling from try to try would cost up to as long again as the
start itself takes. But one that cannot start at all must not be asked four times a second for ever.
"""

from dataclasses import dataclass
from typing import Final

FIRST: Final = 0.05
QUICK: Final = 0.25
SLOW: Final = 1.0
QUICK_SECONDS: Final = 10.0
"""Within which most pods start whose image is there."""


@dataclass(slots=True)
class StartDelays:
    _waited: float = 0.0
    _delay: float = 0.0

    def next(self) -> float:
        """In seconds."""
        longest = QUICK if self._waited < QUICK_SECONDS else SLOW
        self._delay = min(1.5 * self._delay, longest) if self._delay else FIRST
        self._waited += self._delay
        return self._delay
