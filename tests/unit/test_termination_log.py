import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccx_runner.snapshot import ClaudeFacts, Snapshot
from ccx_runner.termination_log import TerminationLog


@contextmanager
def a_log(path: Path, *, limit: int = 2048) -> Iterator[TerminationLog]:
    log = TerminationLog(path, limit=limit)
    try:
        yield log
    finally:
        log.close()


def test_the_newest_snapshot_replaces_a_longer_one_in_place(tmp_path: Path) -> None:
    path = tmp_path / "termination-log"
    path.touch()
    file = path.stat().st_ino
    with a_log(path) as log:
        log.write(Snapshot(state="Running", message="a long message"))
        log.write(Snapshot(state="Ended"))
    assert path.stat().st_ino == file
    line, newline, rest = path.read_bytes().partition(b"\n")
    assert (json.loads(line)["state"], newline, rest) == ("Ended", b"\n", b"")


def test_it_never_exceeds_its_limit_with_the_newline(tmp_path: Path) -> None:
    path = tmp_path / "termination-log"
    with a_log(path) as log:
        log.write(Snapshot(state="Ended", claude=ClaudeFacts(result="é" * 2000)))
    assert path.stat().st_size in (2047, 2048)


def test_a_write_that_fails_is_raised(tmp_path: Path) -> None:
    with a_log(tmp_path / "termination-log") as log:
        os.close(log._fd)
        log._fd = os.open("/dev/full", os.O_WRONLY)
        with pytest.raises(OSError, match="No space left"):
            log.write(Snapshot(state="Running"))
