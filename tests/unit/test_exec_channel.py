"""The channel protocol of pod exec, as real API servers speak it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_kube.exec_channel import (
    MAX_INPUT,
    V4,
    V5,
    ExecChannel,
    ExecProtocolError,
    ExecStatus,
    Stderr,
    Stdout,
)
from support.api_server import a_status


def a_message(channel: int, data: bytes) -> bytes:
    return bytes([channel]) + data


def a_status_message(status: object) -> bytes:
    return a_message(3, json.dumps(status).encode())


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50)), max_size=20))
def test_both_streams_come_out_as_they_went_in_however_they_are_cut(
    pieces: list[tuple[int, bytes]],
) -> None:
    channel = ExecChannel(V5)
    got = {1: b"", 2: b""}
    for number, data in pieces:
        match channel.receive(a_message(number, data)):
            case Stdout(found):
                got[1] += found
            case Stderr(found):
                got[2] += found
            case other:
                assert other is None
                assert data == b""
    for number, stream in got.items():
        assert stream == b"".join(data for n, data in pieces if n == number)


@given(st.binary(max_size=300), st.integers(0, 3))
def test_input_is_sent_whole_and_in_order_in_pieces_that_a_server_takes(
    data: bytes, repeats: int
) -> None:
    data = data * (1 + repeats * 200)
    messages = list(ExecChannel(V5).stdin(data))
    assert b"".join(message[1:] for message in messages) == data
    assert {message[:1] for message in messages} <= {b"\x00"}
    assert all(1 < len(message) <= 1 + MAX_INPUT for message in messages)


def test_the_empty_message_with_which_an_exec_begins_is_no_output() -> None:
    assert ExecChannel(V5).receive(b"\x01") is None


def test_that_one_stream_has_ended_does_not_end_the_exec() -> None:
    assert ExecChannel(V5).receive(b"\xff\x01") is None


@pytest.mark.parametrize(("protocol", "message"), [(V5, b"\xff\x00"), (V4, None)])
def test_stdin_can_be_closed_in_version_5_alone(protocol: str, message: bytes | None) -> None:
    assert ExecChannel(protocol).close_stdin() == message


@pytest.mark.parametrize("code", [0, 1, 137])
def test_the_exit_code_is_read_from_the_status(code: int) -> None:
    found = ExecChannel(V4).receive(a_status_message(a_status(code)))
    assert isinstance(found, ExecStatus)
    assert found.exit_code == code


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"status": "Failure", "message": "container not found"}, "container not found"),
        ({"status": "Failure"}, "no message"),
        ({"status": "Failure", "message": "m", "details": {"causes": "odd"}}, "m"),
        ({"status": "Failure", "message": "m", "details": {"causes": [{}, 1]}}, "m"),
        (
            {
                "status": "Failure",
                "message": "m",
                "details": {"causes": [{"reason": "ExitCode", "message": "x"}]},
            },
            "m",
        ),
    ],
)
def test_a_command_that_could_not_be_run_has_words_and_no_exit_code(
    status: dict[str, object], message: str
) -> None:
    assert ExecChannel(V5).receive(a_status_message(status)) == ExecStatus(None, message)


def test_a_status_that_is_not_json_is_quoted() -> None:
    assert ExecChannel(V5).receive(b"\x03broken pipe") == ExecStatus(None, "broken pipe")


@given(st.binary(max_size=200))
def test_whatever_comes_is_understood_or_refused(message: bytes) -> None:
    with suppress(ExecProtocolError):
        ExecChannel(V4).receive(message)


def test_text_is_refused() -> None:
    with pytest.raises(ExecProtocolError, match="binary"):
        ExecChannel(V5).receive("1hello")


@pytest.mark.parametrize("protocol", [None, "channel.k8s.io"])
def test_a_server_without_a_status_channel_is_refused(protocol: str | None) -> None:
    with pytest.raises(ExecProtocolError, match=r"v5\.channel\.k8s\.io"):
        ExecChannel(protocol)
