"""What a real runner does with hard output: too much, too long, cut in the middle."""

import hashlib
from pathlib import Path

from ccx_runner.frames import End, Gap, Lease, Output, RunnerFrame, Verb, encode
from support.runner_process import Json, Link, RunnerProcess, a_runner, python
from support.waiting import eventually

MIB = 1024 * 1024
SPOOL = 4 * MIB
LINE = b"0123456789abcdef" * 6 + b"xyz\n"
MANY = 3 * SPOOL // len(LINE)
PRINT_MANY = python(f"import os\nfor _ in range({MANY // 100}): os.write(1, {LINE!r} * 100)")
ALL = LINE * (MANY // 100 * 100)


def to_the_end(link: Link, *, credit: int = 256 * 1024) -> list[RunnerFrame]:
    """With the credit of a gateway, granted anew as it is used."""
    link.credit(credit)
    frames = list[RunnerFrame]()
    while not isinstance(frame := link.frame(), End):
        if isinstance(frame, Output):
            link.credit(len(frame.data))
        if isinstance(frame, Output | Gap):
            frames.append(frame)
    link.send_raw(encode(Lease()))
    return frames


def data_of(frames: list[RunnerFrame]) -> bytes:
    return b"".join(frame.data for frame in frames if isinstance(frame, Output))


def has_stopped_printing(runner: RunnerProcess, *, looks: int = 150) -> None:
    """Its spool is as good as full, and for so many looks in a row it has not grown; it lives."""
    before, quiet = -1, 0

    def is_quiet() -> bool:
        nonlocal before, quiet
        now = sum(file.stat().st_size for file in (runner.run_dir / "spool").iterdir())
        quiet = quiet + 1 if now == before and now > SPOOL * 3 // 4 else 0
        before = now
        return quiet > looks

    eventually(is_quiet, what="the process waits")
    assert runner.last_words()["state"] == "Running"


def stalls_after(seconds: float, generation: int) -> Json:
    limit = {"stallTimeoutSeconds": seconds, "onStall": "Fail"}
    return {"generation": generation, "desiredState": "Running", **limit}


def test_block_lets_the_process_wait_and_loses_nothing(tmp_path: Path) -> None:
    options = ["--overflow", "Block", "--spool-bytes", str(SPOOL), "--await-reader", "--no-mirror"]
    with a_runner(tmp_path, PRINT_MANY, options=options, wish=stalls_after(600, 1)) as runner:
        has_stopped_printing(runner)  # for the reader that is awaited
        link = runner.link()
        link.ask(Verb.RESUME, stalls_after(0.1, 2))
        has_stopped_printing(runner)  # for three times as long: no stall
        link.ask(Verb.RESUME, stalls_after(600, 3))
        link.follow(0)
        found = to_the_end(link)
        told = runner.ended()
        assert data_of(found) == ALL
        assert not any(isinstance(frame, Gap) for frame in found)
        assert (told["exitCode"], told["endedBy"]) == (0, None)
        assert told["output"]["sha256"] == hashlib.sha256(ALL).hexdigest()


def test_a_blocked_process_can_be_cancelled(tmp_path: Path) -> None:
    options = ["--overflow", "Block", "--spool-bytes", str(SPOOL)]
    forever = python(f"import os\nwhile True: os.write(1, {LINE!r} * 100)")
    with a_runner(
        tmp_path, ["sh", "-c", 'sleep 0.2; exec "$@"', "sh", *forever], options=options
    ) as runner:
        link = runner.link()
        link.follow(0)
        has_stopped_printing(runner)
        runner.process.terminate()
        assert runner.ended()["endedBy"] == "Outside"


def test_what_was_dropped_is_one_gap_of_the_size_that_the_last_words_tell(tmp_path: Path) -> None:
    options = ["--spool-bytes", str(SPOOL), "--await-reader", "--drain", "600", "--no-mirror"]
    with a_runner(tmp_path, PRINT_MANY, options=options) as runner:
        eventually(lambda: runner.last_words()["state"] == "Ended", what="the process is over")
        first, second = runner.link(), runner.link()
        first.follow(0)
        second.follow(1000)
        gap, *rest = to_the_end(first)
        assert isinstance(gap, Gap)
        assert to_the_end(second) == [Gap(1000, gap.end), *rest]
        told = runner.ended()["output"]
        assert (gap.start, gap.end) == (0, told["droppedBytes"])
        assert told["droppedBytes"] == len(ALL) - len(data_of(rest)) > 0
        assert data_of(rest) == ALL[gap.end :]


def test_a_line_of_64_mib_comes_through_byte_for_byte_in_bounded_memory(tmp_path: Path) -> None:
    piece = bytes(range(32, 96)) * 1024
    program = "import os\nfor _ in range(1024): os.write(1, bytes(range(32, 96)) * 1024)"
    options = ["--await-reader", "--drain", "600", "--spool-bytes", str(128 * MIB)]
    with a_runner(tmp_path, python(program), options=options) as runner:
        link = runner.link()
        link.follow(0)
        link.credit(256 * 1024)
        got, size = hashlib.sha256(), 0
        while not isinstance(frame := link.frame(), End):
            if isinstance(frame, Output):
                got.update(frame.data)
                size += len(frame.data)
                link.credit(len(frame.data))
        peak = peak_mib(runner.pid)
        link.send_raw(encode(Lease()))
        told = runner.ended()["output"]
        assert size == len(piece) * 1024 == told["bytes"]
        assert got.hexdigest() == told["sha256"]
        assert told["lines"] == 0
        assert peak < 64


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def test_a_character_that_is_printed_in_two_parts_is_one_again_for_its_reader(
    tmp_path: Path,
) -> None:
    """The pause is longer than a line's beginning is held back."""
    program = r"printf '\360\237'; sleep 0.4; printf '\230\200\n'"
    options = ["--await-reader", "--drain", "600"]
    with a_runner(tmp_path, ["sh", "-c", program], options=options) as runner:
        link = runner.link()
        link.follow(0)
        assert data_of(to_the_end(link)).decode() == "\N{GRINNING FACE}\n"
