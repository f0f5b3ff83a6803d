"""Prometheus and promtool, as installed or as `make test` has unpacked them."""

import shutil
from pathlib import Path

_UNPACKED = Path(__file__).parents[2] / ".ccx/prometheus/usr/bin"

MISSING = "Debian's prometheus is missing: make .ccx/prometheus/installed, or apt-get install it"


def _find(program: str) -> str | None:
    unpacked = _UNPACKED / program
    return str(unpacked) if unpacked.exists() else shutil.which(program)


PROMETHEUS, PROMTOOL = _find("prometheus"), _find("promtool")
