import errno
import hashlib
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ccx_runner.frames import Gap, Output, Stream
from ccx_runner.spool import Spool
from ccx_runner.spool_segment import MAX_RECORDS

OUT, ERR = Stream.STDOUT, Stream.STDERR
CAPACITY, SEGMENTS = 64, 8


class SpoolWithReaders(RuleBasedStateMachine):
    """Three readers at their own pace, against all that was ever written."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        directory = Path(self._directory.name) / "spool"
        self.spool = Spool(directory, capacity=CAPACITY, segments=SEGMENTS)
        self.written = b""
        self.streams: list[Stream] = []
        self.cursors = [0, 0, 0]

    def teardown(self) -> None:
        for reader in range(3):
            self._catch_up(reader)
        self.spool.close()
        self._directory.cleanup()

    @rule(stream=st.sampled_from(Stream), data=st.binary(max_size=100))
    def append(self, stream: Stream, data: bytes) -> None:
        assert self.spool.append(stream, data) == len(self.written)
        self.written += data
        self.streams += [stream] * len(data)

    @rule(reader=st.integers(0, 2), max_bytes=st.integers(1, 50))
    def read(self, reader: int, max_bytes: int) -> None:
        cursor = self.cursors[reader]
        found = self.spool.read(cursor, max_bytes)
        if found is None:
            assert cursor == len(self.written)
            return
        self.cursors[reader] = found.end
        if isinstance(found, Gap):
            assert (found.start, found.end) == (cursor, self.spool.oldest)
            return
        assert 0 < len(found.data) <= max_bytes
        assert found.offset == cursor
        assert found.data == self.written[cursor : found.end]
        assert set(self.streams[cursor : found.end]) == {found.stream}

    @rule(reader=st.integers(0, 2), offset=st.integers(0, 10_000))
    def start_again(self, reader: int, offset: int) -> None:
        self.cursors[reader] = offset % (len(self.written) + 1)

    @invariant()
    def the_totals_are_true(self) -> None:
        assert self.spool.end == len(self.written)
        assert self.spool.lines == self.written.count(b"\n")
        assert self.spool.sha256() == hashlib.sha256(self.written).hexdigest()

    @invariant()
    def it_keeps_nearly_its_capacity_and_never_more(self) -> None:
        kept = self.spool.end - self.spool.oldest
        least = min(len(self.written), CAPACITY - CAPACITY // SEGMENTS)
        assert least <= kept <= CAPACITY
        files = list(Path(self._directory.name, "spool").iterdir())
        assert sum(file.stat().st_size for file in files) == kept

    def _catch_up(self, reader: int) -> None:
        while self.cursors[reader] < len(self.written):
            self.read(reader, 50)


TestSpoolWithReaders = SpoolWithReaders.TestCase
TestSpoolWithReaders.settings = settings(max_examples=40, stateful_step_count=30)


@contextmanager
def a_spool(directory: Path, *, capacity: int = 1024) -> Iterator[Spool]:
    spool = Spool(directory / "spool", capacity=capacity, segments=4)
    try:
        yield spool
    finally:
        spool.close()


def test_a_read_stays_in_its_record_and_may_start_inside_it(tmp_path: Path) -> None:
    with a_spool(tmp_path) as spool:
        spool.append(OUT, b"one\n")
        spool.append(ERR, b"two\n")
        assert spool.read(0, 100) == Output(0, OUT, b"one\n")
        assert spool.read(5, 2) == Output(5, ERR, b"wo")
        assert spool.read(8, 100) is None


def test_what_was_dropped_is_a_gap_of_exact_size(tmp_path: Path) -> None:
    with a_spool(tmp_path, capacity=16) as spool:
        spool.append(OUT, b"0123456789abcdefghij")
        assert spool.read(1, 100) == Gap(1, 4)
        assert spool.oldest == 4


@pytest.mark.parametrize("offset", [-1, 5])
def test_an_offset_that_there_is_not_yet_is_refused(tmp_path: Path, offset: int) -> None:
    with a_spool(tmp_path) as spool:
        spool.append(OUT, b"one\n")
        with pytest.raises(ValueError, match=f"offset {offset} is not between 0 and the end, 4"):
            spool.read(offset, 1)


def test_the_index_stays_small_when_the_streams_alternate_by_the_byte(tmp_path: Path) -> None:
    with a_spool(tmp_path, capacity=4 * 1024 * 1024) as spool:
        for _ in range(MAX_RECORDS // 2 + 1):
            spool.append(OUT, b"o")
            spool.append(ERR, b"e")
        assert len(list((tmp_path / "spool").iterdir())) == 2
        assert spool.read(MAX_RECORDS + 1, 10) == Output(MAX_RECORDS + 1, ERR, b"e")


def test_a_write_that_fails_is_raised_and_what_was_written_counts(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with a_spool(tmp_path) as spool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            with pytest.raises(OSError, match="File too large") as caught:
                spool.append(OUT, b"x" * 200)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.errno == errno.EFBIG
        assert spool.end == 100
        assert spool.read(0, 1000) == Output(0, OUT, b"x" * 100)


def test_a_file_that_somebody_has_cut_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    with a_spool(tmp_path) as spool:
        spool.append(OUT, b"one\n")
        (file,) = (tmp_path / "spool").iterdir()
        file.write_bytes(b"")
        with pytest.raises(OSError, match="shorter than what was written to it"):
            spool.read(0, 10)


def test_what_an_earlier_container_left_is_removed(tmp_path: Path) -> None:
    with a_spool(tmp_path) as spool:
        spool.append(OUT, b"old\n")
    with a_spool(tmp_path) as spool:
        assert spool.read(0, 10) is None
