from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.frames import Stream
from ccx_runner.line_blocks import Block, LineBlocks

OUT, ERR = Stream.STDOUT, Stream.STDERR
LIMIT = 12
chunks = st.tuples(st.sampled_from(Stream), st.text("ab\n", max_size=30).map(str.encode))


@given(st.lists(chunks, max_size=30))
def test_every_byte_comes_out_once_and_in_its_streams_order(
    read: list[tuple[Stream, bytes]],
) -> None:
    lines = LineBlocks(max_line_bytes=LIMIT)
    blocks = [block for stream, chunk in read for block in lines.feed(stream, chunk)]
    blocks += [block for stream in Stream if (block := lines.flush(stream))]
    for stream in Stream:
        came_in = b"".join(chunk for s, chunk in read if s is stream)
        assert b"".join(block.data for block in blocks if block.stream is stream) == came_in
    assert all(block.data for block in blocks)


@given(st.lists(chunks, max_size=30))
def test_a_block_ends_with_a_newline_or_is_a_piece_of_the_longest_allowed_size(
    read: list[tuple[Stream, bytes]],
) -> None:
    lines = LineBlocks(max_line_bytes=LIMIT)
    for stream, chunk in read:
        for block in lines.feed(stream, chunk):
            assert block.data.endswith(b"\n") or len(block.data) == LIMIT


def test_a_line_is_held_back_until_its_newline() -> None:
    lines = LineBlocks()
    assert lines.feed(OUT, b"one\ntw") == [Block(OUT, b"one\n")]
    assert lines.has_rest(OUT)
    assert lines.feed(OUT, b"o\n") == [Block(OUT, b"two\n")]
    assert not lines.has_rest(OUT)


def test_the_streams_come_in_the_order_in_which_their_lines_became_whole() -> None:
    lines = LineBlocks()
    blocks = lines.feed(OUT, b"a\nb") + lines.feed(ERR, b"error\n") + lines.feed(OUT, b"\n")
    assert blocks == [Block(OUT, b"a\n"), Block(ERR, b"error\n"), Block(OUT, b"b\n")]


def test_an_overlong_line_comes_in_pieces() -> None:
    lines = LineBlocks(max_line_bytes=4)
    assert lines.feed(OUT, b"123456789") == [Block(OUT, b"1234"), Block(OUT, b"5678")]
    assert lines.feed(OUT, b"\n") == [Block(OUT, b"9\n")]


def test_a_rest_is_given_up_when_asked_for_and_its_line_goes_on() -> None:
    lines = LineBlocks()
    lines.feed(OUT, b"password: ")
    assert lines.flush(OUT) == Block(OUT, b"password: ")
    assert lines.flush(OUT) is None
    assert lines.feed(OUT, b"x\n") == [Block(OUT, b"x\n")]


def test_a_character_that_has_come_in_part_stays_until_it_is_whole_or_the_end() -> None:
    lines = LineBlocks()
    lines.feed(OUT, b"a\xf0\x9f")
    assert lines.flush(OUT) == Block(OUT, b"a")
    assert lines.flush(OUT) is None
    assert lines.feed(ERR, b"between\n") == [Block(ERR, b"between\n")]
    lines.feed(OUT, b"\x99\x82")
    assert lines.flush(OUT) == Block(OUT, "🙂".encode())
    lines.feed(OUT, b"\xc3")
    assert lines.flush(OUT) is None
    assert lines.flush(OUT, at_end=True) == Block(OUT, b"\xc3")
    lines.feed(OUT, b"\xff\x80\x80\x80")
    assert lines.flush(OUT) == Block(OUT, b"\xff\x80\x80\x80")
