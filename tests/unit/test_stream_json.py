import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.snapshot import ClaudeFacts, Usage
from ccx_runner.stream_json import StreamJsonReader

# As Claude Code 2.1.330 printed them, with the fields that do not matter here left out.
SESSION = "e0ac096b-a370-4b8a-894b-139eccb07f81"
INIT = {"type": "system", "subtype": "init", "session_id": SESSION, "model": "claude-opus-5-5"}
TOOL_RUN: list[dict[str, Any]] = [
    INIT,
    {
        "type": "assistant",
        "message": {
            "model": "claude-opus-5-5",
            "id": "msg_stub000002",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "two blocks"}],
            "stop_reason": None,
            "usage": {"input_tokens": 1200, "cache_read_input_tokens": 300, "output_tokens": 1},
        },
        "parent_tool_use_id": None,
        "session_id": SESSION,
    },
    {
        "type": "assistant",
        "message": {
            "model": "claude-opus-5-5",
            "id": "msg_stub000002",
            "content": [{"type": "tool_use", "id": "toolu_stub000002", "name": "Bash"}],
            "usage": {"input_tokens": 1200, "cache_read_input_tokens": 300, "output_tokens": 1},
        },
        "parent_tool_use_id": None,
        "session_id": SESSION,
    },
    {
        "type": "user",
        "message": {"role": "user", "content": [{"type": "tool_result", "content": "integ-42"}]},
        "parent_tool_use_id": None,
        "session_id": SESSION,
    },
    {
        "type": "assistant",
        "message": {"id": "msg_stub000003", "content": [{"type": "text", "text": "Grüße 🙂"}]},
        "parent_tool_use_id": None,
        "session_id": SESSION,
    },
    {
        "duration_api_ms": 44,
        "stop_reason": "end_turn",
        "session_id": SESSION,
        "total_cost_usd": 0.011219999999999999,
        "usage": {
            "input_tokens": 2400,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 600,
            "output_tokens": 75,
            "server_tool_use": {"web_search_requests": 0},
        },
        "permission_denials": [],
        "terminal_reason": "completed",
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "num_turns": 2,
        "result": "Grüße 🙂",
    },
]
TOOL_FACTS = ClaudeFacts(
    session_id=SESSION,
    model="claude-opus-5-5",
    turns=2,
    is_error=False,
    subtype="success",
    terminal_reason="completed",
    cost_usd="0.01122",
    usage=Usage(2400, 75, 600, 0),
    result_bytes=12,
    result="Grüße 🙂",
)
API_ERROR = {
    "duration_api_ms": 0,
    "session_id": SESSION,
    "total_cost_usd": 0,
    "usage": {"input_tokens": 0, "output_tokens": 0},
    "terminal_reason": "api_error",
    "type": "result",
    "subtype": "success",
    "is_error": True,
    "api_error_status": 400,
    "num_turns": 1,
    "result": "API Error: 400 stub says the request is bad",
}
LOST_API = {"type": "result", "is_error": True, "terminal_reason": "api_error"}
MAX_TURNS = {
    "session_id": SESSION,
    "total_cost_usd": 0.01758,
    "usage": {"input_tokens": 3600, "cache_read_input_tokens": 900, "output_tokens": 150},
    "terminal_reason": "max_turns",
    "type": "result",
    "subtype": "error_max_turns",
    "is_error": True,
    "num_turns": 4,
    "errors": ["Reached maximum number of turns (3)"],
}


def printed(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)


def read(data: bytes, *, max_line_bytes: int = 1024 * 1024) -> StreamJsonReader:
    reader = StreamJsonReader(max_line_bytes=max_line_bytes)
    reader.feed(data)
    reader.feed_end()
    return reader


@given(st.lists(st.integers(0, 5000), max_size=30))
def test_a_run_with_a_tool_is_read_whatever_the_chunks(cuts: list[int]) -> None:
    data, reader = printed(*TOOL_RUN), StreamJsonReader()
    marks = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(marks):
        reader.feed(data[start:end])
    assert reader.facts == TOOL_FACTS
    assert reader.result_seen
    assert reader.skipped_lines == 0


