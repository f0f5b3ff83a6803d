import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_gateway.chunks import GONE, SMALL, Chunks

printed = st.lists(
    st.sampled_from([b"a", b"\n", b"bc\n", b"x" * SMALL, b"y\n" * SMALL]), max_size=4
)
steps = st.lists(printed.map(b"".join) | st.integers(0, 3 * SMALL), max_size=20)


@given(steps, st.data())
def test_it_is_as_one_bytearray_would_be(steps: list[bytes | int], data: st.DataObject) -> None:
    chunks, plain = Chunks(), bytearray()
    for step in steps:
        if isinstance(step, bytes):
            if step:
                chunks.append(step)
            plain += step
        else:
            count = min(step, len(plain))
            chunks.forget(count)
            del plain[:count]
        assert len(chunks) == len(plain)
        if plain:
            start, end = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(plain))])))
            assert chunks[start:end] == plain[start:end]
            assert chunks.rfind(b"\n", start, end) == plain.rfind(b"\n", start, end)
            at = min(start, len(plain) - 1)
            assert (chunks[at], chunks[-1]) == (plain[at], plain[-1])
            where = chunks.chunk_end(at)
            assert where == 0 or (at < where and plain[where - 1] == 0x0A)


def test_whole_lines_are_kept_as_they_came() -> None:
    chunks, lines = Chunks(), (b"x" * 99 + b"\n") * 655
    chunks.append(lines)
    chunks.append(lines)
    assert chunks[0 : len(lines)] is lines
    assert chunks[len(lines) :] == lines


@pytest.mark.parametrize("cut", [1, 50, 150])
def test_a_line_that_came_in_two_pieces_stands_in_one_chunk(cut: int) -> None:
    chunks, lines = Chunks(), (b"x" * 99 + b"\n") * 655
    chunks.append(lines + lines[:cut])
    chunks.append(lines[cut:] + lines)
    assert chunks.chunk_end(0) == (len(lines) + cut) // 100 * 100
    assert chunks.chunk_end(chunks.chunk_end(0)) == 3 * len(lines)


def test_a_line_at_a_time_is_no_chunk_each_and_what_is_gone_leaves_nothing() -> None:
    chunks = Chunks()
    for _ in range(GONE * 2):
        for _ in range(SMALL // 1024):
            chunks.append(b"x" * 1023 + b"\n")
        chunks.forget(SMALL)
    assert len(chunks) == 0
    assert len(chunks._chunks) <= GONE
