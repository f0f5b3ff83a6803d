"""One line for everything that somebody wanted done to a process, and for all that was denied.

Of a command the program alone is told: its arguments may hold prompts and secrets.
"""

import logging
from dataclasses import dataclass
from typing import Final

from ccx_gateway.errors import CommandNotAllowed, Forbidden, SessionLimit, error_object
from ccx_kube.reviews import Access

log = logging.getLogger("ccx_gateway.audit")

Action = str
"""What was wanted: connect, a method's name, or PAUSE, RESUME, CANCEL."""

MAX_WORD: Final = 256
_DENIALS: Final = frozenset({CommandNotAllowed.code, Forbidden.code, SessionLimit.code})


@dataclass(frozen=True, slots=True)
class Who:
    session: str
    peer: str
    user: str = ""
    """As the API server knows them; empty where nobody signs in, or has yet."""


def allowed(who: Who, action: Action, namespace: str, execution: str, program: str = "") -> None:
    _tell(who, action, outcome="allowed", namespace=namespace, execution=execution, program=program)


def failed(who: Who, action: Action, error: Exception, *, program: str = "") -> None:
    """Denied, if it was not to be; the code says what else."""
    told = error_object(error)
    outcome = "denied" if told["code"] in _DENIALS else "failed"
    _tell(who, action, outcome=outcome, code=told["code"], program=program)


def denied(who: Who, action: Action, access: Access) -> None:
    """For want of a right."""
    facts = {"verb": access.verb, "namespace": access.namespace, "execution": access.name}
    _tell(who, action, outcome="denied", code=Forbidden.code, **facts)


def refused(who: Who, reason: str, action: Action = "connect") -> None:
    """Before a right was asked for: nobody, or somebody who may not be here any more."""
    _tell(who, action, outcome="denied", reason=reason)


def _tell(who: Who, action: Action, *, outcome: str, **facts: str | int) -> None:
    record: dict[str, str | int] = {"action": action, "outcome": outcome}
    of_whom = {"user": who.user, "session": who.session, "peer": who.peer}
    for key, value in (of_whom | facts).items():
        if value != "":
            record[key] = value[:MAX_WORD] if isinstance(value, str) else value
    log.info("audit: %s %s", action, outcome, extra={"audit": record})