@pytest.mark.parametrize(("pieces", "cut_off"), [(0, True), (1, False)])
def test_a_piece_of_a_message_after_a_thaw_says_that_the_connection_lives(
    pieces: int, cut_off: bool
) -> None:
    reader = StreamJsonReader()
    reader.feed(printed(INIT))
    reader.thawed()
    reader.feed(printed(*[{"type": "stream_event", "event": {}}] * pieces, LOST_API))
    assert reader.turn.cut_off is cut_off


PIECE = b'{"type":"stream_event","event":{"delta":{"text":"{\\"type\\":\\"result\\""}}}\n'


@pytest.mark.parametrize("before", [0, 1, 20])
@pytest.mark.parametrize("after", [0, 1, 20])
@pytest.mark.parametrize("cut", [0, 1, 30, 500])
def test_an_event_among_pieces_is_found_wherever_it_stands(
    before: int, after: int, cut: int
) -> None:
    event = json.dumps(INIT, separators=(",", ":")).encode() + b"\n"
    data, reader = PIECE * before + event + PIECE * after, StreamJsonReader()
    for part in (data[:cut], data[cut:]):
        reader.feed(part, part.count(b"\n"))
    assert reader.facts.session_id == SESSION


def test_turns_are_told_while_it_runs_but_no_usage_before_the_result() -> None:
    facts = read(printed(*TOOL_RUN[:-1])).facts
    assert (facts.turns, facts.usage, facts.cost_usd, facts.is_error) == (2, Usage(), None, None)


def test_a_subagents_messages_are_no_turns() -> None:
    nested = {"type": "assistant", "message": {"id": "m9"}, "parent_tool_use_id": "toolu_1"}
    assert read(printed(INIT, nested)).facts.turns == 0


def test_a_resumed_run_tells_usage_as_it_tells_cost_of_the_whole_conversation() -> None:
    """As printed by a run with --resume, after one that a TERM had ended before its result."""
    own = {"input_tokens": 1200, "cache_read_input_tokens": 300, "output_tokens": 25}
    by_model = {
        "claude-opus-5-5": {
            "inputTokens": 2400,
            "outputTokens": 75,
            "cacheReadInputTokens": 600,
            "cacheCreationInputTokens": 0,
            "costUSD": 0.0112,
        },
        "claude-haiku-5-5": {"inputTokens": 10, "outputTokens": 5},
    }
    facts = read(printed({**TOOL_RUN[-1], "usage": own, "modelUsage": by_model})).facts
    assert facts.usage == Usage(2410, 80, 600, 0)


@pytest.mark.parametrize(("told", "status"), [(529, 529), (None, None), (7, None), ("529", None)])
def test_the_status_that_the_api_refused_with_is_kept(told: object, status: int | None) -> None:
    facts = read(printed({**TOOL_RUN[-1], "is_error": True, "api_error_status": told})).facts
    assert facts.api_status == status


def test_an_api_error_is_an_error_although_its_subtype_is_success() -> None:
    facts = read(printed(INIT, API_ERROR)).facts
    assert (facts.is_error, facts.terminal_reason, facts.cost_usd) == (True, "api_error", "0")
    assert facts.result == "API Error: 400 stub says the request is bad"


def test_where_a_limit_ends_the_run_the_errors_are_the_text() -> None:
    facts = read(printed(INIT, MAX_TURNS)).facts
    assert (facts.turns, facts.terminal_reason) == (4, "max_turns")
    assert facts.result == "Reached maximum number of turns (3)"


def test_feeding_says_whether_the_facts_have_changed() -> None:
    reader = StreamJsonReader()
    assert reader.feed(printed(INIT))
    assert not reader.feed(printed(INIT, {"type": "user"}))


def test_of_several_results_the_newest_counts() -> None:
    assert read(printed(*TOOL_RUN, MAX_TURNS)).facts.cost_usd == "0.01758"


GARBAGE = [b"not json", b"[1]", b'"text"', b"\xff\xfe", b"{", b"[" * 100_000, b'{"a":' * 100_000]


@pytest.mark.parametrize("line", GARBAGE)
def test_garbage_is_passed_over_and_the_rest_is_read(line: bytes) -> None:
    reader = read(line + b"\n\r\n" + printed(INIT))
    assert reader.facts.session_id == SESSION


