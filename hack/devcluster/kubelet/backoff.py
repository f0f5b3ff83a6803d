"""How long to wait before the next try, as the kubelet does. Pure."""

from typing import Final

FIRST: Final = 10.0
LONGEST: Final = 300.0
FORGIVEN_AFTER: Final = 2 * LONGEST


class Backoff:
    def __init__(self) -> None:
        self._tries = 0

    def next(self, *, ran_seconds: float = 0.0) -> float:
        """0, 10, 20, 40 ... 300 seconds; from the start again after a run of ten minutes."""
        if ran_seconds > FORGIVEN_AFTER:
            self._tries = 0
        self._tries += 1
        if self._tries == 1:
            return 0.0
        return min(FIRST * 2.0 ** min(self._tries - 2, 10), LONGEST)
