"""From the start to the exit code: output, prompt, snapshot, readiness, failures, installation."""

import hashlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from ccx_runner.frames import Credit, End, Lease, Output, Read, RunnerFrame, Verb, encode
from support.free_port import a_free_port
from support.runner_process import SOURCES, Link, RunnerProcess, a_runner, python
from support.waiting import eventually

FOREVER = ["sh", "-c", "echo started; while :; do sleep 0.02; done"]


@pytest.mark.parametrize(
    ("script", "exit_code", "of_the_runner"),
    [("exit 0", 0, 0), ("exit 3", 3, 3), ("kill -KILL $$", -9, 137), ("kill -SEGV $$", -11, 139)],
)
def test_the_runner_exits_as_its_child_does(
    script: str, exit_code: int, of_the_runner: int, tmp_path: Path
) -> None:
    with a_runner(tmp_path, ["sh", "-c", script]) as runner:
        told = runner.ended()
        assert (told["state"], told["exitCode"], told["endedBy"]) == ("Ended", exit_code, None)
        assert runner.process.returncode == of_the_runner


def test_all_output_is_kept_mirrored_and_counted(tmp_path: Path) -> None:
    text = "".join(f"line {n}\n" for n in range(20_000)) + "no newline"
    program = "import sys\nfor n in range(20000): print('line', n)\nprint('no newline', end='')"
    with a_runner(tmp_path, python(program)) as runner:
        told = runner.ended()
        digest = hashlib.sha256(text.encode()).hexdigest()
        assert runner.stdout == text
        counts = {"bytes": len(text), "droppedBytes": 0, "lines": 20_000, "sha256": digest}
        assert 0 <= told["output"].pop("firstMs") < 60_000
        counts |= {"archived": None}
        assert told["output"] == counts
        assert told["mirror"] == {"bytes": len(text), "sha256": digest}


def test_a_line_that_grows_without_an_end_is_handed_on_all_the_same(tmp_path: Path) -> None:
    dots = "while :; do printf .; sleep 0.05; done"
    with a_runner(tmp_path, ["sh", "-c", dots]) as runner:
        runner.wait_for_output("..")


def test_a_reader_that_is_awaited_gets_all_although_the_process_is_over(tmp_path: Path) -> None:
    options = ["--await-reader", "--drain", "600"]
    with a_runner(tmp_path, ["echo", "hi"], options=options) as runner:
        eventually(lambda: runner.last_words()["state"] == "Ended", what="the process is over")
        link = runner.link()
        link.send_raw(encode(Read(1, 0)) + encode(Credit(100)))
        assert [f.data for f in to_the_end(link) if isinstance(f, Output)] == [b"hi\n"]
        link.send_raw(encode(Lease()))
        link.close()
        assert runner.ended()["exitCode"] == 0


def test_a_reader_whose_link_breaks_after_the_end_gets_the_rest_over_another_one(
    tmp_path: Path,
) -> None:
    waits = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo one; echo two"
    with a_runner(tmp_path, ["sh", "-c", waits], options=["--drain", "600"]) as runner:
        first = runner.link()
        first.send_raw(encode(Read(1, 0)) + encode(Credit(4)))
        first.reply()
        (tmp_path / "go").touch()
        eventually(lambda: runner.last_words()["state"] == "Ended", what="the process is over")
        first.close()
        second = runner.link()
        second.send_raw(encode(Read(1, 4)) + encode(Credit(100)))
        assert [f.data for f in to_the_end(second) if isinstance(f, Output)] == [b"two\n"]
        second.send_raw(encode(Lease()))
        assert runner.ended()["exitCode"] == 0


def to_the_end(link: Link) -> list[RunnerFrame]:
    frames = [link.frame()]
    while not isinstance(frames[-1], End):
        frames.append(link.frame())
    return frames


def test_the_mirror_can_be_switched_off(tmp_path: Path) -> None:
    with a_runner(tmp_path, ["echo", "hi"], options=["--no-mirror"]) as runner:
        told = runner.ended()
        assert (told["output"]["bytes"], told["mirror"]["bytes"], runner.stdout) == (3, 0, "")


