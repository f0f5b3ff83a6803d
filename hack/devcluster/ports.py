"""What the API asks of a node: the log and the exec of a container.

API routes pods/log and pods/exec -> Node (devcluster.kubelet.Kubelet) -> container
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class NodeError(Exception):
    """The node cannot do it: with the status code and words that a kubelet would use."""

    def __init__(self, message: str, *, code: int = 400, reason: str = "BadRequest") -> None:
        super().__init__(message)
        self.message, self.code, self.reason = message, code, reason


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The query of pods/log."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_seconds: int | None = None
    since_time: datetime | None = None


class Reader(Protocol):
    """One output stream of an exec. Reading slowly makes the process wait."""

    async def read(self, n: int) -> bytes:
        """At most n bytes as soon as there are some; empty at the end."""
        ...


class ExecProcess(Protocol):
    @property
    def stdout(self) -> Reader: ...

    @property
    def stderr(self) -> Reader | None:
        """None with a terminal, which has one stream."""
        ...

    async def write_stdin(self, data: bytes) -> None:
        """Returns when the process's pipe has taken it; a process that has gone is no error."""
        ...

    async def close_stdin(self) -> None: ...

    async def wait(self) -> int:
        """The exit code, 128+N for a signal."""
        ...

    async def kill(self) -> None:
        """End it and release its streams. Idempotent."""
        ...


class Node(Protocol):
    def logs(
        self, namespace: str, pod: str, container: str, options: LogOptions
    ) -> AsyncIterator[bytes]:
        """Raises NodeError, at the first step."""
        ...

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> ExecProcess:
        """Raises NodeError."""
        ...

    async def run(self) -> None:
        """Drive all pods until cancelled; then leave no process."""
        ...
