import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import notifications
from ccx_gateway.around_text import AroundText
from ccx_gateway.chunk_block import chunk_block
from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.output_text import text_of
from ccx_gateway.output_window import Slice, Stream
from ccx_gateway.viewer import BLOCK, MAX_NOTIFICATION
from support.frames import messages_in

EXECUTION = ClaudeExecution.model_validate(
    {"metadata": {"name": "e1", "namespace": "ns", "uid": "u1"}, "spec": {"command": ["true"]}}
)
PIECES = [b"a", "é".encode(), "🙂".encode(), b"\n", b"\r", b"\0", b'"', b"\\", b"\xff", b"\xe2\x82"]


def told(found: Slice) -> bytes:
    return dump(notification("process.output", notifications.output(EXECUTION, found)))


def messages_of(found: Slice, max_bytes: int = MAX_NOTIFICATION) -> list[bytes]:
    return messages_in(chunk_block(found, max_bytes, AroundText(told)).data)


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=60).map(b"".join),
    st.integers(0, 1 << 50),
    st.booleans(),
    st.integers(4, 50),
    st.sampled_from(["stderr", "merged"]),
)
def test_each_message_says_what_a_slice_of_that_size_would(
    data: bytes, offset: int, goes_on: bool, max_bytes: int, stream: Stream
) -> None:
    found = Slice(offset, stream, data, truncated=goes_on and not data.endswith(b"\n"))
    place = offset
    for message in messages_of(found, max_bytes):
        params = orjson.loads(message)["params"]
        assert params["offset"] == place
        place = params["end"]
        piece = data[params["offset"] - offset : place - offset]
        assert 0 < len(piece) <= max_bytes
        goes_on = found.truncated if place == found.end else not piece.endswith(b"\n")
        assert message == told(Slice(params["offset"], stream, piece, truncated=goes_on))
    assert place == found.end


@given(st.text("aé🙂\n", min_size=1), st.integers(4, 20))
def test_no_character_is_split(text: str, max_bytes: int) -> None:
    found = Slice(0, "stdout", text.encode())
    told = [orjson.loads(m)["params"]["data"] for m in messages_of(found, max_bytes)]
    assert "".join(told) == text_of(found)


def test_lines_are_whole_where_they_fit() -> None:
    found = Slice(7, "stdout", b"one\ntwo\nthree\nfour, which is longer\n")
    pieces = [orjson.loads(m)["params"] for m in messages_of(found, 10)]
    assert [(p["data"], p["truncated"]) for p in pieces] == [
        ("one\ntwo\n", False),
        ("three\n", False),
        ("four, whic", True),
        ("h is longe", True),
        ("r\n", False),
    ]


@pytest.mark.parametrize("size", [1, MAX_NOTIFICATION, MAX_NOTIFICATION + 100, BLOCK])
def test_a_block_goes_in_as_few_messages_as_it_takes(size: int) -> None:
    data = ((b"x" * 99 + b"\n") * (size // 100 + 1))[:size]
    fits = MAX_NOTIFICATION // 100 * 100
    assert len(messages_of(Slice(0, "stdout", data))) in (-(-size // fits), 1)
