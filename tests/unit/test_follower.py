from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccx_runner.follower import AT_ONCE, Follower
from ccx_runner.frames import End, Gap, Output, Stream
from ccx_runner.spool import Spool

OUT = Stream.STDOUT


@contextmanager
def a_spool(directory: Path, output: bytes, *, capacity: int = 1024 * 1024) -> Iterator[Spool]:
    spool = Spool(directory / "spool", capacity=capacity, segments=2)
    spool.append(OUT, output)
    try:
        yield spool
    finally:
        spool.close()


def a_follower(*, offset: int = 0, credit: int = 1000) -> Follower:
    follower = Follower()
    follower.follow(offset)
    follower.grant(credit)
    return follower


def test_nothing_is_sent_before_a_read_or_without_credit(tmp_path: Path) -> None:
    with a_spool(tmp_path, b"one\n") as spool:
        assert Follower().next(spool, ended=True) is None
        assert a_follower(credit=0).next(spool, ended=True) is None


def test_credit_is_spent_to_the_byte(tmp_path: Path) -> None:
    with a_spool(tmp_path, b"one\n") as spool:
        follower = a_follower(credit=3)
        assert follower.next(spool, ended=False) == Output(0, OUT, b"one")
        assert follower.next(spool, ended=False) is None
        follower.grant(5)
        assert follower.next(spool, ended=False) == Output(3, OUT, b"\n")


def test_a_bounded_piece_is_read_however_much_credit_there_is(tmp_path: Path) -> None:
    with a_spool(tmp_path, b"x" * (2 * AT_ONCE)) as spool:
        found = a_follower(credit=2**64 - 1).next(spool, ended=False)
        assert isinstance(found, Output)
        assert len(found.data) == AT_ONCE


def test_a_gap_and_the_end_need_no_credit(tmp_path: Path) -> None:
    with a_spool(tmp_path, b"0123456789", capacity=4) as spool:
        assert a_follower(credit=0).next(spool, ended=True) == Gap(0, 6)
        assert a_follower(offset=10, credit=0).next(spool, ended=True) == End(10)


def test_the_end_is_said_once_and_again_after_a_new_read(tmp_path: Path) -> None:
    with a_spool(tmp_path, b"one\n") as spool:
        follower = a_follower(offset=4)
        assert follower.next(spool, ended=False) is None
        assert follower.next(spool, ended=True) == End(4)
        assert follower.next(spool, ended=True) is None
        follower.follow(0)
        assert follower.next(spool, ended=True) == Output(0, OUT, b"one\n")
        assert follower.next(spool, ended=True) == End(4)


def test_a_reader_is_behind_until_it_shows_life_after_the_end(tmp_path: Path) -> None:
    with a_spool(tmp_path, b"") as spool:
        assert not Follower().is_behind
        follower = a_follower()
        follower.showed_life()
        assert follower.is_behind
        follower.next(spool, ended=True)
        assert follower.is_behind
        follower.showed_life()
        assert not follower.is_behind
