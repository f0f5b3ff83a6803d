"""A process that gives no sign of life, on a real runner."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from ccx_runner.frames import Verb
from support.runner_process import Json, Link, RunnerProcess, a_runner, python
from support.waiting import eventually

A_MOMENT, LONG_ENOUGH = 0.3, 4.0
"""Seconds of silence: that are a stall soon, and within which a second run has begun to speak."""

CLAUDE = (
    f"""#!{sys.executable} -ISu
"""
    + """\
import json, os, signal, sys

def say(**event): print(json.dumps(event), flush=True)

TOOL, DEAF = json.loads(os.environ["PLAY"])
if DEAF: signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.read()
say(type="system", subtype="init", session_id="s-1", model="m")
if "--resume" in sys.argv and not DEAF:
    say(type="result", is_error=False, terminal_reason="completed", num_turns=1, result="done")
    sys.exit(0)
tool = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}
if TOOL: say(type="assistant", message={"id": "m1", "content": [tool]})
say(type="waits")
while True: signal.pause()  # on a connection that is dead without its knowing
"""
)


def a_wish(generation: int, desired: str = "Running", **limits: Any) -> Json:
    return {"generation": generation, "desiredState": desired, **limits}


def stalls_after(seconds: float, on_stall: str, generation: int = 1) -> Json:
    return a_wish(generation, stallTimeoutSeconds=seconds, onStall=on_stall)


def a_claude(directory: Path, *, wish: Json, tool: bool = False, deaf: bool = False) -> Any:
    """Its first run says nothing more after `waits`; a deaf one does not heed TERM."""
    program = directory / "claude"
    program.write_text(CLAUDE)
    program.chmod(0o755)
    play = {"PLAY": json.dumps([tool, deaf]), "CCX_PROMPT": "do it"}
    argv = [str(program), "-p", "--session-id", "s-1"]
    return a_runner(directory, argv, options=["--claude"], wish=wish, environment=play)


def paused_and_resumed(runner: RunnerProcess, link: Link, *, wish: Json) -> None:
    runner.wait_for_output("waits")
    limits = {key: wish[key] for key in ("stallTimeoutSeconds", "onStall")}
    link.ask(Verb.PAUSE, a_wish(wish["generation"] - 1, "Paused", **limits))
    link.ask(Verb.RESUME, wish)


@pytest.mark.parametrize("on_stall", ["Report", "Fail"])
def test_a_turn_of_which_nothing_has_come_since_a_pause_is_restarted(
    on_stall: str, tmp_path: Path
) -> None:
    with a_claude(tmp_path, wish=stalls_after(600, on_stall)) as runner:
        link = runner.link()
        seconds = LONG_ENOUGH if on_stall == "Fail" else A_MOMENT
        paused_and_resumed(runner, link, wish=stalls_after(seconds, on_stall, 3))
        link.close()
        told = runner.ended()
        assert (told["claude"]["restarts"], told["claude"]["isError"]) == (1, False)
        assert (told["exitCode"], told["endedBy"], told["stalled"]) == (0, None, False)
        assert runner.stdout.count("init") == 2


def test_it_is_restarted_once_and_then_ended_also_where_it_does_not_heed_term(
    tmp_path: Path,
) -> None:
    with a_claude(tmp_path, wish=stalls_after(600, "Fail"), deaf=True) as runner:
        link = runner.link()
        paused_and_resumed(runner, link, wish=stalls_after(LONG_ENOUGH, "Fail", 3))
        link.close()
        told = runner.ended()
        assert (told["claude"]["restarts"], told["exitCode"]) == (1, -9)
        assert (told["endedBy"], told["stalled"]) == ("Deadline", True)
        assert runner.survivors() == []


def test_a_cancel_between_the_runs_holds(tmp_path: Path) -> None:
    with a_claude(tmp_path, wish=stalls_after(600, "Fail"), deaf=True) as runner:
        link = runner.link()
        paused_and_resumed(runner, link, wish=stalls_after(A_MOMENT, "Fail", 3))
        link.ask(Verb.CANCEL)
        link.close()
        assert runner.ended()["endedBy"] == "Cancel"
        assert runner.survivors() == []


def test_what_waits_for_its_tool_does_not_stall(tmp_path: Path) -> None:
    with a_claude(tmp_path, wish=stalls_after(600, "Fail"), tool=True) as runner:
        link = runner.link()
        paused_and_resumed(runner, link, wish=stalls_after(0.1, "Fail", 3))
        limits: Json = {"stallTimeoutSeconds": 0.1, "onStall": "Fail", "activeDeadlineSeconds": 1}
        link.ask(Verb.RESUME, a_wish(4, **limits))
        link.close()
        told = runner.ended()  # ten times the limit
        assert (told["endedBy"], told["stalled"]) == ("Deadline", False)
        assert told["claude"]["restarts"] == 0


def test_a_frozen_process_does_not_stall(tmp_path: Path) -> None:
    wish = a_wish(1, "Paused", stallTimeoutSeconds=0.1, onStall="Fail")
    with a_runner(tmp_path, ["sleep", "600"], wish=wish) as runner:
        link = runner.link()
        seen = eventually(
            lambda: (s := link.ask(Verb.STATUS))["pausedSeconds"] > 0.5 and s, what="half a second"
        )
        assert (seen["state"], seen["stalled"]) == ("Paused", False)
        link.ask(Verb.RESUME, a_wish(2, stallTimeoutSeconds=0.1, onStall="Fail"))
        link.close()
        told = runner.ended()
        assert (told["endedBy"], told["stalled"]) == ("Deadline", True)


def test_a_stall_is_told_and_is_over_with_the_next_sign_of_life(tmp_path: Path) -> None:
    program = python(
        "import signal\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('alive'))\n"
        "print('hears')\n"
        "while True: signal.pause()"
    )
    with a_runner(tmp_path, program, wish=stalls_after(A_MOMENT, "Report")) as runner:
        runner.wait_for_output("hears")
        link = runner.link()
        while not (told := link.snapshot())["stalled"]:
            pass
        assert told["state"] == "Running"
        link.ask(Verb.RESUME, stalls_after(600, "Report", 2))
        os.kill(told["pid"], signal.SIGUSR1)
        while link.snapshot()["stalled"]:
            pass
        runner.wait_for_output("alive")
