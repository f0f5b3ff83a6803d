"""A real runner, and the archive that it leaves; a reader of it, over a link as a runner's."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccx_runner.frame_types import End, Gap, Output, RunnerFrame, Stream, Verb
from ccx_runner.spool import MIN_CAPACITY
from support.runner_process import SOURCES, Link, a_runner, python
from support.waiting import eventually

LINES = 30_000
PRINT = python(
    f"import sys\nfor n in range({LINES}):\n"
    "  print(f'{n:07d}', 'x' * 92, file=sys.stderr if n % 100 > 95 else sys.stdout)"
)
SESSION = "0b6cbd4e-1c3a-4a55-9c1a-6f2f6d0b7e11"
TOLD = [{"type": "system", "subtype": "init", "session_id": SESSION}]


def env(directory: Path, **more: str) -> dict[str, str]:
    (directory / "archive").mkdir(exist_ok=True)
    return {"CCX_ARCHIVE_DIR": str(directory / "archive"), **more}


@contextmanager
def a_reader(directory: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    (directory / "run2").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCES),
        "CCX_RUN_DIR": str(directory / "run2"),
        "CCX_TERMINATION_LOG": str(directory / "reader-log"),
    }
    argv = [sys.executable, "-m", "ccx_runner", "read-archive", str(directory / "archive")]
    reader = subprocess.Popen([*argv, *words], env=environment, text=True, stderr=subprocess.PIPE)
    try:
        yield reader
    finally:
        reader.kill()
        reader.communicate()


def connect(directory: Path, reader: subprocess.Popen[str]) -> Link:
    socket = directory / "run2" / "link.sock"
    eventually(lambda: socket.exists() or reader.poll() is not None, what="the reader listens")
    return Link(socket)


def read_all(link: Link, offset: int) -> list[RunnerFrame]:
    link.follow(offset)
    link.credit(100_000_000)
    found: list[RunnerFrame] = []
    while not isinstance(frame := link.frame(), End):
        if isinstance(frame, Output | Gap):
            found.append(frame)
    return found


def test_the_archive_of_a_run_is_read_by_a_link_from_any_offset(tmp_path: Path) -> None:
    with a_runner(tmp_path, PRINT, environment=env(tmp_path)) as runner:
        output = runner.ended()["output"]
    assert output["archived"] == output["bytes"] == LINES * 101
    whole = (tmp_path / "archive" / "output").read_bytes()
    assert hashlib.sha256(whole).hexdigest() == output["sha256"]
    words = ("--bytes", str(output["bytes"]), "--sha256", output["sha256"], "--idle", "3")
    with a_reader(tmp_path, *words) as reader:
        link = connect(tmp_path, reader)
        first, later = read_all(link, 0), read_all(link, 1_234_567)
        link.close()
        assert reader.wait(60) == 0
    for found, offset in ((first, 0), (later, 1_234_567)):
        assert b"".join(f.data for f in found if isinstance(f, Output)) == whole[offset:]
    errors = b"".join(f.data for f in first if isinstance(f, Output) and f.stream is Stream.STDERR)
    wanted = [n for n in range(LINES) if n % 100 > 95]
    assert [int(line[:7]) for line in errors.splitlines()] == wanted


def test_a_changed_archive_is_not_read_and_the_reader_says_so(tmp_path: Path) -> None:
    with a_runner(tmp_path, ["echo", "hello"], environment=env(tmp_path)) as runner:
        output = runner.ended()["output"]
    (tmp_path / "archive" / "output").write_bytes(b"hallo\n")
    words = ("--bytes", str(output["bytes"]), "--sha256", output["sha256"])
    with a_reader(tmp_path, *words) as reader:
        assert reader.wait(60) == 1
    assert "has been changed since" in (tmp_path / "reader-log").read_text()


def test_with_block_the_process_waits_for_a_slow_volume_and_the_archive_has_no_hole(
    tmp_path: Path,
) -> None:
    done, lines = tmp_path / "done", 4 * MIN_CAPACITY // 100
    program = f"for n in range({lines}): print(f'{{n:099d}}')\nopen({str(done)!r}, 'w')"
    command = [sys.executable, "-I", "-S", "-c", program]
    options = ["--overflow", "Block", "--spool-bytes", str(MIN_CAPACITY)]
    environment = env(tmp_path)
    os.mkfifo(tmp_path / "archive" / "streams")  # until somebody reads, the first write waits
    with a_runner(tmp_path, command, options=options, environment=environment) as runner:
        link, seen = runner.link(), [-1]

        def has_stopped() -> bool:
            seen.append(link.ask(Verb.STATUS)["output"]["bytes"])
            return seen[-1] > 0 and len(seen) > 50 and len(set(seen[-50:])) == 1

        eventually(has_stopped, what="no more is taken")
        assert seen[-1] < lines * 100
        assert not done.exists()
        streams = os.open(tmp_path / "archive" / "streams", os.O_RDWR | os.O_NONBLOCK)
        output = runner.ended()["output"]
        os.close(streams)
    assert done.exists()
    assert output["archived"] == output["bytes"] == lines * 100
    whole = (tmp_path / "archive" / "output").read_bytes()
    assert hashlib.sha256(whole).hexdigest() == output["sha256"]


def test_a_volume_that_takes_nothing_costs_the_execution_nothing(tmp_path: Path) -> None:
    environment = env(tmp_path)
    (tmp_path / "archive").rmdir()
    with a_runner(tmp_path, ["echo", "hello"], environment=environment) as runner:
        told = runner.ended()
    assert (told["exitCode"], told["endedBy"], told["output"]["archived"]) == (0, None, 0)
    assert told["message"].startswith("the archive is not complete: No such file")


@pytest.mark.parametrize("variable", ["HOME", "CLAUDE_CONFIG_DIR"])
def test_claudes_transcript_is_in_the_archive(tmp_path: Path, variable: str) -> None:
    home = tmp_path / "home"
    config = home if variable == "CLAUDE_CONFIG_DIR" else home / ".claude"
    folder = config / "projects" / "-workspace"
    folder.mkdir(parents=True)
    (folder / f"{SESSION}.jsonl").write_text('{"said":"something"}\n')
    said = "\n".join(json.dumps(line) for line in TOLD)
    command = ["sh", "-c", f"echo '{said}'"]
    environment = env(tmp_path, **{variable: str(home)})
    with a_runner(tmp_path, command, options=["--claude"], environment=environment) as runner:
        runner.ended()
    end = json.loads((tmp_path / "archive" / "end.json").read_text())
    transcript = (tmp_path / "archive" / "transcript.jsonl").read_bytes()
    assert transcript == b'{"said":"something"}\n'
    assert end["transcript"]["sha256"] == hashlib.sha256(transcript).hexdigest()
