"""One line for everything that somebody wanted done to a process, allowed or denied.

Of a command the program alone is told: its arguments may hold prompts and secrets.
"""

import logging
from dataclasses import dataclass
from typing import Final, Literal

from ccx_gateway.errors import CommandNotAllowed, Forbidden, SessionLimit, error_object

log = logging.getLogger("ccx_gateway.audit")

Action = Literal["execute", "attach", "PAUSE", "RESUME", "CANCEL"]

MAX_WORD: Final = 256
_DENIALS: Final = frozenset({CommandNotAllowed.code, Forbidden.code, SessionLimit.code})


@dataclass(frozen=True, slots=True)
class Who:
    session: str
    peer: str


def allowed(who: Who, action: Action, namespace: str, execution: str, program: str = "") -> None:
    _tell(who, action, outcome="allowed", namespace=namespace, execution=execution, program=program)


def failed(who: Who, action: Action, error: Exception, *, program: str = "") -> None:
    """Denied, if it was not to be; the code says what else."""
    told = error_object(error)
    outcome = "denied" if told["code"] in _DENIALS else "failed"
    _tell(who, action, outcome=outcome, code=told["code"], program=program)


def _tell(who: Who, action: Action, *, outcome: str, **facts: str | int) -> None:
    record: dict[str, str | int] = {"action": action, "outcome": outcome}
    record |= {"session": who.session, "peer": who.peer}
    for key, value in facts.items():
        if value != "":
            record[key] = value[:MAX_WORD] if isinstance(value, str) else value
    log.info("audit: %s %s", action, outcome, extra={"audit": record})
