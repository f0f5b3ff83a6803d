import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import notifications
from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.line_block import BLOCK, LineBlock, line_block
from ccx_gateway.notifications import Fields
from ccx_gateway.output_text import text_of
from ccx_gateway.output_window import Slice
from ccx_gateway.viewer import MAX_NOTIFICATION
from support.frames import messages_in

EXECUTION = ClaudeExecution.model_validate(
    {"metadata": {"name": "e1", "namespace": "ns", "uid": "u1"}, "spec": {"command": ["true"]}}
)
PIECES = [b"a", "é".encode(), "🙂".encode(), b"\n", b"\r", b"\0", b'"', b"\\", b"\xff", b"\xe2\x82"]

outputs = st.lists(st.sampled_from(PIECES), min_size=1, max_size=60).map(b"".join)
streams = st.sampled_from(["stdout", "stderr", "merged"])


def told(found: Slice) -> bytes:
    return dump(notification("process.output", notifications.output(EXECUTION, found)))


def blocks_of(found: Slice, *, size: int = BLOCK) -> list[LineBlock]:
    blocks, place = list[LineBlock](), 0
    while place < len(found.data):
        blocks.append(line_block(found, place, told, size=size))
        assert blocks[-1].end > place
        place = blocks[-1].end
    assert place == len(found.data)
    return blocks


def messages_of(block: LineBlock) -> list[bytes]:
    return [*messages_in(block.frames), block.last]


def params_of(message: bytes) -> Fields:
    params: Fields = orjson.loads(message)["params"]
    return params


@given(outputs, streams, st.integers(0, 1 << 50), st.booleans(), st.integers(1, 1000))
@example(b"\n" * 3, "stdout", 0, False, 1)
def test_each_message_is_a_line_and_all_of_them_are_the_slice(
    data: bytes, stream: str, offset: int, goes_on: bool, size: int
) -> None:
    found = Slice(
        offset,
        "stderr" if stream == "stderr" else "stdout",
        data,
        truncated=goes_on and not data.endswith(b"\n"),
    )
    messages = [m for block in blocks_of(found, size=size) for m in messages_of(block)]
    texts, place = list[str](), offset
    for message in messages:
        params = params_of(message)
        assert params["offset"] == place
        place = params["end"]
        line = data[params["offset"] - offset : place - offset]
        assert line.find(b"\n") in (-1, len(line) - 1)
        is_piece = found.truncated and place == found.end
        assert message == told(Slice(params["offset"], found.stream, line, truncated=is_piece))
        texts.append(params["data"])
    assert place == found.end
    assert "".join(texts) == text_of(found)
    assert len(messages) == data.count(b"\n") + (not data.endswith(b"\n"))


def test_a_piece_of_a_longer_line_is_marked_and_no_other_line_is() -> None:
    (block,) = blocks_of(Slice(0, "stdout", b"one\ntwo", truncated=True))
    found = [(p["data"], p["truncated"]) for p in map(params_of, messages_of(block))]
    assert found == [("one\n", False), ("two", True)]


def test_a_block_has_a_bound_however_short_the_lines_are() -> None:
    blocks = blocks_of(Slice(0, "stdout", b"\n" * MAX_NOTIFICATION))
    assert sum(len(messages_of(block)) for block in blocks) == MAX_NOTIFICATION
    assert all(len(block.frames) < BLOCK + 10 for block in blocks)


def test_lines_of_common_length_go_by_the_hundred() -> None:
    (first, *_) = blocks_of(Slice(0, "stdout", (b"x" * 99 + b"\n") * 655))
    assert len(messages_of(first)) > 200
