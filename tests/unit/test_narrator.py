import json

import pytest

from ccx_dev.narrator import short, told_by_claude


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            {"subtype": "init", "model": "m", "claude_code_version": "2", "type": "system"},
            ["claude 2 starts, model m"],
        ),
        (
            {
                "type": "assistant",
                "message": {
                    "content": [
                        {"type": "text", "text": "I run\nit."},
                        {"type": "tool_use", "name": "Bash", "input": {"command": "ls"}},
                    ]
                },
            },
            ["claude says: I run it.", "claude uses Bash: ls"],
        ),
        (
            {
                "type": "user",
                "message": {"content": [{"type": "tool_result", "content": "a\nb"}]},
            },
            ["the tool's result: 2 lines"],
        ),
        ({"type": "result", "result": "done"}, ["result: done"]),
        ({"type": "of the future"}, []),
    ],
)
def test_an_event_of_claude_is_told_in_words(event: object, told: list[str]) -> None:
    assert list(told_by_claude(json.dumps(event).encode())) == told


def test_a_line_that_is_no_event_is_shown_as_it_is() -> None:
    assert list(told_by_claude(b"plain text")) == ["plain text"]


def test_a_long_text_is_cut_with_a_sign_of_it() -> None:
    assert short("abc def", width=5) == "abc …"
