import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_gateway.output_window import (
    MAX_RUNS,
    Behind,
    CaughtUp,
    Gap,
    OutputWindow,
    Slice,
    Stream,
)
from ccx_gateway.viewer import MAX_NOTIFICATION, Viewer

CAPACITY, SPOOL = 32, 64
texts = st.lists(st.sampled_from(["a", "é", "🙂", "\n"]), max_size=40).map("".join)
streams = st.sampled_from(["stdout", "stderr"])
chunks = st.tuples(streams, texts.map(str.encode))
looks = st.tuples(st.integers(0, 2), st.integers(0, 60))
gaps = st.integers(1, 20)


class Watcher:
    """A viewer, with a spool that also forgets, and everything that it was ever sent."""

    def __init__(self) -> None:
        self.viewer = Viewer()
        self.got: list[Slice | Gap] = []

    def look(self, window: OutputWindow, output: bytes, *, credit: int) -> None:
        self.viewer.grant(credit)
        while not isinstance(found := self.viewer.look(window), CaughtUp):
            if isinstance(found, Behind):
                kept = max(self.viewer.cursor, len(output) - SPOOL)
                found = Slice(kept, "stdout", output[kept : kept + self.viewer.allowance])
            self.got += self.viewer.accept(found)


@given(st.lists(chunks | looks | gaps, max_size=60))
def test_every_viewer_gets_every_byte_once_and_in_order_or_a_gap_of_exact_size(
    steps: list[tuple[Stream, bytes] | tuple[int, int] | int],
) -> None:
    window, output = OutputWindow(capacity=CAPACITY), b""
    watchers = [Watcher() for _ in range(3)]
    for step in steps:
        match step:
            case int():
                output += b"?" * step
                window.append_gap(len(output))
            case ("stdout" | "stderr") as stream, bytes() as data:
                window.append(stream, data)
                output += data
            case int() as index, int() as credit:
                watchers[index].look(window, output, credit=credit)
        assert window.end == len(output)
        assert len(window._data) <= CAPACITY
        assert window.oldest <= window.end
    window.append_end()

    for watcher in watchers:
        watcher.look(window, output, credit=len(output) + 4)
        cursor = 0
        for item in watcher.got:
            assert item.offset == cursor < item.end
            assert isinstance(item, Gap) or item.data == output[cursor : item.end]
            cursor = item.end
        assert cursor == len(output)
        assert watcher.viewer.has_all(window)


@given(st.lists(chunks, max_size=30), st.integers(4, 12))
def test_a_slice_is_of_one_stream_and_no_character_is_split(
    printed: list[tuple[Stream, bytes]], most: int
) -> None:
    window = OutputWindow()
    for stream, data in printed:
        window.append(stream, data)
    window.append_end()
    got: dict[str, str] = {"stdout": "", "stderr": ""}
    cursor = 0
    while isinstance(found := window.read(cursor, most), Slice):
        got[found.stream] += found.data.decode()
        cursor = found.end
    for name, text in got.items():
        assert text == b"".join(data for stream, data in printed if stream == name).decode()


@given(st.binary(min_size=1, max_size=60), st.integers(4, 12))
def test_what_is_not_utf8_comes_too(data: bytes, most: int) -> None:
    window, got = OutputWindow(), b""
    window.append("stdout", data)
    window.append_end()
    while isinstance(found := window.read(len(got), most), Slice):
        got += found.data
    assert got == data


def a_window(text: str, *, capacity: int = 1024) -> OutputWindow:
    window = OutputWindow(capacity=capacity)
    window.append("stdout", text.encode())
    return window


def stdout(offset: int, data: bytes, *, truncated: bool = False) -> Slice:
    return Slice(offset, "stdout", data, truncated)


def test_a_slice_is_as_many_whole_lines_as_fit() -> None:
    assert a_window("one\ntwo\nthree\n").read(0, 10) == stdout(0, b"one\ntwo\n")


def test_a_line_is_held_back_until_its_newline_or_the_end() -> None:
    window = a_window("one\ntwo")
    assert window.read(4, 100) == CaughtUp()
    assert window.read(4, 100, hold=False) == stdout(4, b"two", truncated=True)
    window.append_end()
    assert a_window("one\ntwo").read(4, 100) == CaughtUp()


def test_the_end_lets_a_last_line_go_and_it_is_not_truncated() -> None:
    window = a_window("one\ntwo")
    window.append_end()
    assert window.read(4, 100) == stdout(4, b"two")


