"""Free loopback ports that stand for the containerPorts of pods."""

import itertools
import random
import socket
from collections.abc import Iterable, Iterator
from typing import Final

PORTS: Final = range(20_000, 32_000)
"""Below the range from which the kernel takes ports by itself: nobody else gets one by chance."""


class LocalPorts:
    def __init__(self, *, start: int | None = None) -> None:
        """Begin somewhere at random: another devcluster may be giving out ports beside us, and a
        port is free for both until the container binds it.
        """
        begin = random.randrange(len(PORTS)) if start is None else start
        self._candidates: Iterator[int] = itertools.cycle([*PORTS[begin:], *PORTS[:begin]])
        self._taken: set[int] = set()

    def take(self, wanted: Iterable[int]) -> dict[int, int]:
        """A local port for each containerPort. They are given back by free()."""
        return {port: self._take() for port in sorted(set(wanted))}

    def free(self, ports: Iterable[int]) -> None:
        self._taken.difference_update(ports)

    def _take(self) -> int:
        for port in itertools.islice(self._candidates, len(PORTS)):
            if port not in self._taken and _is_free(port):
                self._taken.add(port)
                return port
        raise OSError(f"no free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
