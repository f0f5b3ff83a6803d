"""Read Claude's stream-json as it flows, and keep the few facts that matter. Sans-IO.

    stdout -> feed(bytes) -> EventLines -> ClaudeFacts

Cost and usage are those of the newest `result`: an `assistant` event repeats the usage of its
message's start, so neither a sum nor the newest of them would be true. A second run with --resume
reports the cost and the tokens by model of both, its own turns alone. Of what a pod before has
used it is for the reader to tell. Unknown types and fields are ignored, and so is what is not JSON.
"""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from ccx_runner.event_lines import EventLines
from ccx_runner.snapshot import MAX_RESULT_BYTES, ClaudeFacts, Usage
from ccx_runner.turn import TurnWatch

MAX_LINE_BYTES: Final = 8 * 1024 * 1024
LONG_LINE: Final = 1024 * 1024
"""A longer one is parsed only where it may be the result: parsing takes ten times its memory."""

_MAX_NAME: Final = 128
_MAX_COUNT: Final = 2**53
"""What any JSON reader takes; nothing real is larger."""


class StreamJsonReader:
    """A line of more than `max_line_bytes` is skipped and counted."""

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self.facts = ClaudeFacts()
        self.result_seen = False
        """Claude has said how it ended; the process should exit soon."""

        self.turn = TurnWatch()
        self.skipped_lines = 0
        """That may have mattered, and are garbage or overlong."""

        self._lines = EventLines(max_line_bytes=max_line_bytes)
        self._message_id: str | None = None
        self._before = ClaudeFacts()

    def thawed(self) -> None:
        """Its process goes on after a freeze. Before `init` no turn is under way."""
        if self.facts.session_id is not None:
            self.turn.thawed()

    def start_again(self) -> None:
        """The next output is that of a second run, which has resumed the session."""
        self._before = replace(self.facts, restarts=self.facts.restarts + 1)
        self.facts = ClaudeFacts(
            session_id=self.facts.session_id,
            model=self.facts.model,
            turns=self._before.turns,
            cost_usd=self._before.cost_usd,
            usage=self._before.usage,
            restarts=self._before.restarts,
        )
        self.result_seen, self.turn = False, TurnWatch()

    def not_taken_up(self) -> None:
        """A freeze has cut the last turn off, and that is the end of it."""
        self.facts = replace(self.facts, cut_off=True)

    def feed(self, data: bytes, newlines: int | None = None) -> bool:
        """Take any chunk of stdout, and say whether the facts have changed.

        `newlines`: how many it holds, if that is known.
        """
        before = self.facts
        for line in self._lines.feed(data, newlines, pieces=self.turn.silent_since_thaw):
            self._see(line)
        return self.facts != before

    def feed_end(self) -> bool:
        """stdout has ended: a last line without newline counts too."""
        before = self.facts
        for line in self._lines.feed_end(pieces=self.turn.silent_since_thaw):
            self._see(line)
        return self.facts != before

    def _see(self, line: bytes | None) -> None:
        if line is None:
            self.turn.unsure = True
        if line is None or not self._take(line):
            self.skipped_lines += 1

    def _take(self, line: bytes) -> bool:
        if len(line) > LONG_LINE and b'"result"' not in line:
            self.turn.skipped(line)
            return True
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            return False
        if not isinstance(event, dict):
            return False
        self.turn.take(event)
        match event.get("type"):
            case "system" if event.get("subtype") == "init":
                self._init(event)
            case "assistant":
                self._assistant(event)
            case "result":
                self._result(event)
        return True

    def _init(self, event: dict[str, Any]) -> None:
        self.facts = replace(
            self.facts,
            session_id=_name(event, "session_id") or self.facts.session_id,
            model=_name(event, "model") or self.facts.model,
        )

    def _assistant(self, event: dict[str, Any]) -> None:
        """One API message comes as one event for each of its blocks, one after the other."""
        message = event.get("message")
        if not isinstance(message, dict) or event.get("parent_tool_use_id") is not None:
            return
        message_id = _name(message, "id")
        if message_id is not None and message_id != self._message_id:
            self._message_id = message_id
            self.facts = replace(self.facts, turns=self.facts.turns + 1)

    def _result(self, event: dict[str, Any]) -> None:
        text, before = _result_text(event), self._before
        is_error, turns = event.get("is_error"), event.get("num_turns")
        self.result_seen = True
        self.facts = replace(
            self.facts,
            session_id=_name(event, "session_id") or self.facts.session_id,
            turns=self.facts.turns if turns is None else before.turns + _count(turns),
            is_error=is_error if isinstance(is_error, bool) else None,
            subtype=_name(event, "subtype"),
            terminal_reason=_name(event, "terminal_reason"),
            api_status=_http_status(event.get("api_error_status")),
            cost_usd=_total(before.cost_usd, _money(event.get("total_cost_usd"))),
            usage=_usage_by_model(event.get("modelUsage"))
            or before.usage.plus(_usage(event.get("usage"))),
            result_bytes=len(text),
            result=text[:MAX_RESULT_BYTES].decode("utf-8", "ignore"),
        )


def _result_text(event: dict[str, Any]) -> bytes:
    """The answer; where a limit ended the run there is none, but a list of errors."""
    text, errors = event.get("result"), event.get("errors")
    if not isinstance(text, str):
        lines = errors if isinstance(errors, list) else []
        text = "\n".join(line for line in lines if isinstance(line, str))
    return text.encode("utf-8", "replace")


def _usage_by_model(models: object) -> Usage | None:
    """Added up as the cost is: over resumed runs, and with what an interrupted one had used."""
    if not isinstance(models, dict):
        return None
    used = [model for model in models.values() if isinstance(model, dict)]
    if not used:
        return None

    def total(key: str) -> int:
        return min(sum(_count(model.get(key)) for model in used), _MAX_COUNT)

    return Usage(
        input_tokens=total("inputTokens"),
        output_tokens=total("outputTokens"),
        cache_read_tokens=total("cacheReadInputTokens"),
        cache_creation_tokens=total("cacheCreationInputTokens"),
    )


def _usage(usage: object) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    return Usage(
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        cache_read_tokens=_count(usage.get("cache_read_input_tokens")),
        cache_creation_tokens=_count(usage.get("cache_creation_input_tokens")),
    )


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 <= value <= _MAX_COUNT else 0


def _http_status(value: object) -> int | None:
    status = _count(value)
    return status if 100 <= status <= 599 else None


def _money(value: object) -> str | None:
    """A decimal string, without what binary fractions add behind the tenth digit."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value < 1e9:  # exact for any integer, and not so of NaN
        return None
    return f"{Decimal(repr(value)).quantize(Decimal('1e-10')).normalize():f}"


def _total(before: str | None, newest: str | None) -> str | None:
    """Claude's total goes on over --resume; one that is lower has begun anew."""
    if before is None or newest is None:
        return newest or before
    if Decimal(newest) >= Decimal(before):
        return newest
    return f"{(Decimal(before) + Decimal(newest)).normalize():f}"


def _name(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    return value[:_MAX_NAME] if isinstance(value, str) else None
