"""Which executions are settled: they have ended, their finalizer has gone, nothing is left to do.

Told by an object as it comes, before it is made a model of: there may be ten thousand. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from ccx_api.names import FINALIZER
from ccx_api.status import Phase

_TERMINAL: Final = {phase.value: phase for phase in Phase if phase.is_terminal}


def settled_phase(body: Mapping[str, Any]) -> Phase | None:
    """None: something may be left to do."""
    if FINALIZER in (body["metadata"].get("finalizers") or ()):
        return None
    return _TERMINAL.get(str((body.get("status") or {}).get("phase")))
