from typing import Any

import pytest

from ccx_gateway.errors import InvalidParams
from ccx_gateway.output_mode import OutputMode
from ccx_gateway.params import (
    Attach,
    Configure,
    Control,
    Credit,
    Execute,
    List,
    ParamsModel,
    parse,
)


@pytest.mark.parametrize(
    ("model", "params", "said"),
    [
        (Execute, {}, "name exactly one of command, argv, prompt, promptFrom"),
        (Execute, {"command": "a", "prompt": "b"}, "name exactly one of"),
        (Execute, {"command": "a", "argv": ["b"]}, "name exactly one of"),
        (Execute, {"command": "a", "cwd": "/"}, "cwd: no such parameter"),
        (Execute, {"command": "a", "desiredState": "Paused"}, "desiredState: no such parameter"),
        (Execute, {"command": "a", "session": {"id": "x"}}, "session: no such parameter"),
        (Execute, {"command": "a", "timeout": 0}, "timeout: greater_than_equal"),
        (Execute, {"command": "a", "timeout": "s3cr3t"}, "timeout: int_parsing"),
        (Execute, {"command": "a", "timeout": 1, "activeDeadlineSeconds": 2}, "timeout: active"),
        (Execute, {"command": ["ls"]}, "command: string_type"),
        (Execute, {"argv": []}, "argv: too_short"),
        (Execute, ["ls"], "params: give them by name"),
        (Control, {}, "type: missing"),
        (Control, {"type": "pause"}, "type: enum"),
        (Control, {"type": "PAUSE", "signal": 9}, "signal: extra_forbidden"),
        (Configure, {"execution": "e"}, "name what to change: activeDeadlineSeconds, "),
        (Configure, {"desiredState": "Paused"}, "desiredState: is not to be changed"),
        (Configure, {"session": {"id": "x"}}, "session: is not to be changed"),
        (Configure, {"prompt": "s3cr3t"}, "prompt: is not to be changed"),
        (Configure, {"execution": "No_Name", "suspend": True}, "execution: string_pattern"),
        (Attach, {}, "execution: missing"),
        (Attach, {"execution": "e", "attempt": 0}, "attempt: greater_than_equal"),
        (Attach, {"execution": "e", "offset": -1}, "offset: greater_than_equal: Input should be"),
        (Attach, {"execution": "e", "from": -1}, 'from: must be an offset of 0 or more, "start"'),
        (Attach, {"execution": "e", "from": True}, "from: must be an offset"),
        (Attach, {"execution": "e", "from": 1.5}, "from: must be an offset"),
        (Attach, {"execution": "e", "from": "end"}, "from: must be an offset"),
        (Attach, {"execution": "e", "from": 1, "offset": 1}, "offset: from says the same"),
        (
            Attach,
            {"execution": "e", "mode": "lines"},
            "mode: literal_error: Input should be 'chunk'",
        ),
        (
            Attach,
            {"execution": "e", "encoding": "hex"},
            "encoding: literal_error: Input should be 'u",
        ),
        (
            Attach,
            {"execution": "e", "mode": "line", "encoding": "base64"},
            "encoding: base64 has no",
        ),
        (Attach, {"execution": "e", "maxLineBytes": 1023}, "maxLineBytes: greater_than_equal"),
        (Attach, {"execution": "e", "maxLineBytes": 524_289}, "maxLineBytes: less_than_equal"),
        (
            Attach,
            {"execution": "e", "begin": 1},
            "begin: extra_forbidden: no such parameter, known: ",
        ),
        (Execute, {"command": "a", "mode": "s3cr3t"}, "mode: literal_error"),
        (Credit, {"bytes": 0}, "bytes: greater_than_equal"),
        (List, {"limit": 501}, "limit: less_than_equal"),
    ],
)
def test_the_field_and_the_rule_are_named(model: type[ParamsModel], params: Any, said: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        parse(model, params)
    assert str(caught.value).startswith(said)
    assert "s3cr3t" not in str(caught.value)


def test_what_a_client_of_the_original_sends_is_taken() -> None:
    found = parse(Execute, {"command": "ls -l", "timeout": 5, "id": {"any": 1}})
    assert (found.command, found.timeout, found.credit) == ("ls -l", 5, None)
    assert parse(Control, {"type": "CANCEL"}).execution is None


def test_the_fields_of_the_crd_go_along() -> None:
    found = parse(Execute, {"prompt": "hi", "maxTurns": 3, "onDisconnect": "Detach"})
    assert found.spec_fields == {"prompt": "hi", "maxTurns": 3, "onDisconnect": "Detach"}


def test_what_is_to_be_changed_is_told_from_where() -> None:
    found = parse(Configure, {"execution": "e", "suspend": False, "ttlSecondsAfterFinished": None})
    assert found.execution == "e"
    assert found.changes == {"suspend": False, "ttlSecondsAfterFinished": None}


@pytest.mark.parametrize(
    ("params", "start"),
    [
        ({}, 0),
        ({"from": "start"}, 0),
        ({"from": 0}, 0),
        ({"from": 7}, 7),
        ({"offset": 7}, 7),
        ({"from": "now"}, None),
    ],
)
def test_output_is_wanted_from_an_offset_from_the_start_or_from_now(
    params: Any, start: int | None
) -> None:
    assert parse(Attach, {"execution": "e", **params}).start == start


@pytest.mark.parametrize(
    ("default", "params", "form"),
    [
        ("chunks", {}, ("chunks", "utf-8", 65_536)),
        ("lines", {}, ("lines", "utf-8", 65_536)),
        ("lines", {"mode": "chunk"}, ("chunks", "utf-8", 65_536)),
        ("chunks", {"mode": "line", "maxLineBytes": 1024}, ("lines", "utf-8", 1024)),
        ("lines", {"encoding": "base64"}, ("chunks", "base64", 65_536)),
    ],
)
def test_what_is_not_said_of_the_output_is_as_the_connection_has_it(
    default: OutputMode, params: Any, form: tuple[str, str, int]
) -> None:
    view = parse(Attach, {"execution": "e", **params}).view(default)
    assert (view.mode, view.encoding, view.max_bytes) == form