@pytest.mark.parametrize("line", GARBAGE)
def test_garbage_that_looks_like_an_event_is_counted(line: bytes) -> None:
    reader = read(line + b'"type":"result"\n' + printed(INIT))
    assert (reader.skipped_lines, reader.result_seen) == (1, False)
    assert reader.facts.session_id == SESSION


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_an_event_is_found_between_others_however_it_is_spaced(separators: tuple[str, str]) -> None:
    piece = {"type": "stream_event", "event": {"delta": {"text": 'says "type":"result"'}}}
    lines = [json.dumps(event, separators=separators) for event in (piece, INIT, piece, piece)]
    reader = read("\n".join(lines).encode())
    assert (reader.facts.session_id, reader.result_seen) == (SESSION, False)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "a_new_one", "session_id": 5},
        {"type": ["result"]},
        {"type": "system", "subtype": "init", "session_id": None, "model": {}},
        {"type": "assistant", "message": "text"},
        {"type": "assistant", "message": {"id": None}},
    ],
)
def test_unknown_types_and_fields_change_nothing(event: dict[str, Any]) -> None:
    reader = read(printed(INIT, event))
    assert reader.facts == ClaudeFacts(session_id=SESSION, model="claude-opus-5-5")


def test_a_result_of_wrong_types_is_still_a_result() -> None:
    wrong = {"usage": [], "num_turns": "9", "total_cost_usd": "free", "result": 5, "is_error": 1}
    reader = read(printed({"type": "result", **wrong}))
    assert reader.result_seen
    assert reader.facts == ClaudeFacts()


@pytest.mark.parametrize(
    ("number", "money"),
    [("0.005359999999999999", "0.00536"), ("1e-7", "0.0000001"), ("12", "12"), ("100", "100")]
    + [(wrong, None) for wrong in ("-1", "NaN", "Infinity", "1e300", "9" * 400, "true", "null")],
)
def test_money_is_a_plain_decimal(number: str, money: str | None) -> None:
    line = f'{{"type":"result","total_cost_usd":{number}}}\n'
    assert read(line.encode()).facts.cost_usd == money


def test_a_long_result_is_cut_between_characters_and_its_size_is_told() -> None:
    facts = read(printed({"type": "result", "result": "x" + "é" * 5000})).facts
    assert facts.result_bytes == 10_001
    assert facts.result == "x" + "é" * 511


def test_lines_of_more_than_4_mb_are_read() -> None:
    facts = read(printed({"type": "result", "result": "x" * 5_000_000}), max_line_bytes=2**23).facts
    assert facts.result_bytes == 5_000_000


def test_a_line_over_the_limit_is_skipped_and_not_kept() -> None:
    reader = StreamJsonReader(max_line_bytes=1000)
    for _ in range(100):
        reader.feed(b"x" * 999)
    assert reader.feed(b"\n" + printed(INIT))
    assert reader.skipped_lines == 1


def test_an_event_over_the_limit_in_one_chunk_is_skipped_too() -> None:
    reader = read(printed({"type": "result", "result": "x" * 1000}, INIT), max_line_bytes=1000)
    assert (reader.skipped_lines, reader.result_seen) == (1, False)
    assert reader.facts.session_id == SESSION


def a_cost(total: float, *, turns: int = 1, tokens: int = 10) -> dict[str, Any]:
    usage = {"input_tokens": tokens, "output_tokens": 1}
    numbers = {"total_cost_usd": total, "num_turns": turns, "usage": usage}
    return {"type": "result", "is_error": False, "result": "r", "session_id": "s", **numbers}


def test_a_second_run_counts_on_and_its_cost_is_not_counted_twice() -> None:
    """Claude's total goes on over --resume, its tokens and turns do not."""
    reader = read(printed(a_cost(0.2, turns=3)))
    reader.start_again()
    again = reader.facts
    assert (again.is_error, again.result, reader.result_seen) == (None, "", False)
    assert (again.session_id, again.turns, again.cost_usd, again.restarts) == ("s", 3, "0.2", 1)
    reader.feed(printed(a_cost(0.5, turns=2, tokens=7)))
    facts = reader.facts
    assert (facts.cost_usd, facts.turns, facts.usage.input_tokens) == ("0.5", 5, 17)
    assert (facts.usage.output_tokens, facts.restarts, facts.result) == (2, 1, "r")


