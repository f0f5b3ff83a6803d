"""What the scripted Messages API answers: pure, from the request's body to an `Answer`.

The scenario comes from the path (`/s/<scenario>`), or from a directive in the newest human text,
which wins and may carry parameters: `@@{"scenario": "slow", "chunks": 100}@@`.

    obey        does what the text asks: runs its ```bash block with the Bash tool, else says hello
    hello       one text answer: text
    tool        asks for one tool call, then answers: name ("Bash"), input, text, final
    loop        asks for a tool call every time, for ever: for --max-turns
    slow        streams in small pieces: chunks (40), delay in seconds (0.25)
    stall       stops in the middle of the stream: stall in seconds (3600)
    drop        aborts the connection in the middle of the stream
    cut         aborts the connection in the middle of the stream, after `after` seconds (5), and
                the next `fail` (1) at once, then hello; `key` names the counter
    flaky       answers 529 `fail` times (2), then hello; `key` names the counter
    error400, error401, error429, error500, error529
                that HTTP status every time

Everywhere in_tokens (1200) and out_tokens (25 a block) set the usage, so costs are exact.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DIRECTIVE = re.compile(r"@@(\{.*?\})@@", re.DOTALL)
BASH_BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)
CACHE_READ_TOKENS = 300

ERRORS = {
    "error400": (400, "invalid_request_error", "the script says that the request is bad"),
    "error401": (401, "authentication_error", "invalid x-api-key"),
    "error429": (429, "rate_limit_error", "rate limited"),
    "error500": (500, "api_error", "internal server error"),
    "error529": (529, "overloaded_error", "overloaded"),
}


@dataclass(frozen=True, slots=True)
class ApiError:
    status: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """No answer: the connection is aborted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One assistant message and how it is streamed."""

    blocks: tuple[Json, ...]
    input_tokens: int
    output_tokens: int
    delay: float = 0.0
    """Seconds between two pieces of text."""

    breaks_with: str | None = None
    """`stall` or `drop` in the middle of the text, after `stall_seconds`."""

    stall_seconds: float = 3600.0

    @property
    def stop_reason(self) -> str:
        return "tool_use" if any(b["type"] == "tool_use" for b in self.blocks) else "end_turn"


class Script:
    """Holds what must outlive a request: how often a key was asked for."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}

    def answer(self, body: Json, path_scenario: str) -> Answer | ApiError | HangUp:
        text = _newest_human_text(body)
        directives = DIRECTIVE.findall(text)
        wanted: Json = {"scenario": path_scenario}
        if directives:
            wanted = json.loads(directives[-1])
        scenario = str(wanted["scenario"])
        if scenario == "flaky":
            scenario = self._flaky(wanted)
        if scenario in ERRORS:
            return ApiError(*ERRORS[scenario])
        if not body.get("tools"):  # a side request, such as for a title
            return Answer(({"type": "text", "text": '{"title": "scripted"}'},), 10, 5)
        if scenario == "cut" and (before := self._asked_before(wanted)):
            if before <= wanted.get("fail", 1):
                return HangUp()
            scenario = "hello"
        return _answer(scenario, wanted, text, has_result=_ends_in_tool_result(body))

    def _flaky(self, wanted: Json) -> str:
        return "error529" if self._asked_before(wanted) < wanted.get("fail", 2) else "hello"

    def _asked_before(self, wanted: Json) -> int:
        key = str(wanted.get("key", ""))
        before = self._asked.get(key, 0)
        self._asked[key] = before + 1
        return before


def _answer(scenario: str, wanted: Json, text: str, *, has_result: bool) -> Answer:
    blocks = _blocks(scenario, wanted, text, has_result=has_result)
    return Answer(
        blocks,
        input_tokens=wanted.get("in_tokens", 1200),
        output_tokens=wanted.get("out_tokens", 25 * len(blocks)),
        delay=wanted.get("delay", 0.25 if scenario in ("slow", "stall") else 0.0),
        breaks_with={"stall": "stall", "drop": "drop", "cut": "drop"}.get(scenario),
        stall_seconds=_stall(scenario, wanted),
    )


def _stall(scenario: str, wanted: Json) -> float:
    """Before the stream goes on, or breaks."""
    if scenario == "cut":
        return float(wanted.get("after", 5.0))
    return 0.0 if scenario == "drop" else float(wanted.get("stall", 3600.0))


def _blocks(scenario: str, wanted: Json, text: str, *, has_result: bool) -> tuple[Json, ...]:
    match scenario:
        case "obey" if (found := BASH_BLOCK.search(text)) and not has_result:
            return _tool_call({"input": {"command": found[1], "description": "Run the block"}})
        case "obey" if has_result:
            return _text("Done: the tool has run. (scripted answer)")
        case "tool" if has_result:
            return _text(wanted.get("final", "The tool has run."))
        case "tool" | "loop":
            return _tool_call(wanted)
        case "slow" | "stall" | "drop" | "cut":
            return _text("".join(f"chunk {n:04d}. " for n in range(wanted.get("chunks", 40))))
        case "hello" | "obey":
            return _text(wanted.get("text", "Hello from the scripted Messages API."))
    return _text(f"There is no scenario {scenario!r}: see hack/messages_api/scenarios.py.")


def _text(text: str) -> tuple[Json, ...]:
    return ({"type": "text", "text": text},)


def _tool_call(wanted: Json) -> tuple[Json, ...]:
    default = {"command": "echo integ-$((40+2)); pwd", "description": "Print a marker"}
    tool = {
        "type": "tool_use",
        "name": wanted.get("name", "Bash"),
        "input": wanted.get("input", default),
    }
    return (*_text(wanted.get("text", "Running a tool.")), tool)


def _newest_human_text(body: Json) -> str:
    """The CLI adds reminders of its own, which start with a tag."""
    for message in reversed(body.get("messages", [])):
        human = [text for text in _texts(message) if not text.lstrip().startswith("<")]
        if message.get("role") == "user" and human:
            return "\n".join(human)
    return ""


def _texts(message: Json) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    return [block.get("text", "") for block in content or () if block.get("type") == "text"]


def _ends_in_tool_result(body: Json) -> bool:
    for message in reversed(body.get("messages", [])):
        content = message.get("content")
        if isinstance(content, list) and any(b.get("type") == "tool_result" for b in content):
            return True
        if message.get("role") == "assistant":
            return False
    return False
