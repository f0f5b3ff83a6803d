from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.turn import MAX_OPEN, Resumption, TurnWatch, resumption

Event = dict[str, Any]
ARGV = ("claude", "-p", "--session-id", "s-1", "--model", "m", "--allowedTools", "Bash", "Read")
SAID = {"type": "assistant", "message": {"content": [{"type": "text", "text": "hi"}]}}
FAILED = {"type": "assistant", "error": "server_error", "message": {"content": []}}
PARTIAL = {"type": "stream_event", "event": {}}


def a_call(name: str) -> Event:
    return {"type": "assistant", "message": {"content": [{"type": "tool_use", "id": name}]}}


def an_answer(name: str) -> Event:
    result = {"type": "tool_result", "tool_use_id": name}
    return {"type": "user", "message": {"content": [result]}}


def a_result(**fields: object) -> Event:
    gave_up = {"is_error": True, "terminal_reason": "api_error", "api_error_status": None}
    return {"type": "result", **gave_up, **fields}


def watched(*steps: Event | None) -> TurnWatch:
    """None is a thaw."""
    turn = TurnWatch()
    for step in steps:
        if step is None:
            turn.thawed()
        else:
            turn.take(step)
    return turn


def go_on(turn: TurnWatch, **changes: Any) -> Resumption | str:
    known: dict[str, Any] = {"session_id": "s-1", "restarts": 0, "by_stdin": True}
    return resumption(ARGV, turn, **{**known, **changes})


@pytest.mark.parametrize(
    ("steps", "cut_off"),
    [
        ([SAID, None, a_result()], True),
        ([SAID, None, FAILED, a_result()], True),
        ([SAID, None, an_answer("t"), a_result()], True),
        ([SAID, a_result()], False),
        ([None, SAID, a_result()], False),
        ([None, PARTIAL, FAILED, a_result()], False),
        ([None, a_result(api_error_status=529)], False),
        ([None, a_result(terminal_reason="aborted_streaming")], False),
        ([None, a_result(is_error=False, terminal_reason="completed")], False),
        ([None], False),
    ],
)
def test_it_was_the_freeze_if_nothing_has_come_from_the_api_since(
    steps: list[Event | None], cut_off: bool
) -> None:
    assert watched(*steps).cut_off is cut_off


@given(st.lists(st.tuples(st.sampled_from([a_call, an_answer]), st.sampled_from("abc"))))
def test_a_tool_call_is_open_until_its_result(
    steps: list[tuple[Callable[[str], Event], str]],
) -> None:
    turn, opened = TurnWatch(), set[str]()
    for event, name in steps:
        turn.take(event(name))
        opened = opened | {name} if event is a_call else opened - {name}
        assert turn.tool_is_open is bool(opened)


@pytest.mark.parametrize("line", [b'{"type":"tool_use","input":"...', b"x"])
def test_a_line_that_was_not_read_may_have_opened_one(line: bytes) -> None:
    turn = TurnWatch()
    turn.skipped(line)
    turn.skipped(b'{"tool_use_id":"t"}')
    assert turn.tool_is_open is (b"tool_use" in line)


def test_more_calls_than_are_followed_are_not_known_to_be_closed() -> None:
    turn = watched(*(a_call(str(n)) for n in range(MAX_OPEN + 1)))
    for n in range(MAX_OPEN + 1):
        turn.take(an_answer(str(n)))
    assert turn.tool_is_open


@pytest.mark.parametrize(
    "content", [None, "text", [None, 1, {"type": "tool_use"}, {"type": "tool_use", "id": 7}]]
)
def test_what_is_not_understood_is_no_call(content: object) -> None:
    assert not watched({"type": "assistant", "message": {"content": content}}).tool_is_open
    assert not watched({"type": "assistant", "message": content}).tool_is_open


def test_the_second_run_is_the_first_with_another_word_for_the_session() -> None:
    argv = ("claude", "--resume", "s-1", "-p", "--model", "m", "--allowedTools", "Bash", "Read")
    assert go_on(watched()) == Resumption(argv)


@pytest.mark.parametrize(
    "words", [["--resume", "old"], ["-r", "old", "--fork-session"], ["--session-id=s"], ["-c"]]
)
def test_whatever_the_first_run_said_of_the_session_is_left_out(words: list[str]) -> None:
    turn = TurnWatch()
    found = resumption(["claude", *words, "-p"], turn, session_id="s", restarts=0, by_stdin=True)
    assert found == Resumption(("claude", "--resume", "s", "-p"))


@pytest.mark.parametrize(
    ("turn", "changes", "why"),
    [
        (watched(a_call("a")), {}, "a tool call was open"),
        (watched(), {"restarts": 1}, "it had been restarted once already"),
        (watched(), {"session_id": None}, "its session is not known"),
        (watched(), {"by_stdin": False}, "its prompt is a part of its argv"),
    ],
)
def test_it_says_why_a_turn_does_not_go_on(
    turn: TurnWatch, changes: dict[str, Any], why: str
) -> None:
    assert go_on(turn, **changes) == why


def test_what_is_unsure_stays_so() -> None:
    turn = watched()
    turn.skipped(b'{"type":"tool_use"')
    turn.take(SAID)
    assert turn.tool_is_open


def test_only_an_error_is_a_loss_of_the_api() -> None:
    assert watched(SAID, None, a_result()).cut_off
    assert not watched(SAID, None, a_result(is_error=False)).cut_off


def test_a_block_of_another_kind_opens_no_tool_call() -> None:
    block = {"type": "text", "id": "a"}
    assert not watched({"type": "assistant", "message": {"content": [block]}}).tool_is_open
    answer = {"type": "text", "tool_use_id": "a"}
    turn = watched(a_call("a"), {"type": "user", "message": {"content": [answer]}})
    assert turn.tool_is_open
