import itertools
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.frames import (
    MAX_OUTPUT,
    MAX_PAYLOAD,
    ClientFrame,
    Credit,
    Decoder,
    End,
    FrameError,
    FrameType,
    Gap,
    Lease,
    Output,
    Read,
    Reply,
    Request,
    RunnerFrame,
    SnapshotFrame,
    Stream,
    Verb,
    client_frames,
    encode,
    encode_output,
    runner_frames,
)

numbers = st.integers(0, 2**64 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ids = st.integers(-(2**63), 2**63) | texts
objects = st.dictionaries(texts.filter(lambda key: key != "id"), texts | st.integers(), min_size=1)

client_frames_sent = st.one_of(
    st.builds(Read, ids, numbers, st.none() | numbers),
    st.builds(Credit, numbers),
    st.builds(Request, st.sampled_from(Verb), ids, st.none() | objects),
    st.builds(Lease, st.booleans()),
)
runner_frames_sent = st.one_of(
    st.builds(Output, numbers, st.sampled_from(Stream), st.binary(max_size=200)),
    st.builds(
        lambda start, size: Gap(start, start + size), st.integers(0, 2**63), st.integers(1, 2**62)
    ),
    st.builds(SnapshotFrame, objects),
    st.builds(Reply, ids | st.none(), offset=st.none() | numbers, snapshot=st.none() | objects),
    st.builds(Reply, ids | st.none(), error=texts),
    st.builds(End, numbers),
)


def in_chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    marks = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(marks)]


@given(st.lists(client_frames_sent, max_size=8), st.lists(st.integers(0, 10_000), max_size=20))
def test_what_a_client_says_arrives_whatever_the_chunks(
    frames: list[ClientFrame], cuts: list[int]
) -> None:
    decoder = client_frames()
    chunks = in_chunks(b"".join(map(encode, frames)), cuts)
    assert [frame for chunk in chunks for frame in decoder.feed(chunk)] == frames


@given(st.lists(runner_frames_sent, max_size=8), st.lists(st.integers(0, 10_000), max_size=20))
def test_what_the_runner_says_arrives_whatever_the_chunks(
    frames: list[RunnerFrame], cuts: list[int]
) -> None:
    decoder = runner_frames()
    chunks = in_chunks(b"".join(map(encode, frames)), cuts)
    assert [frame for chunk in chunks for frame in decoder.feed(chunk)] == frames


@given(st.binary(max_size=100))
def test_no_bytes_at_all_raise_anything_but_a_frame_error(data: bytes) -> None:
    for decoder in (client_frames(), runner_frames()):
        try:
            list(decoder.feed(data))
        except FrameError:
            pass


def a_frame(kind: int, payload: bytes, *, length: int | None = None) -> bytes:
    return struct.pack(">BI", kind, len(payload) if length is None else length) + payload


@pytest.mark.parametrize(
    ("decoder", "data", "complaint"),
    [
        (client_frames(), a_frame(0x41, b""), "frame type 0x41 is not one of 0x01, 0x02"),
        (runner_frames(), a_frame(0x01, b"{}"), "frame type 0x01 is not one of 0x41"),
        (client_frames(), a_frame(0x03, b"", length=MAX_PAYLOAD + 1), "at most 65552"),
        (client_frames(), a_frame(0x02, b"abc"), "CREDIT of 3 bytes: 8 are wanted"),
        (client_frames(), a_frame(0x03, b"no json"), "PAUSE: the payload is not JSON"),
        (client_frames(), a_frame(0x05, b"[" * 60_000), "CANCEL: the payload is not JSON"),
        (client_frames(), a_frame(0x05, b"[]"), "CANCEL: the payload is not a JSON object"),
        (client_frames(), a_frame(0x07, b'{"id":true}'), "STATUS: id must be a string or an"),
        (client_frames(), a_frame(0x01, b'{"id":1,"offset":-1}'), "READ: offset must be an int"),
        (runner_frames(), a_frame(0x41, b"abc"), "OUTPUT of 3 bytes: 9 are wanted"),
        (runner_frames(), a_frame(0x41, b"\0" * 8 + b"\3"), "OUTPUT: stream 3 is neither 1"),
        (runner_frames(), a_frame(0x42, b"\0" * 16), "GAP: 0 to 0 is empty"),
    ],
)
def test_an_error_names_what_is_wrong_and_what_would_be_right(
    decoder: Decoder[ClientFrame] | Decoder[RunnerFrame], data: bytes, complaint: str
) -> None:
    with pytest.raises(FrameError, match=f"^.*{complaint}"):
        list(decoder.feed(data))


def test_an_error_does_not_quote_the_payload() -> None:
    with pytest.raises(FrameError) as caught:
        list(client_frames().feed(a_frame(0x03, b"s3cr3t")))
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_cancel_before_a_bad_frame_is_not_lost() -> None:
    cancel = Request(Verb.CANCEL, 1)
    frames = client_frames().feed(encode(cancel) + b"garbage")
    assert next(frames) == cancel
    with pytest.raises(FrameError):
        next(frames)


def test_a_header_that_promises_too_much_is_refused_before_its_payload_is_kept() -> None:
    with pytest.raises(FrameError, match="at most"):
        list(client_frames().feed(struct.pack(">BI", FrameType.PAUSE, 2**32 - 1)))


def test_a_frame_that_would_be_too_long_is_not_encoded() -> None:
    with pytest.raises(FrameError, match="OUTPUT: 65537 bytes, at most 65536 are allowed"):
        encode(Output(0, Stream.STDOUT, b"x" * (MAX_OUTPUT + 1)))


@given(st.integers(0, 2**40), st.integers(1, 3 * MAX_OUTPUT))
def test_a_long_piece_of_output_goes_in_as_many_frames_as_it_takes(offset: int, size: int) -> None:
    output = Output(offset, Stream.STDERR, random.Random(size).randbytes(size))
    parts = encode_output(output)
    assert list(runner_frames().feed(b"".join(parts))) == [
        Output(offset + start, output.stream, output.data[start : start + MAX_OUTPUT])
        for start in range(0, size, MAX_OUTPUT)
    ]


def test_a_wish_travels_beside_the_id() -> None:
    wish = {"generation": 3, "desiredState": "Paused", "activeDeadlineSeconds": 60}
    assert encode(Request(Verb.PAUSE, 7, wish)) == a_frame(
        0x03, b'{"id":7,"generation":3,"desiredState":"Paused","activeDeadlineSeconds":60}'
    )