@pytest.mark.parametrize("size", [0, 5, 120_000])
def test_the_prompt_reaches_stdin_and_ends(size: int, tmp_path: Path) -> None:
    prompt = "é" * (size // 2)
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    with a_runner(tmp_path, ["sha256sum"], environment={"CCX_PROMPT": prompt}) as runner:
        assert runner.ended()["exitCode"] == 0
        assert runner.stdout.split()[0] == digest


def test_a_process_may_end_without_having_read_its_prompt(tmp_path: Path) -> None:
    with a_runner(tmp_path, ["true"], environment={"CCX_PROMPT": "x" * 120_000}) as runner:
        assert runner.ended()["exitCode"] == 0


def test_without_a_prompt_stdin_is_empty(tmp_path: Path) -> None:
    with a_runner(tmp_path, ["wc", "-c"]) as runner:
        assert runner.ended()["exitCode"] == 0
        assert runner.stdout.strip() == "0"


@pytest.mark.parametrize(
    ("program", "exit_code", "message"),
    [
        ("no-such-program", 127, "no-such-program: not found on PATH"),
        ("/no/such/program", 127, "/no/such/program: not found"),
        ("/etc", 126, "/etc: is not an executable file"),
    ],
)
def test_a_program_that_cannot_be_started_is_named(
    program: str, exit_code: int, message: str, tmp_path: Path
) -> None:
    with a_runner(tmp_path, [program]) as runner:
        told = runner.ended()
        assert (told["state"], told["exitCode"], told["message"]) == ("Ended", exit_code, message)
        assert (told["pid"], told["endedBy"]) == (None, None)
        assert runner.process.returncode == exit_code


def test_a_script_whose_interpreter_is_missing_is_told_apart(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with a_runner(tmp_path, [str(script)]) as runner:
        assert runner.ended()["message"].endswith("the interpreter in its first line is not found")


def test_every_change_of_state_is_in_the_termination_message(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        link = runner.link()
        assert runner.last_words()["state"] == "Running"
        link.ask(Verb.PAUSE)
        told = runner.last_words()
        assert (told["state"], told["control"]["action"]) == ("Paused", "pause")
        link.ask(Verb.RESUME)
        assert runner.last_words()["state"] == "Running"
        link.ask(Verb.CANCEL)
        assert runner.last_words()["state"] in ("Ending", "Ended")
        link.close()
        assert runner.ended()["state"] == "Ended"


def test_a_link_is_told_of_every_change_and_ends_with_the_runner(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        watching, acting = runner.link(), runner.link()
        assert watching.snapshot()["state"] == "Running"
        acting.ask(Verb.PAUSE)
        states = [watching.snapshot()["state"]]
        acting.ask(Verb.CANCEL)
        while states[-1] != "Ended":
            states.append(watching.snapshot()["state"])
        assert list(dict.fromkeys(states)) == ["Paused", "Ending", "Ended"]


def ready(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_pod_is_ready_while_the_process_runs_freely(tmp_path: Path) -> None:
    port = a_free_port()
    environment = {"CCX_POD_IP": "127.0.0.1", "CCX_READINESS_PORT": str(port)}
    with a_runner(tmp_path, FOREVER, environment=environment) as runner:
        link = runner.link()
        assert ready(port) == 200
        link.ask(Verb.PAUSE)
        assert ready(port) == 503
        link.ask(Verb.RESUME)
        assert ready(port) == 200


def test_a_probe_that_says_too_much_is_cut_off(tmp_path: Path) -> None:
    port = a_free_port()
    environment = {"CCX_POD_IP": "127.0.0.1", "CCX_READINESS_PORT": str(port)}
    with (
        a_runner(tmp_path, FOREVER, environment=environment),
        socket.create_connection(("127.0.0.1", port), timeout=60) as probe,
    ):
        probe.sendall(b"GET /" + b"x" * 8000)
        try:
            assert probe.recv(100) == b""
        except ConnectionResetError:
            pass
        assert ready(port) == 200


def test_a_port_that_is_taken_is_the_runner_s_own_failure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environment = {"CCX_POD_IP": "127.0.0.1", "CCX_READINESS_PORT": port}
        with a_runner(tmp_path, FOREVER, environment=environment) as runner:
            told = runner.ended()
            assert (told["endedBy"], runner.process.returncode) == ("RunnerFault", 125)
            assert f"127.0.0.1:{port}" in told["message"]


def lower(runner: RunnerProcess, limit: int, value: int) -> None:
    """As an agent of the same uid can."""
    resource.prlimit(runner.pid, limit, (value, value))


def test_a_spool_that_cannot_be_written_ends_the_tree(tmp_path: Path) -> None:
    noisy = [
        "sh",
        "-c",
        "echo started; setsid sleep 60 & while :; do seq 100 120; sleep 0.01; done",
    ]
    with a_runner(tmp_path, noisy) as runner:
        runner.wait_for_output("started")
        lower(runner, resource.RLIMIT_FSIZE, 1500)  # a snapshot fits
        told = runner.ended()
        assert (told["endedBy"], runner.process.returncode) == ("RunnerFault", 125)
        assert "the output cannot be kept: " in told["message"]
        assert runner.survivors() == []


def test_a_termination_log_that_cannot_be_written_ends_the_tree(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        runner.wait_for_output("started")
        link = runner.link()
        lower(runner, resource.RLIMIT_FSIZE, 0)
        link.send(Verb.PAUSE)
        assert runner.process.wait(60) == 125
        assert runner.survivors() == []


@pytest.mark.parametrize("descriptors", [3, 1])
def test_a_runner_without_descriptors_ends_the_tree(descriptors: int, tmp_path: Path) -> None:
    family = ["sh", "-c", "setsid sleep 60 & echo started; while :; do sleep 0.02; done"]
    with a_runner(tmp_path, family) as runner:
        runner.wait_for_output("started")
        link = runner.link()
        link.snapshot()
        lower(runner, resource.RLIMIT_NOFILE, descriptors)
        link.send(Verb.PAUSE)
        told = runner.ended()
        assert (told["endedBy"], runner.process.returncode) == ("RunnerFault", 125)
        assert runner.survivors() == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["run"], "no program is named"),
        (["run", "--wish", "{}", "--", "true"], "--wish: generation: must be"),
        (["run", "--", "true"], "CCX_RUN_DIR: must name a directory"),
        (["status"], "no runner at /run/ccx"),
        (["install", "/no/such/directory"], "/no/such/directory"),
    ],
)
def test_a_wrong_command_line_is_answered_in_one_line(arguments: list[str], why: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ccx_runner", *arguments],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1
    assert why in done.stderr


def installed(directory: Path) -> Path:
    directory.mkdir()
    subprocess.run(
        [sys.executable, "-m", "ccx_runner", "install", str(directory)],
        env={"PYTHONPATH": str(SOURCES)},
        timeout=60,
        check=True,
    )
    return directory / "ccx-runner.pyz"


def test_what_is_installed_depends_on_the_sources_only(tmp_path: Path) -> None:
    first, second = installed(tmp_path / "a"), installed(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    link = (tmp_path / "a" / "link.py").read_text()
    assert link == (SOURCES / "ccx_runner/link.py").read_text()


def test_the_archive_blocks_its_signals_before_it_does_anything_else(tmp_path: Path) -> None:
    """PID 1 loses a TERM that it neither blocks nor handles, and a kubelet asks once."""
    with zipfile.ZipFile(installed(tmp_path / "ccx")) as archive:
        start = archive.read("__main__.py").decode()
    before, _, _ = start.partition("from ccx_runner")
    shown = f"{before}\nprint(*sorted(_signal.pthread_sigmask(0, ())))"
    done = subprocess.run(
        [*python(shown), "run"], capture_output=True, text=True, timeout=60, check=True
    )
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
    assert done.stdout.split() == [str(int(number)) for number in sorted(wanted)]


def test_the_archive_runs_by_itself_and_can_install_itself(tmp_path: Path) -> None:
    archive = installed(tmp_path / "ccx")
    runner_argv = [sys.executable, "-I", "-S", str(archive)]
    with a_runner(tmp_path, FOREVER, runner=runner_argv) as runner:
        assert runner.link().ask(Verb.PAUSE)["control"]["proven"]
    (tmp_path / "again").mkdir()
    subprocess.run([*runner_argv, "install", str(tmp_path / "again")], timeout=60, check=True)
    assert (tmp_path / "again/ccx-runner.pyz").read_bytes() == archive.read_bytes()


def python_3_10() -> str:
    found = shutil.which("python3.10")
    if found is None or subprocess.run([found, "-V"], capture_output=True, check=False).returncode:
        pytest.skip("python3.10 is not on PATH (or does not start): the syntax is tested anyway")
    return found


def test_the_runner_works_with_python_3_10(tmp_path: Path) -> None:
    archive = installed(tmp_path / "ccx")
    runner_argv = [python_3_10(), "-I", "-S", str(archive)]
    with a_runner(
        tmp_path, FOREVER, runner=runner_argv, wish={"generation": 1, "desiredState": "Paused"}
    ) as runner:
        link = runner.link()
        assert link.snapshot()["state"] == "Paused"
        assert (
            link.ask(Verb.RESUME, {"generation": 2, "desiredState": "Running"})["generation"] == 2
        )
        link.ask(Verb.CANCEL)
        link.close()
        assert runner.ended()["endedBy"] == "Cancel"
        assert runner.stderr == ""


def test_a_reader_that_lags_behind_is_waited_for_no_longer_than_the_drain(tmp_path: Path) -> None:
    waits = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo hi"
    with a_runner(tmp_path, ["sh", "-c", waits], options=["--drain", "3"]) as runner:
        link = runner.link()
        link.follow(0)  # and gives no credit
        link.reply()
        (tmp_path / "go").touch()
        eventually(lambda: runner.last_words()["state"] == "Ended")
        assert runner.process.poll() is None
        assert runner.ended()["exitCode"] == 0
