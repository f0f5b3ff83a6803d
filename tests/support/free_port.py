"""A port for a program that must be told one."""

import random
import socket
from typing import Final

PORTS: Final = range(10_000, 20_000)
"""Below those that the kernel gives by itself, and devcluster: nobody else gets one by chance."""


def a_free_port() -> int:
    return next(port for port in random.sample(PORTS, len(PORTS)) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
