import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.mirror import MAX_PENDING, Mirror
from ccx_runner.mirror_plan import MirrorPlan, TokenBucket

NOTICE = re.compile(rb"\[ccx\] ([\d,]+) bytes left out of this log; the spool has them\n")
ROOM = 1024 * 1024


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 500)), max_size=40))
def test_no_bucket_gives_more_than_its_burst_and_its_rate(steps: list[tuple[float, int]]) -> None:
    bucket, now, spent = TokenBucket(burst=100, rate=7), 0.0, 0
    bucket.available(now)
    for pause, wanted in steps:
        now += pause
        granted = min(wanted, bucket.available(now))
        bucket.spend(granted)
        spent += granted
    assert spent <= 100 + now * 7 + 1e-6


lines = st.lists(st.text("ab", max_size=60), min_size=1, max_size=6)
outputs = lines.map(lambda some: "".join(f"{line}\n" for line in some).encode())


@given(st.lists(st.tuples(st.floats(0, 0.5), outputs), max_size=40))
def test_the_log_is_the_output_with_a_notice_of_exact_size_in_place_of_each_hole(
    offers: list[tuple[float, bytes]],
) -> None:
    plan, log, now = MirrorPlan(burst=400, rate=300, resume=100), b"", 0.0
    for pause, data in offers:
        now += pause
        log += plan.admit(data, now, room=ROOM)
    assert len(log) <= 400 + now * 300
    log += plan.last_words()

    output, place = b"".join(data for _, data in offers), 0
    pieces = NOTICE.split(log)
    for kept, count in zip(pieces[::2], [*pieces[1::2], b"0"], strict=True):
        assert output[place : place + len(kept)] == kept
        place += len(kept) + int(count.replace(b",", b""))
    assert place == len(output)


def test_a_notice_says_how_much_was_left_out_before_the_next_whole_line() -> None:
    plan = MirrorPlan(burst=1000, rate=1000, resume=100)
    assert plan.admit(b"x" * 12_344 + b"\n", 0, room=ROOM) == b""
    log = plan.admit(b"next\n", 1, room=ROOM)
    assert log == b"[ccx] 12,345 bytes left out of this log; the spool has them\nnext\n"


def test_what_does_not_fit_is_cut_after_a_whole_line() -> None:
    assert MirrorPlan(burst=9, rate=1).admit(b"one\ntwo\nthree\n", 0, room=ROOM) == b"one\ntwo\n"


def test_a_notice_begins_a_line_of_its_own() -> None:
    plan = MirrorPlan(burst=4, rate=1)
    assert plan.admit(b"rest", 0, room=ROOM) == b"rest"
    assert plan.admit(b"gone\n", 0, room=ROOM) == b""
    assert plan.last_words().startswith(b"\n[ccx] 5 bytes left out")


def test_after_a_hole_it_waits_until_a_fair_piece_fits() -> None:
    plan = MirrorPlan(burst=1000, rate=100, resume=500)
    plan.admit(b"x" * 1000, 0, room=ROOM)
    plan.admit(b"gone\n", 0, room=ROOM)
    assert plan.admit(b"still gone\n", 4.9, room=ROOM) == b""
    assert plan.admit(b"here\n", 5, room=ROOM).endswith(b"has them\nhere\n")


@contextmanager
def a_pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(writer)
        os.close(reader)


def test_count_and_hash_are_of_exactly_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("wb") as stdout:
        mirror = Mirror(stdout.fileno(), plan=MirrorPlan(burst=1000, rate=1))
        for n in range(300):
            mirror.offer(b"line %d\n" % n, now=0)
        mirror.finish()
        mirror.close()
    written = file.read_bytes()
    assert NOTICE.search(written)
    assert (mirror.bytes, mirror.sha256()) == (len(written), hashlib.sha256(written).hexdigest())


def test_a_reader_that_stalls_does_not_block_it_and_gets_whole_lines_later() -> None:
    line = b"0123456789abcde\n"
    with a_pipe() as (reader, writer):
        mirror = Mirror(writer)
        for _ in range(4 * MAX_PENDING // 1024):
            mirror.offer(line * 64, now=0)
        mirror.finish()
        assert mirror.wants_write
        assert os.get_blocking(writer)
        log = b""
        while mirror.wants_write:
            log += os.read(reader, 65_536)
            mirror.flush()
        mirror.close()
        log += os.read(reader, 65_536)
    (left_out,) = NOTICE.findall(log)
    kept = NOTICE.sub(b"", log)
    assert kept == line * (len(kept) // len(line))
    assert len(kept) + int(left_out.replace(b",", b"")) == 4 * MAX_PENDING


def test_a_reader_that_has_gone_switches_it_off() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    mirror = Mirror(writer)
    mirror.offer(b"nobody reads this\n", now=0)
    mirror.offer(b"nor this\n", now=0)
    mirror.finish()
    os.close(writer)
    assert (mirror.bytes, mirror.wants_write) == (0, False)


def test_switched_off_it_writes_nothing() -> None:
    mirror = Mirror(None)
    mirror.offer(b"line\n", now=0)
    mirror.finish()
    assert mirror.bytes == 0
