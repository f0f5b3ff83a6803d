"""What a runner tells of itself over a link: understood, or refused with a reason. Pure.

its first snapshot -> agree() -> the version that both speak
every snapshot     -> understood()
"""

from pydantic import ValidationError

from ccx_api.snapshot import Snapshot, unreadable
from ccx_kube.errors import VersionsDiffer
from ccx_runner.frames import FrameError, Greeting, JsonObject, agreed, disagreement


def agree(told: JsonObject) -> tuple[int, bool]:
    """The link's version, and whether the process waits for readers who are behind."""
    greeting = Greeting.of(told)
    version = agreed(greeting.versions)
    if version is None:
        raise VersionsDiffer(disagreement(greeting))
    return version, greeting.blocks


def understood(told: JsonObject) -> Snapshot:
    if words := unreadable(told):
        raise VersionsDiffer(words)
    try:
        return Snapshot.model_validate(told)
    except ValidationError as exc:  # its own text quotes the output
        field = ".".join(str(part) for part in exc.errors()[0]["loc"])
        raise FrameError(f"snapshot of the runner: {field} is not understood") from None