def test_another_stream_lets_a_line_go() -> None:
    window = a_window("prompt> ")
    window.append("stderr", b"warning\n")
    assert window.read(0, 100) == stdout(0, b"prompt> ")
    assert window.read(8, 100) == Slice(8, "stderr", b"warning\n")


@pytest.mark.parametrize(("max_bytes", "piece"), [(4, "éé"), (5, "éé"), (6, "ééé")])
def test_an_overlong_line_is_cut_between_characters_and_says_so(max_bytes: int, piece: str) -> None:
    found = a_window("éééé\n").read(0, max_bytes)
    assert found == stdout(0, piece.encode(), truncated=True)


def test_who_asks_the_same_gets_the_same_object() -> None:
    window = a_window("one\n")
    assert window.read(0, 10) is window.read(0, 99)


def test_a_gap_stands_between_what_came_before_and_after() -> None:
    window = a_window("one\n")
    window.append_gap(100)
    assert (window.end, window.read(4, 10)) == (100, Gap(4, 100))
    window.append_gap(200)
    window.append("stdout", b"two\n")
    assert window.read(50, 10) == Gap(50, 200)
    assert window.read(200, 10) == stdout(200, b"two\n")


def test_of_alternating_streams_a_bounded_number_of_runs_is_kept() -> None:
    window = OutputWindow()
    for _ in range(MAX_RUNS):
        window.append("stdout", b"o\n")
        window.append("stderr", b"e\n")
    assert window.oldest == 2 * MAX_RUNS
    assert window.read(window.oldest, 10) == stdout(2 * MAX_RUNS, b"o\n")
    assert len(window._offsets) == MAX_RUNS


def test_nothing_leaves_without_credit() -> None:
    window, viewer = a_window("one\ntwo\n"), Viewer()
    assert viewer.look(window) == CaughtUp()
    viewer.grant(4)
    assert viewer.accept(stdout(0, b"one\n")) == (stdout(0, b"one\n"),)
    assert viewer.look(window) == CaughtUp()


def test_no_credit_at_all_is_no_limit_but_that_of_a_notification() -> None:
    window, viewer = a_window("x" * 99_999 + "\n", capacity=200_000), Viewer(credit=None)
    found = viewer.look(window)
    assert isinstance(found, Slice)
    assert len(found.data) == MAX_NOTIFICATION
    viewer.accept(found)
    assert viewer.look(window) == stdout(MAX_NOTIFICATION, b"x" * 34_463 + b"\n")


def test_a_viewer_that_the_window_has_left_behind_is_told_so_and_what_it_missed() -> None:
    viewer = Viewer(cursor=2, credit=100)
    assert viewer.look(a_window("one\ntwo\n", capacity=4)) == Behind(oldest=4)
    assert viewer.accept(stdout(4, b"two\n")) == (Gap(2, 4), stdout(4, b"two\n"))


def test_the_beginning_of_a_line_goes_out_once_it_is_let_go() -> None:
    window = a_window("one\nname: ")
    assert not window.ends_line
    assert window.read(4, 100) == CaughtUp()
    window.release()
    assert window.read(0, 100) == Slice(0, "stdout", b"one\n")
    assert window.read(4, 100) == Slice(4, "stdout", b"name: ", truncated=True)
    window.append("stdout", b"joe\nnext")
    assert window.read(10, 100) == Slice(10, "stdout", b"joe\n")
    assert window.read(14, 100) == CaughtUp()
    assert window.read(4, 100) == Slice(4, "stdout", b"name: joe\n")


@pytest.mark.parametrize("character", ["é", "€", "🙂"])
def test_a_character_is_let_go_whole_or_at_the_end(character: str) -> None:
    for length in range(1, len(character.encode())):
        window = OutputWindow()
        window.append("stdout", b"ab" + character.encode()[:length])
        window.release()
        assert window.read(0, 100) == Slice(0, "stdout", b"ab", truncated=True)
        assert window.read(2, 100) == CaughtUp()
        window.append("stdout", character.encode()[length:])
        window.release()
        assert window.read(2, 100) == Slice(2, "stdout", character.encode(), truncated=True)


def test_the_last_piece_is_no_piece_any_more_once_the_end_has_come() -> None:
    window = a_window("one")
    window.release()
    assert window.read(0, 100) == Slice(0, "stdout", b"one", truncated=True)
    window.append_end()
    assert window.read(0, 100) == Slice(0, "stdout", b"one")
