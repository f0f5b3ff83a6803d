"""How the demo tells what happens: one aligned line an event, with the seconds since the start."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

WIDTH = 72
LABEL = 10


class Narrator:
    def __init__(self, write: Callable[[str], None] = print) -> None:
        self._write, self._began = write, time.monotonic()

    def say(self, label: str, text: str) -> None:
        seconds = time.monotonic() - self._began
        self._write(f"{seconds:6.1f} s  {label:<{LABEL}} {text}")

    def plain(self, text: str = "") -> None:
        self._write(text)


def short(text: str, width: int = WIDTH) -> str:
    """One line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def told_by_claude(line: bytes) -> Iterator[str]:
    """What one line of Claude Code's stream-json says, in words for people."""
    try:
        event = json.loads(line)
    except ValueError:
        yield short(line.decode(errors="replace"))
        return
    match event:
        case {"type": "system", "subtype": "init"}:
            yield f"claude {event.get('claude_code_version')} starts, model {event.get('model')}"
        case {"type": "assistant", "message": {"content": list(blocks)}}:
            yield from (said for block in blocks if (said := _block(block)))
        case {"type": "user", "message": {"content": list(blocks)}}:
            yield from (_tool_result(b) for b in blocks if b.get("type") == "tool_result")
        case {"type": "result"}:
            yield f"result: {short(str(event.get('result') or event.get('errors')))}"
        case _:
            return  # of no interest to the audience


def _block(block: dict[str, Any]) -> str | None:
    match block:
        case {"type": "text", "text": str(text)}:
            return f"claude says: {short(text)}"
        case {"type": "tool_use", "name": str(name), "input": dict(asked)}:
            return short(f"claude uses {name}: {asked.get('command', '')}")
    return None


def _tool_result(block: dict[str, Any]) -> str:
    content = block.get("content")
    lines = content.splitlines() if isinstance(content, str) else []
    return f"the tool's result: {len(lines)} lines"
