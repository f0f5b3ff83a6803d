"""Wishes, limits and signals, on a real runner with real processes."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ccx_runner.frames import Request, Verb, encode
from support.outside import below, running, see
from support.runner_process import Json, RunnerProcess, a_runner, python
from support.waiting import eventually

FOREVER = ["sh", "-c", "echo started; while :; do sleep 0.02; done"]
DEAF = ["sh", "-c", "trap '' TERM INT; echo started; while :; do sleep 0.02; done"]
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
deaf = "trap '' TERM; while :; do sleep 0.05; done"
for new_session in (False, True, True):
    subprocess.Popen(["sh", "-c", deaf], start_new_session=new_session)
if not os.fork():
    if os.fork(): os._exit(0)
    os.setsid()
print("started", flush=True)
while True: time.sleep(0.02)
"""


def a_wish(generation: int, desired: str, *, deadline: float | None = None) -> Json:
    wish: Json = {"generation": generation, "desiredState": desired}
    return wish if deadline is None else {**wish, "activeDeadlineSeconds": deadline}


def nothing_is_left(runner: RunnerProcess) -> bool:
    return below(runner.pid) == [] and runner.survivors() == []


def test_a_start_that_is_wished_paused_is_frozen_until_the_spec_says_otherwise(
    tmp_path: Path,
) -> None:
    with a_runner(tmp_path, FOREVER, wish=a_wish(2, "Paused")) as runner:
        link = runner.link()
        told = link.snapshot()
        assert (told["state"], told["generation"], told["frozenBy"]) == ("Paused", 2, ["spec"])
        assert running(below(runner.pid)) == []
        assert link.ask(Verb.RESUME, a_wish(3, "Running"))["state"] == "Running"
        runner.wait_for_output("started")