def test_a_total_that_has_begun_anew_is_added() -> None:
    reader = read(printed(a_cost(0.2)))
    reader.start_again()
    reader.feed(printed(a_cost(0.15)))
    assert reader.facts.cost_usd == "0.35"


def test_a_second_run_without_a_result_keeps_what_the_first_has_cost() -> None:
    reader = read(printed(a_cost(0.2, turns=3)))
    reader.start_again()
    reader.feed(printed({"type": "assistant", "message": {"id": "m9"}}))
    assert (reader.facts.cost_usd, reader.facts.turns) == ("0.2", 4)
    assert reader.facts.is_error is None


def test_only_the_init_of_a_system_event_names_the_session() -> None:
    status = {"type": "system", "subtype": "status", "session_id": "other", "model": "other"}
    assert read(printed(INIT, status)).facts.session_id == SESSION


def test_a_long_line_is_parsed_only_where_it_may_be_the_result() -> None:
    long = "x" * 1_100_000
    said = {"type": "assistant", "message": {"id": "m9", "content": [{"text": long}]}}
    reader = read(printed(INIT, said), max_line_bytes=2**23)
    assert (reader.facts.turns, reader.skipped_lines, reader.turn.tool_is_open) == (0, 0, False)
    called = {"type": "assistant", "message": {"content": [{"type": "tool_use", "in": long}]}}
    assert read(printed(INIT, called), max_line_bytes=2**23).turn.tool_is_open


def test_an_overlong_line_may_have_been_a_tool_call() -> None:
    call = {"type": "assistant", "message": {"content": [{"text": "x" * 1000}]}}
    assert read(printed(INIT, call), max_line_bytes=1000).turn.tool_is_open


def test_an_event_that_is_no_object_is_counted() -> None:
    reader = read(b'[{"type":"result"}]\n' + printed(INIT))
    assert (reader.skipped_lines, reader.facts.session_id) == (1, SESSION)


def test_a_message_without_an_id_is_no_turn() -> None:
    named, unnamed = ({"type": "assistant", "message": m} for m in ({"id": "m1"}, {}))
    assert read(printed(INIT, named, unnamed, named)).facts.turns == 1


def test_a_result_that_names_no_session_or_turns_leaves_what_is_known() -> None:
    said = {"type": "assistant", "message": {"id": "m1"}}
    facts = read(printed(INIT, said, {"type": "result", "is_error": False})).facts
    assert (facts.session_id, facts.turns) == (SESSION, 1)


def test_of_errors_only_texts_are_told() -> None:
    result = {"type": "result", "is_error": True, "errors": ["a", 5, None, "b"]}
    assert read(printed(result)).facts.result == "a\nb"


def test_a_usage_by_model_of_another_shape_is_not_it() -> None:
    def tokens(by_model: object) -> int:
        own = {"input_tokens": 7}
        result = {"type": "result", "usage": own, "modelUsage": by_model}
        return read(printed(result)).facts.usage.input_tokens

    assert tokens({"m": {"inputTokens": 3}, "n": "x"}) == 3
    assert tokens({"n": "x"}) == 7
    assert tokens({}) == 7


@pytest.mark.parametrize("count", [True, -1, 2**53 + 1, "9"])
def test_what_is_no_count_is_none(count: object) -> None:
    facts = read(printed({"type": "result", "usage": {"input_tokens": count}})).facts
    assert facts.usage.input_tokens == 0


def test_a_run_that_tells_no_cost_keeps_what_is_known() -> None:
    reader = read(printed(a_cost(0.2)))
    reader.start_again()
    untold = {key: value for key, value in a_cost(0).items() if key != "total_cost_usd"}
    reader.feed(printed(untold))
    assert reader.facts.cost_usd == "0.2"
    first = read(printed(untold))
    first.start_again()
    first.feed(printed(a_cost(0.3)))
    assert first.facts.cost_usd == "0.3"
