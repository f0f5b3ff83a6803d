"""What a reader of a link is promised: every byte once, in order, within its window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_kube.follow_window import FollowWindow, Item
from ccx_runner.frames import End, FrameError, Gap, Output, Stream

SIZE = 64


def a_window(*, offset: int = 0, credit: int = SIZE) -> FollowWindow:
    window = FollowWindow(SIZE)
    window.start(1, offset)
    window.started(1)
    window.grant(credit)
    return window


def an_output(offset: int, data: bytes) -> Output:
    return Output(offset, Stream.STDOUT, data)


class Runner:
    """Sends what credit allows, and forgets what is older than 100 bytes."""

    def __init__(self) -> None:
        self.output, self.cursor, self.credit = b"", 0, 0

    def next(self, size: int) -> Item | None:
        oldest = max(0, len(self.output) - 100)
        if self.cursor < oldest:
            start, self.cursor = self.cursor, oldest
            return Gap(start, oldest)
        data = self.output[self.cursor :][: min(size, self.credit)]
        if not data:
            return None
        self.cursor += len(data)
        self.credit -= len(data)
        return an_output(self.cursor - len(data), data)


@given(st.lists(st.tuples(st.sampled_from(["write", "send", "take"]), st.integers(1, 90))))
def test_every_byte_comes_once_and_in_order_or_in_a_gap_and_the_window_is_never_overrun(
    steps: list[tuple[str, int]],
) -> None:
    window, runner, got, cursor = a_window(credit=0), Runner(), b"", 0

    def take() -> None:
        nonlocal got, cursor
        if (item := window.next()) is not None:
            assert isinstance(item, Output | Gap)
            assert (item.start if isinstance(item, Gap) else item.offset) == cursor
            cursor = item.end
            got += b"?" * (item.end - item.start) if isinstance(item, Gap) else item.data
        runner.credit += (due := window.credit_due())
        window.grant(due)

    take()
    for step, count in [*steps, *[("send", SIZE), ("take", 1)] * 200]:
        if step == "write":
            runner.output += bytes(range(count))
        elif step == "send" and (item := runner.next(count)) is not None:
            window.take_in(item)
        elif step == "take":
            take()
        assert window.held_bytes + runner.credit <= SIZE
    assert len(got) == len(runner.output)
    assert all(g in (w, ord("?")) for g, w in zip(got, runner.output, strict=True))


def test_output_without_credit_ends_the_link() -> None:
    with pytest.raises(FrameError, match="2 bytes of output more"):
        a_window(credit=1).take_in(an_output(0, b"abc"))


@pytest.mark.parametrize("item", [an_output(5, b"x"), Gap(5, 9), End(5)])
def test_a_hole_that_is_not_told_ends_the_link(item: Item) -> None:
    with pytest.raises(FrameError, match="3 comes next"):
        a_window(offset=3).take_in(item)


def test_what_comes_before_the_answer_to_a_read_belongs_to_the_one_before() -> None:
    window = a_window()
    window.start(2, 10)
    window.take_in(an_output(0, b"old"))
    window.started(1)
    window.take_in(an_output(3, b"old"))
    window.started(2)
    window.take_in(an_output(10, b"new"))
    assert window.next() == an_output(10, b"new")
    assert window.next() is None


def test_credit_that_the_runner_still_has_is_not_granted_again() -> None:
    window = a_window(credit=SIZE)
    window.start(2, 0)
    assert window.credit_due() == 0
    window.take_in(an_output(0, b"x" * 40))
    assert window.credit_due() == 40


def test_nothing_is_held_that_comes_after_the_end_or_is_empty() -> None:
    window = a_window()
    for item in (an_output(0, b""), End(0), End(0), Gap(0, 9)):
        window.take_in(item)
    assert window.next() == End(0)
    assert window.next() is None


def test_credit_is_granted_by_the_quarter() -> None:
    window = a_window(credit=SIZE)
    window.take_in(an_output(0, b"x" * 15))
    window.next()
    assert window.credit_due() == 0
    window.take_in(an_output(15, b"x"))
    window.next()
    assert window.credit_due() == 16
