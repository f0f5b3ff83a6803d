"""An archive of the output: what is put into it comes out of it, or is known to be missing."""

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccx_runner.archive_files import ArchiveFiles
from ccx_runner.archive_format import HOLE, RECORD, ArchiveError, Piece
from ccx_runner.archive_output import ArchiveOutput
from ccx_runner.archiver import BATCH_BYTES, PATIENCE, Archiver
from ccx_runner.frame_types import Gap, Output, Stream
from ccx_runner.spool import Spool
from ccx_runner.transcript import transcript
from support.links import until

OUT, ERR = Stream.STDOUT, Stream.STDERR
SESSION = "0b6cbd4e-1c3a-4a55-9c1a-6f2f6d0b7e11"
printed = st.lists(st.tuples(st.sampled_from(Stream), st.binary(min_size=1, max_size=50)))


def pieces_of(output: list[tuple[Stream, bytes]]) -> list[Piece]:
    pieces, place = [], 0
    for stream, data in output:
        pieces.append(Piece(place, place + len(data), int(stream), data))
        place += len(data)
    return pieces


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read(archive: ArchiveOutput, offset: int = 0, most: int = 7) -> list[Output | Gap]:
    found: list[Output | Gap] = []
    while (item := archive.read(offset, most)) is not None:
        found.append(item)
        assert item.end > offset
        offset = item.end
    return found


def data_of(items: list[Output | Gap], stream: Stream | None = None) -> bytes:
    return b"".join(
        item.data for item in items if isinstance(item, Output) and stream in (None, item.stream)
    )


def an_archive(directory: Path, output: list[tuple[Stream, bytes]], *, ends: bool = True) -> bytes:
    """What was printed. Each piece is a write of its own."""
    files, whole = ArchiveFiles(directory), b"".join(data for _, data in output)
    for piece in pieces_of(output):
        files.write([piece])
    if ends:
        files.end(len(whole), None)
    return whole


