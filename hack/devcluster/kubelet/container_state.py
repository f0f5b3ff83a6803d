"""What one container is doing, as its ContainerStatus says it. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from devcluster.history import Object

UNKNOWN_EXIT: Final = 137
EPOCH: Final = datetime.fromtimestamp(0, UTC)
"""startedAt of a container that has never run."""


def timestamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Waiting:
    reason: str
    message: str = ""

    def json(self) -> Object:
        return {"waiting": {"reason": self.reason, **_if_any("message", self.message)}}


@dataclass(frozen=True, slots=True)
class Running:
    started_at: datetime

    def json(self) -> Object:
        return {"running": {"startedAt": timestamp(self.started_at)}}


@dataclass(frozen=True, slots=True)
class Terminated:
    exit_code: int
    reason: str
    started_at: datetime = EPOCH
    finished_at: datetime = EPOCH
    message: str = ""
    container_id: str = ""

    def json(self) -> Object:
        return {
            "terminated": {
                "exitCode": self.exit_code,
                "reason": self.reason,
                **_if_any("message", self.message),
                "startedAt": timestamp(self.started_at),
                "finishedAt": timestamp(self.finished_at),
                **_if_any("containerID", self.container_id),
            }
        }


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    name: str
    image: str
    state: State
    last_state: Terminated | None = None
    ready: bool = False
    restarts: int = 0
    container_id: str = ""
    image_id: str = ""

    def json(self) -> Object:
        return {
            "name": self.name,
            "state": self.state.json(),
            "lastState": self.last_state.json() if self.last_state else {},
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": self.image_id,
            **_if_any("containerID", self.container_id),
            "started": isinstance(self.state, Running),
        }


def exit_code_of(returncode: int) -> int:
    """As a shell and a container runtime say it: 128+N for a signal."""
    return returncode if returncode >= 0 else 128 - returncode


def reason_of(exit_code: int) -> str:
    return "Completed" if exit_code == 0 else "Error"


def _if_any(key: str, value: Any) -> Object:
    return {key: value} if value else {}
