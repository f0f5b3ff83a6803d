"""Whether a freeze has cut Claude's turn off from the API, and whether it may be taken up again.

stream-json events, thaws -> TurnWatch -> resumption() -> argv of a second run | why not

Pure. An API connection may die while its process is frozen. Claude Code retries by itself; only
when it gives up with an api_error without an HTTP status, and nothing has come from the API since
the thaw, was it the freeze. A turn in which a tool call is open is not taken up again: what the
tool has done by then is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MAX_OPEN: Final = 1000
"""Tool calls that are followed; with more of them it is not known which are open."""

CONTINUE: Final = (
    b"The connection to the API broke off while this session was paused. "
    b"Continue where you stopped."
)
_WITH_VALUE: Final = ("--session-id", "--resume", "-r")
_ALONE: Final = ("--fork-session", "--continue", "-c")


@dataclass(slots=True)
class TurnWatch:
    cut_off: bool = False
    """Claude has given up, and it was for a freeze."""

    given_up: bool = False
    """By us: nothing has come from it for too long since a thaw."""

    unsure: bool = False
    """Something was too long to be read."""

    _open: set[str] = field(default_factory=set)
    _thawed: bool = False

    @property
    def tool_is_open(self) -> bool:
        return bool(self._open) or self.unsure

    @property
    def silent_since_thaw(self) -> bool:
        """Nothing has come from the API since the last one."""
        return self._thawed

    def thawed(self) -> None:
        """In the middle of a turn."""
        self._thawed = True

    def skipped(self, line: bytes) -> None:
        """A line that nobody parses."""
        self.unsure = self.unsure or b'"tool_use"' in line

    def take(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "stream_event":
                self._thawed = False
            case "assistant":
                self._thawed = self._thawed and event.get("error") is not None
                self._open.update(_ids(event, "tool_use", "id"))
                self.unsure = self.unsure or len(self._open) > MAX_OPEN
            case "user":
                self._open.difference_update(_ids(event, "tool_result", "tool_use_id"))
            case "result":
                self.cut_off = self._thawed and _lost_the_api(event)


def _lost_the_api(result: dict[str, Any]) -> bool:
    """An HTTP status is an answer: then the connection had not died."""
    gave_up = result.get("is_error") is True and result.get("terminal_reason") == "api_error"
    return gave_up and result.get("api_error_status") is None


def _ids(event: dict[str, Any], kind: str, key: str) -> set[str]:
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = content if isinstance(content, list) else []
    found = (b.get(key) for b in blocks if isinstance(b, dict) and b.get("type") == kind)
    return {name[:128] for name in found if isinstance(name, str)}


@dataclass(frozen=True, slots=True)
class Resumption:
    argv: tuple[str, ...]
    """The first run's, but for the session."""


def resumption(
    argv: Sequence[str], turn: TurnWatch, *, session_id: str | None, restarts: int, by_stdin: bool
) -> Resumption | str:
    """How the turn goes on, or why it does not. `by_stdin`: that is how the prompt had come."""
    if restarts:
        return "it had been restarted once already"
    if turn.tool_is_open:
        return "a tool call was open"
    if session_id is None or not by_stdin:
        return "its session is not known" if by_stdin else "its prompt is a part of its argv"
    return Resumption((argv[0], "--resume", session_id, *_without_session(argv[1:])))


def _without_session(words: Sequence[str]) -> list[str]:
    kept, skip = list[str](), False
    for word in words:
        if skip or word in _ALONE or word.startswith(("--session-id=", "--resume=")):
            skip = False
        elif word in _WITH_VALUE:
            skip = True
        else:
            kept.append(word)
    return kept
