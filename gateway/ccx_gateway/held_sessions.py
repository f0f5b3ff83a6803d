"""Which sessions a gateway holds, with which executions, and which are to be closed when. Pure.

joined(), add() ──> held ──> ended() of the last execution, or dropped()
                     │ ^
left(when) ──────────┘ └── joined()          time comes in as a value

A session may have several sockets: a client is often back before its old one is known to be dead.
"""

from dataclasses import dataclass, field

Key = tuple[str, str]
"""Namespace and name of an execution."""


@dataclass(slots=True)
class _Session:
    sockets: set[str] = field(default_factory=set)
    executions: dict[Key, None] = field(default_factory=dict)
    close_at: float | None = None


class HeldSessions:
    """Bounded by its callers: by how many sockets and executions they allow."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def joined(self, session_id: str, socket: str) -> bool:
        """False: it had joined before."""
        held = self._sessions.setdefault(session_id, _Session())
        known = socket in held.sockets
        held.sockets.add(socket)
        held.close_at = None
        return not known

    def left(self, session_id: str, socket: str, when: float) -> None:
        """Without any socket it is due then, unless one joins."""
        if (held := self._sessions.get(session_id)) is not None:
            held.sockets.discard(socket)
            self.postponed(session_id, when)

    def postponed(self, session_id: str, when: float) -> None:
        if (held := self._sessions.get(session_id)) is not None and not held.sockets:
            held.close_at = when

    def add(self, session_id: str, execution: Key) -> bool:
        """False: it was there. Only of a session that somebody has joined."""
        held = self._sessions[session_id]
        known = execution in held.executions
        held.executions[execution] = None
        return not known

    def executions(self, session_id: str) -> tuple[Key, ...]:
        held = self._sessions.get(session_id)
        return tuple(held.executions) if held is not None else ()

    def ended(self, execution: Key) -> None:
        """It needs no gateway any more, and a session without executions needs none either."""
        for session_id, held in tuple(self._sessions.items()):
            if execution in held.executions:
                del held.executions[execution]
                if not held.executions:
                    self.dropped(session_id)

    def dropped(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)

    def due(self, now: float) -> tuple[str, ...]:
        times = ((name, held.close_at) for name, held in self._sessions.items())
        return tuple(name for name, when in times if when is not None and when <= now)

    def next_due(self) -> float | None:
        times = (held.close_at for held in self._sessions.values())
        return min((when for when in times if when is not None), default=None)
