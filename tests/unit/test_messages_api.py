from typing import Any

import pytest

from messages_api.scenarios import Answer, ApiError, HangUp, Script

TOOLS = [{"name": "Bash"}]


def a_request(*messages: tuple[str, Any], tools: object = TOOLS) -> dict[str, Any]:
    return {"tools": tools, "messages": [{"role": r, "content": c} for r, c in messages]}


def text_of(answer: Answer | ApiError | HangUp) -> str:
    assert isinstance(answer, Answer)
    return "".join(block.get("text", "") for block in answer.blocks)


def test_a_bash_block_in_the_prompt_becomes_a_call_of_the_bash_tool() -> None:
    asked = a_request(("user", "Please run\n```bash\necho hi\n```\n"))
    answer = Script().answer(asked, "obey")
    assert isinstance(answer, Answer)
    assert answer.blocks[-1]["input"]["command"] == "echo hi\n"
    assert answer.stop_reason == "tool_use"


def test_after_the_tools_result_the_answer_is_final() -> None:
    result = [{"type": "tool_result", "tool_use_id": "t", "content": "hi"}]
    asked = a_request(("user", "```bash\necho hi\n```"), ("assistant", ""), ("user", result))
    answer = Script().answer(asked, "obey")
    assert isinstance(answer, Answer)
    assert answer.stop_reason == "end_turn"


def test_a_directive_in_the_newest_human_text_wins_over_the_path() -> None:
    asked = a_request(
        ("user", '@@{"scenario": "hello", "text": "old"}@@'),
        ("assistant", "old"),
        ("user", '@@{"scenario": "hello", "text": "new"}@@'),
        ("user", "<system-reminder>of the CLI</system-reminder>"),
    )
    assert text_of(Script().answer(asked, "error500")) == "new"


def test_a_flaky_api_fails_as_often_as_asked_and_then_answers() -> None:
    script, asked = Script(), a_request(("user", '@@{"scenario": "flaky", "fail": 2}@@'))
    answers = [script.answer(asked, "hello") for _ in range(3)]
    assert [isinstance(answer, ApiError) for answer in answers] == [True, True, False]


def test_a_connection_that_is_cut_is_to_be_had_again_after_some_tries() -> None:
    script, asked = Script(), a_request(("user", '@@{"scenario": "cut", "after": 3}@@'))
    first, second, third = (script.answer(asked, "obey") for _ in range(3))
    assert isinstance(first, Answer)
    assert (first.breaks_with, first.stall_seconds) == ("drop", 3)
    assert second == HangUp()
    assert text_of(third).startswith("Hello")


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
def test_an_error_scenario_is_an_error_of_that_status(status: int) -> None:
    answer = Script().answer(a_request(("user", "x"), tools=[]), f"error{status}")
    assert isinstance(answer, ApiError)
    assert answer.status == status


def test_a_side_request_without_tools_runs_nothing() -> None:
    asked = a_request(("user", "```bash\necho hi\n```"), tools=[])
    answer = Script().answer(asked, "obey")
    assert isinstance(answer, Answer)
    assert answer.stop_reason == "end_turn"


def test_an_unknown_scenario_says_where_the_known_ones_are() -> None:
    assert "hack/messages_api/scenarios.py" in text_of(Script().answer(a_request(), "helo"))