def test_a_frozen_start_runs_none_of_the_program_s_instructions(tmp_path: Path) -> None:
    """The dynamic loader is the first to run of any program: it would say that it was there."""
    said = tmp_path / "loader"
    environment = {"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(said)}
    argv = ["sh", "-c", "echo started; sleep 1"]
    with a_runner(
        tmp_path, argv, wish=a_wish(1, "Paused", deadline=0.5), environment=environment
    ) as runner:
        for before in tmp_path.glob("loader*"):  # the runner's own
            before.unlink()
        link = runner.link()
        eventually(lambda: link.ask(Verb.STATUS)["pausedSeconds"] > 1.0)
        told = link.ask(Verb.STATUS)
        assert (told["state"], told["frozenBy"]) == ("Paused", ["spec"])
        assert (told["control"]["proven"], told["control"]["processesStopped"]) == (True, 1)
        assert (told["activeSeconds"], told["output"]["bytes"]) == (0, 0)
        assert list(tmp_path.glob("loader*")) == []
        link.ask(Verb.RESUME, a_wish(2, "Running", deadline=60))
        link.close()
        told = runner.ended()
        assert (told["exitCode"], told["endedBy"], runner.stdout) == (0, None, "started\n")
        assert list(tmp_path.glob("loader*"))


@pytest.mark.parametrize(
    ("program", "exit_code", "why"),
    [("/nowhere/tool", 127, "/nowhere/tool: not found"), ("/etc/passwd", 126, "not an executable")],
)
def test_a_frozen_start_of_what_cannot_run_says_so_once_it_is_resumed(
    program: str, exit_code: int, why: str, tmp_path: Path
) -> None:
    with a_runner(tmp_path, [program], wish=a_wish(1, "Paused")) as runner:
        link = runner.link()
        assert link.snapshot()["state"] == "Paused"
        link.ask(Verb.RESUME, a_wish(2, "Running"))
        link.close()
        told = runner.ended()
        assert (told["state"], told["exitCode"], told["endedBy"]) == ("Ended", exit_code, None)
        assert why in told["message"]


def test_a_frozen_start_can_be_cancelled_before_its_program_has_run(tmp_path: Path) -> None:
    with a_runner(tmp_path, ["sh", "-c", "echo started"], wish=a_wish(1, "Paused")) as runner:
        link = runner.link()
        link.ask(Verb.CANCEL)
        link.close()
        told = runner.ended()
        assert (told["endedBy"], told["exitCode"], runner.stdout) == ("Cancel", -15, "")
        assert nothing_is_left(runner)


def test_the_program_inherits_its_three_streams_and_nothing_else(tmp_path: Path) -> None:
    argv = ["sh", "-c", "echo $(ls /proc/self/fd | wc -l)"]  # ls has one of its own
    with a_runner(tmp_path, argv, open_descriptors=3) as runner:
        runner.ended()
        assert runner.stdout == "4\n"


def test_a_tree_stays_frozen_until_both_owners_have_let_go(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER, wish=a_wish(1, "Running")) as runner:
        link = runner.link()
        link.ask(Verb.PAUSE)
        link.ask(Verb.PAUSE, a_wish(2, "Paused"))
        told = link.ask(Verb.RESUME)
        assert (told["state"], told["frozenBy"]) == ("Paused", ["spec"])
        assert running(below(runner.pid)) == []
        told = link.ask(Verb.RESUME, a_wish(3, "Running"))
        assert (told["state"], told["frozenBy"], told["generation"]) == ("Running", [], 3)


def test_a_late_wish_is_refused_and_a_cancel_is_final(tmp_path: Path) -> None:
    with a_runner(tmp_path, DEAF, wish=a_wish(3, "Running")) as runner:
        runner.wait_for_output("started")
        link = runner.link()
        assert link.refusal(Verb.PAUSE, a_wish(2, "Paused")) == "stale generation"
        assert "does not agree" in link.refusal(Verb.PAUSE, a_wish(4, "Running"))
        assert link.ask(Verb.CANCEL, a_wish(1, "Cancelled"))["state"] == "Ending"
        assert link.refusal(Verb.RESUME, a_wish(9, "Running")) == "cancelled"
        link.ask(Verb.CANCEL)
        link.close()
        told = runner.ended()
        assert (told["endedBy"], told["exitCode"], told["generation"]) == ("Cancel", -9, 3)


def test_a_pause_and_a_resume_on_its_heels_leave_what_the_newer_one_says(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER, wish=a_wish(1, "Running")) as runner:
        link = runner.link()
        link.send(Verb.PAUSE, a_wish(2, "Paused"))
        link.send(Verb.RESUME, a_wish(3, "Running"))
        errors = [link.reply().error, link.reply().error]
        assert errors in ([None, None], ["superseded by a newer wish", None])
        told = link.ask(Verb.STATUS)
        assert (told["state"], told["generation"]) == ("Running", 3)
        eventually(lambda: running(below(runner.pid)))


def test_a_pause_is_never_answered_as_done_by_what_a_newer_resume_has_done(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER, wish=a_wish(1, "Running")) as runner:
        link = runner.link()
        for generation in range(2, 22, 2):
            link.send(Verb.PAUSE, a_wish(generation, "Paused"))
            link.send(Verb.PAUSE, a_wish(generation, "Paused"))
            link.send(Verb.RESUME, a_wish(generation + 1, "Running"))
            for reply in (link.reply(), link.reply()):
                assert reply.error or (reply.snapshot or {})["state"] == "Paused"
            last = link.reply()
            assert (last.snapshot or {})["state"] == "Running"


def test_a_request_that_no_reply_could_carry_ends_its_link_and_not_the_work(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        rude, link = runner.link(), runner.link()
        rude.send_raw(encode(Request(Verb.RESUME, "x" * 65_300, None)))
        assert "id is too long" in (rude.reply().error or "")
        assert link.ask(Verb.STATUS)["state"] == "Running"


@pytest.mark.parametrize("paused", [False, True])
def test_cancel_ends_every_process_also_deaf_ones_in_sessions_of_their_own(
    paused: bool, tmp_path: Path
) -> None:
    with a_runner(tmp_path, python(FAMILY), options=["--grace", "4"]) as runner:
        runner.wait_for_output("started")
        link = runner.link()
        if paused:
            link.ask(Verb.PAUSE)
        assert link.ask(Verb.CANCEL)["control"]["action"] == "cancel"
        eventually(lambda: below(runner.pid) == [], what="no zombie and no survivor")
        link.close()
        told = runner.ended()
        assert (told["endedBy"], told["exitCode"]) == ("Cancel", 7)
        assert runner.process.returncode == 7
        assert nothing_is_left(runner)


def test_what_ignores_term_gets_the_grace_and_then_kill(tmp_path: Path) -> None:
    with a_runner(tmp_path, DEAF, options=["--grace", "0.5"]) as runner:
        runner.wait_for_output("started")
        began = time.monotonic()
        runner.link().ask(Verb.CANCEL)
        runner.links[0].close()
        told = runner.ended()
        assert time.monotonic() - began >= 0.5
        assert (told["exitCode"], runner.process.returncode) == (-9, 137)


def test_a_main_process_that_ends_by_itself_takes_the_others_with_it(tmp_path: Path) -> None:
    deaf = "trap '' TERM; while :; do sleep 0.05; done"
    argv = ["sh", "-c", f'setsid sh -c "{deaf}" & setsid sleep 60 & exit 5']
    with a_runner(tmp_path, argv, options=["--grace", "0.3"]) as runner:
        told = runner.ended()
        assert (told["state"], told["exitCode"], told["endedBy"]) == ("Ended", 5, None)
        assert runner.process.returncode == 5
        assert nothing_is_left(runner)


def test_orphans_are_reaped_while_the_main_process_lives(tmp_path: Path) -> None:
    orphans = "for i in 1 2 3 4 5 6 7 8; do (true & true) & done; echo done; sleep 60"
    with a_runner(tmp_path, ["sh", "-c", f"setsid sh -c '(sleep 0.01 &) &' ; {orphans}"]) as runner:
        runner.wait_for_output("done")
        eventually(lambda: not [p for p in below(runner.pid) if p.parent == runner.pid][1:])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_from_who_started_the_runner_ends_it_from_outside(
    number: signal.Signals, tmp_path: Path
) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        runner.process.send_signal(number)
        told = runner.ended()
        assert (told["endedBy"], told["exitCode"]) == ("Outside", -15)
        assert nothing_is_left(runner)


def test_a_signal_from_a_descendant_ends_it_from_inside(tmp_path: Path) -> None:
    with a_runner(
        tmp_path, ["sh", "-c", "kill -TERM $PPID; while :; do sleep 0.02; done"]
    ) as runner:
        assert runner.ended()["endedBy"] == "Inside"


def test_paused_time_does_not_count_for_the_deadline(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER, wish=a_wish(1, "Running", deadline=600)) as runner:
        link = runner.link()
        deadline = link.ask(Verb.PAUSE, a_wish(2, "Paused"))["activeSeconds"] + 0.8
        eventually(lambda: link.ask(Verb.STATUS)["pausedSeconds"] > 1.0)
        wish = a_wish(3, "Running", deadline=deadline)
        assert link.ask(Verb.RESUME, wish)["state"] == "Running"
        link.close()
        told = runner.ended()
        assert told["endedBy"] == "Deadline"
        assert deadline <= told["activeSeconds"] < told["activeSeconds"] + told["pausedSeconds"]
        assert told["pausedSeconds"] > 1.0


def test_a_newer_generation_moves_the_deadline(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER, wish=a_wish(1, "Running", deadline=3600)) as runner:
        link = runner.link()
        link.ask(Verb.RESUME, a_wish(2, "Running", deadline=1))
        link.close()
        assert runner.ended()["endedBy"] == "Deadline"


def test_interrupt_reaches_the_main_process_alone(tmp_path: Path) -> None:
    program = """
import signal, subprocess, sys, time
child = subprocess.Popen(["sleep", "60"])
signal.signal(signal.SIGINT, lambda *_: print("child", child.poll(), flush=True))
print("started", flush=True)
while True: time.sleep(0.02)
"""
    with a_runner(tmp_path, python(program)) as runner:
        runner.wait_for_output("started")
        assert runner.link().ask(Verb.INTERRUPT)["control"]["action"] == "interrupt"
        runner.wait_for_output("child None")


def test_claude_that_lingers_after_its_result_is_ended_and_keeps_its_result(tmp_path: Path) -> None:
    result = '{"is_error":false,"type":"result","subtype":"success","result":"hi","num_turns":1}'
    argv = ["sh", "-c", f"echo '{result}'; while :; do sleep 0.02; done"]
    with a_runner(tmp_path, argv, options=["--claude", "--grace", "0.3"]) as runner:
        told = runner.ended()
        assert (told["endedBy"], told["claude"]["result"]) == ("Lingered", "hi")
        assert nothing_is_left(runner)


def test_a_freeze_that_somebody_undoes_is_made_again(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        runner.link().ask(Verb.PAUSE)
        (main, *_) = [p for p in below(runner.pid) if p.parent == runner.pid]
        os.kill(main.pid, signal.SIGCONT)
        eventually(lambda: running(below(runner.pid)) == [])


def test_the_agent_cannot_control_itself(tmp_path: Path) -> None:
    program = """
import os, socket
peer = socket.socket(socket.AF_UNIX)
peer.connect(os.environ["SOCKET"])
data = b""
while more := peer.recv(65536): data += more
print(data[5:].decode())
print("ours:", [name for name in os.environ if name.startswith("CCX_")])
"""
    environment = {"SOCKET": str(tmp_path / "run/link.sock"), "CCX_PROMPT": "say nothing"}
    with a_runner(tmp_path, python(program), environment=environment) as runner:
        runner.ended()
        assert "may not control itself" in runner.stdout
        assert "ours: []" in runner.stdout


def test_without_capabilities_the_agent_can_neither_trace_nor_read_the_runner(
    tmp_path: Path,
) -> None:
    program = """
import ctypes, errno, os, time
PTRACE_ATTACH = 16
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(PTRACE_ATTACH, os.getppid(), 0, 0), errno.errorcode[ctypes.get_errno()])
for name in ("environ", "mem"):
    try: open(f"/proc/{os.getppid()}/{name}", "rb"); print("opened")
    except PermissionError: print("denied")
while True: time.sleep(0.02)
"""
    with a_runner(tmp_path, python(program), without_capabilities=True) as runner:
        eventually(lambda: runner.stdout.count("\n") == 3)
        assert runner.stdout == "-1 EPERM\ndenied\ndenied\n"
        link = runner.link()
        assert link.ask(Verb.PAUSE)["control"]["proven"]
        link.ask(Verb.CANCEL)
        link.close()
        assert runner.ended()["endedBy"] == "Cancel"


def test_children_are_nice_and_start_with_clean_signals(tmp_path: Path) -> None:
    program = """
import os
status = dict(l.split(":\\t") for l in open("/proc/self/status").read().splitlines() if ":\\t" in l)
print(os.nice(0), os.getsid(0) == os.getpid(), *(int(status[s], 16) for s in ("SigBlk", "SigIgn")))
"""
    argv = ["/bin/sh", "-c", 'exec "$@"', "sh", *python(program)]
    with a_runner(tmp_path, argv) as runner:
        runner.ended()
        nice, leads_session, blocked, ignored = runner.stdout.split()
        by_python = (1 << signal.SIGPIPE - 1) | (1 << signal.SIGXFSZ - 1)
        ours = sum(1 << number - 1 for number in signal.valid_signals())  # 32, 33 are the libc's
        assert (int(nice), leads_session, int(blocked)) == (os.nice(0) + 10, "True", 0)
        assert int(ignored) & ours == by_python


def test_the_process_goes_on_while_nobody_is_connected_and_its_links_come_and_go(
    tmp_path: Path,
) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        for _ in range(3):
            runner.link().close()
        assert runner.link().ask(Verb.STATUS)["state"] == "Running"
        assert see(runner.pid) is not None


@pytest.mark.parametrize("action", ["pause", "resume", "status", "interrupt", "cancel"])
def test_a_person_s_command_prints_one_line_of_json(action: str, tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        done = runner.one_shot(action)
        assert (done.returncode, done.stderr) == (0, "")
        (line,) = done.stdout.splitlines()
        told = json.loads(line)
        wanted = {"pause": "Paused", "cancel": ("Ending", "Ended")}.get(action, "Running")
        assert told["state"] in wanted
        assert action == "status" or told["control"]["action"] == action


def test_a_person_s_command_that_cannot_be_carried_out_says_why(tmp_path: Path) -> None:
    with a_runner(tmp_path, DEAF) as runner:
        runner.wait_for_output("started")
        runner.one_shot("cancel")
        done = runner.one_shot("pause")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "ccx-runner pause: cancelled\n"
    done = runner.one_shot("status")
    assert done.returncode == 1
    assert done.stderr.startswith("ccx-runner status: no runner at ")


def test_a_stranger_in_the_pid_s_place_is_not_talked_to(tmp_path: Path) -> None:
    with a_runner(tmp_path, FOREVER) as runner:
        other = subprocess.Popen(["sleep", "60"])
        try:
            runner.process, process = other, runner.process
            assert f"belongs to process {process.pid}" in runner.one_shot("status").stderr
        finally:
            runner.process = process
            other.kill()
            other.wait()
