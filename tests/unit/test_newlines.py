"""As many newlines as bytes.count() finds, whichever way they are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.newlines import LONG, SAMPLE, newlines_in

A_LONG_LINE = b"x" * (4 * LONG) + b"\n"
LINES = st.sampled_from([b"\n", b"\r\n", b"\r", b"x", b"\x0b\x0c\x1c\xc2\x85\n", A_LONG_LINE])


@given(st.lists(LINES, max_size=200).map(b"".join))
def test_no_newline_is_missed_or_made_up(data: bytes) -> None:
    assert newlines_in(data) == data.count(b"\n")


@pytest.mark.parametrize("rest", [b"", b"x", b"\n" * SAMPLE])
def test_long_lines_are_counted_as_well(rest: bytes) -> None:
    data = A_LONG_LINE * (2 * SAMPLE // len(A_LONG_LINE)) + rest
    assert newlines_in(data) == data.count(b"\n")