@settings(max_examples=40)
@given(printed, st.data(), st.integers(1, 60))
def test_from_every_offset_every_byte_comes_with_its_stream(
    output: list[tuple[Stream, bytes]], data: st.DataObject, most: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        whole = an_archive(Path(directory), output)
        archive = ArchiveOutput(Path(directory), len(whole))
        archive.prove(sha(whole))
        offset = data.draw(st.integers(0, len(whole)))
        found = read(archive, offset, most)
    assert data_of(found) == whole[offset:]
    streams = b"".join(bytes([stream]) * len(piece) for stream, piece in output)
    for item in found:
        assert isinstance(item, Output)
        assert set(streams[item.offset : item.end]) == {item.stream}
        assert len(item.data) <= most


def test_its_file_of_the_output_has_the_sum_that_the_status_says(tmp_path: Path) -> None:
    whole = an_archive(tmp_path, [(OUT, b"a\n"), (ERR, b"b\n"), (OUT, b"c\n")])
    assert (tmp_path / "output").read_bytes() == whole
    assert (tmp_path / "streams").read_text() == "".join(
        f"{place:020d} {kind}\n" for place, kind in ((0, 1), (2, 2), (4, 1))
    )
    end = json.loads((tmp_path / "end.json").read_text())
    assert (end["bytes"], end["sha256"], end["complete"]) == (6, sha(whole), True)


OUTPUT = [(OUT, b"one\n" * 100), (ERR, b"two\n" * 100), (OUT, b"three\n" * 100)]


def flipped(archive: Path) -> None:
    data = bytearray((archive / "output").read_bytes())
    data[450] ^= 1
    (archive / "output").write_bytes(data)


def shortened(archive: Path) -> None:
    os.truncate(archive / "output", 450)


def emptied(archive: Path) -> None:
    (archive / "output").write_bytes(b"")


def disordered(archive: Path) -> None:
    lines = (archive / "streams").read_bytes()
    (archive / "streams").write_bytes(lines[RECORD : 2 * RECORD] + lines)


def garbled(archive: Path) -> None:
    (archive / "streams").write_bytes(b"x" * RECORD * 2)


@pytest.mark.parametrize("happens", [flipped, shortened, emptied, disordered, garbled])
def test_what_is_not_what_was_printed_is_not_read(
    tmp_path: Path, happens: Callable[[Path], None]
) -> None:
    whole = an_archive(tmp_path, OUTPUT)
    happens(tmp_path)
    with pytest.raises(ArchiveError):
        ArchiveOutput(tmp_path, len(whole)).prove(sha(whole))


@pytest.mark.parametrize("told", [450, 1200])
def test_of_a_writer_that_was_killed_what_its_status_speaks_of_is_read(
    tmp_path: Path, told: int
) -> None:
    """A status may be older than the last write, and the last record of a stream be cut off."""
    whole = an_archive(tmp_path, OUTPUT, ends=False)
    with (tmp_path / "streams").open("ab") as streams:
        streams.write(b"00000000000000009999 1\n0000000")
    archive = ArchiveOutput(tmp_path, told)
    archive.prove(sha(whole[:told]))
    assert data_of(read(archive, 399)) == whole[399:told]


def test_what_an_archive_has_not_is_a_gap_of_known_size(tmp_path: Path) -> None:
    files = ArchiveFiles(tmp_path)
    files.write([Piece(0, 3, OUT, b"abc"), Piece(3, 10, HOLE), Piece(10, 12, ERR, b"de")])
    files.end(20, None)
    archive = ArchiveOutput(tmp_path, 20)
    archive.prove(sha(b"of all that was printed"))
    assert archive.kept == 5
    found = read(archive)
    assert found == [Output(0, OUT, b"abc"), Gap(3, 10), Output(10, ERR, b"de"), Gap(12, 20)]
    assert read(archive, 15) == [Gap(15, 20)]


def test_what_came_after_a_writers_last_word_is_not_read(tmp_path: Path) -> None:
    files = ArchiveFiles(tmp_path)
    files.write([Piece(0, 3, OUT, b"abc")])
    files.end(20, None)
    with (tmp_path / "output").open("ab") as output:
        output.write(b"from nobody knows where")
    archive = ArchiveOutput(tmp_path, 20)
    archive.prove(sha(b"of all that was printed"))
    assert read(archive) == [Output(0, OUT, b"abc"), Gap(3, 20)]


class Archiving:
    """A spool and its archive, in the two folders of a directory."""

    def __init__(
        self, directory: Path, *, capacity: int = 1_000_000, patience: float = PATIENCE
    ) -> None:
        self.directory = directory / "archive"
        self.directory.mkdir()
        self.spool = Spool(directory / "spool", capacity=capacity)
        self.archiver = Archiver(self.directory, self.spool, patience=patience)
        self.printed = b""

    def prints(self, data: bytes, stream: Stream = OUT) -> None:
        self.spool.append(stream, data)
        self.printed += data
        self.archiver.output_came()

    async def ends(self, *, seconds: float = 10) -> None:
        await self.archiver.finish(lambda: None, seconds=seconds)
        self.spool.close()

    def found(self) -> list[Output | Gap]:
        archive = ArchiveOutput(self.directory, len(self.printed))
        archive.prove(sha(self.printed))
        assert archive.kept == self.archiver.bytes
        return read(archive, most=100_000)


@pytest.fixture
async def archiving(tmp_path: Path) -> AsyncIterator[Archiving]:
    async with asyncio.timeout(60):
        yield Archiving(tmp_path)


async def test_more_than_the_spool_holds_is_all_in_the_archive(tmp_path: Path) -> None:
    archiving = Archiving(tmp_path, capacity=4_000_000)
    for number in range(6):
        archiving.prints(b"%07d\n" % number * 150_000, ERR if number % 2 == 0 else OUT)
        await until(lambda: archiving.archiver.is_idle)
    await archiving.ends()
    assert archiving.spool.oldest > 0
    assert data_of(archiving.found()) == archiving.printed
    assert (archiving.archiver.bytes, archiving.archiver.message) == (7_200_000, "")


async def test_little_output_is_there_before_the_end(archiving: Archiving) -> None:
    archiving.prints(b"hello\n")
    await until(lambda: archiving.archiver.bytes == 6)
    await archiving.ends()
    assert data_of(archiving.found()) == b"hello\n"


async def test_nothing_printed_is_a_complete_archive(archiving: Archiving) -> None:
    await archiving.ends()
    assert archiving.found() == []
    assert archiving.archiver.message == ""


async def test_a_volume_that_hangs_holds_up_the_end_no_longer_than_that(
    archiving: Archiving,
) -> None:
    os.mkfifo(archiving.directory / "streams")  # nobody reads: to open it does not return
    archiving.prints(b"x" * 2_000_000)
    archiving.prints(b"y")
    await archiving.ends(seconds=0.2)
    assert archiving.archiver.bytes == 0
    assert "its volume did not take it within 0.2 s" in archiving.archiver.message
    os.close(os.open(archiving.directory / "streams", os.O_RDONLY))  # lets the thread go


async def test_what_the_spool_dropped_while_the_volume_was_slow_is_a_hole(
    tmp_path: Path,
) -> None:
    archiving = Archiving(tmp_path, capacity=100_000)
    os.mkfifo(archiving.directory / "streams")  # until somebody reads, the first write waits
    archiving.prints(b"first\n" * 10)
    await until(lambda: not archiving.archiver.is_idle)
    archiving.prints(b"%05d\n" % 1 * 50_000)
    streams = os.open(archiving.directory / "streams", os.O_RDWR | os.O_NONBLOCK)
    await archiving.ends()
    told = os.read(streams, 4096).decode().splitlines()
    os.close(streams)
    oldest, printed = archiving.spool.oldest, len(archiving.printed)
    assert told == [f"{place:020d} {kind}" for place, kind in ((0, 1), (60, 0), (oldest, 1))]
    assert archiving.archiver.bytes == printed - (oldest - 60)
    assert (archiving.directory / "output").read_bytes()[oldest:] == archiving.printed[oldest:]


async def test_an_archive_wants_what_is_not_written_until_a_write_has_hung_for_too_long(
    tmp_path: Path,
) -> None:
    archiving = Archiving(tmp_path, patience=2)
    assert archiving.archiver.wanted() == 0
    os.mkfifo(archiving.directory / "streams")  # until somebody reads, the first write waits
    archiving.prints(b"x" * BATCH_BYTES)
    assert archiving.archiver.wanted() == BATCH_BYTES
    await until(lambda: archiving.archiver.wanted() is None)
    streams = os.open(archiving.directory / "streams", os.O_RDWR | os.O_NONBLOCK)
    await until(lambda: archiving.archiver.is_idle)
    assert archiving.archiver.wanted() == BATCH_BYTES
    await archiving.ends()
    os.close(streams)


async def test_an_archive_whose_write_has_failed_wants_nothing_more(archiving: Archiving) -> None:
    archiving.directory.rmdir()
    archiving.prints(b"x" * BATCH_BYTES)
    await until(lambda: archiving.archiver.wanted() is None)
    await archiving.ends()


async def test_without_an_archive_nothing_is_wanted(tmp_path: Path) -> None:
    assert Archiver(None, Spool(tmp_path / "spool")).wanted() is None


async def test_a_volume_that_takes_nothing_costs_the_archive_alone(archiving: Archiving) -> None:
    archiving.directory.rmdir()
    archiving.prints(b"hello\n")
    await archiving.ends()
    assert archiving.archiver.bytes == 0
    assert "the archive is not complete: No such file" in archiving.archiver.message


def test_a_transcript_is_found_by_its_id_alone(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / "-workspace"
    folder.mkdir(parents=True)
    found = folder / f"{SESSION}.jsonl"
    found.write_text("{}\n")
    (folder / "other.jsonl").write_text("{}\n")
    assert transcript(tmp_path, SESSION) == found
    for no_id in (None, "*", "../../x", "other", SESSION.replace("0", "1")):
        assert transcript(tmp_path, no_id) is None


def test_a_transcript_is_copied_unless_it_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "said.jsonl").write_text("{}\n")
    (tmp_path / "link.jsonl").symlink_to("said.jsonl")
    for name, copied in (("link.jsonl", None), ("a", None), ("said.jsonl", 3)):
        ArchiveFiles(tmp_path / "a").end(0, tmp_path / name)
        told = json.loads((tmp_path / "a" / "end.json").read_text())["transcript"]
        assert (told and told["bytes"]) == copied
    assert (tmp_path / "a" / "transcript.jsonl").read_text() == "{}\n"
