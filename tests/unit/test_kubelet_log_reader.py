import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devcluster.kubelet.cri_log import encode
from devcluster.kubelet.log_file import ContainerLog
from devcluster.kubelet.log_reader import Selection, read_log, tail_offset
from devcluster.ports import LogOptions

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
START_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z"""


def a_log(*lines: bytes) -> bytes:
    """One second between lines; one that does not end in a newline is a part."""
    return b"".join(
        encode("stdout", START_NS + n * 1_000_000_000, [(line.rstrip(b"\n"), b"\n" in line)])
        for n, line in enumerate(lines)
    )


def chosen(data: bytes, **options: Any) -> bytes:
    return Selection(LogOptions(**options), NOW).take(data)


def test_the_text_of_the_records_is_the_log() -> None:
    assert chosen(a_log(b"one\n", b"tw", b"o\n", b"three")) == b"one\ntwo\nthree"


def test_a_timestamp_stands_before_each_line_and_not_before_its_parts() -> None:
    assert chosen(a_log(b"tw", b"o\n", b"x\n"), timestamps=True) == (
        b"2026-01-01T00:00:00.000000000Z two\n2026-01-01T00:00:02.000000000Z x\n"
    )


@pytest.mark.parametrize(
    "since", [{"since_seconds": 59}, {"since_time": datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)}]
)
def test_since_leaves_out_what_is_older(since: dict[str, Any]) -> None:
    assert chosen(a_log(b"0\n", b"1\n", b"2\n"), **since) == b"1\n2\n"


def test_a_limit_counts_the_bytes_that_are_handed_out() -> None:
    selection = Selection(LogOptions(limit_bytes=5), NOW)
    assert selection.take(a_log(b"one\n")) == b"one\n"
    assert not selection.is_full
    assert selection.take(a_log(b"two\n")) == b"t"
    assert selection.is_full


@given(st.binary(max_size=200).map(a_log), st.integers(1, 100))
def test_records_may_be_cut_anywhere_by_the_reading(data: bytes, size: int) -> None:
    selection = Selection(LogOptions(), NOW)
    pieces = [selection.take(data[n : n + size]) for n in range(0, len(data), size)]
    assert b"".join(pieces) == chosen(data)


@given(st.lists(st.sampled_from([b"\n", b"a\n", b"b" * 30_000 + b"\n"]), max_size=12))
def test_the_tail_is_the_last_lines(lines: list[bytes]) -> None:
    fd = os.memfd_create("log")
    try:
        os.write(fd, b"".join(lines))
        for wanted in range(len(lines) + 2):
            assert os.pread(fd, 1 << 20, tail_offset(fd, wanted)) == b"".join(
                lines[max(0, len(lines) - wanted) :]
            )
    finally:
        os.close(fd)


async def test_a_follower_reads_on_through_a_rotation_and_ends_with_the_log(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", max_bytes=100)
    following = read_log(log.path, log, LogOptions(follow=True), now=NOW)
    for line in (b"%d\n" % n for n in range(10)):
        log.write("stdout", line)
        assert await anext(following) == line
    assert log.rotations > 1
    log.close()
    assert [chunk async for chunk in following] == []


async def test_a_log_that_was_never_written_is_empty(tmp_path: Path) -> None:
    chunks = read_log(tmp_path / "0.log", None, LogOptions(follow=True), now=NOW)
    assert [chunk async for chunk in chunks] == []
