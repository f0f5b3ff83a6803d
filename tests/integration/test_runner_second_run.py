"""A turn that a freeze has cut off from the API, on a real runner with a played Claude."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ccx_runner.frames import End, Gap, Output, Verb
from support.outside import below, running
from support.runner_process import Json, Link, RunnerProcess, a_runner
from support.waiting import eventually

CLAUDE = (
    f"""#!{sys.executable} -ISu
"""
    + """\
import json, os, signal, subprocess, sys

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})  # it finds its connection dead then

def say(**event): print(json.dumps(event), flush=True)

def result(is_error, text, cost):
    usage = {"input_tokens": 10, "output_tokens": 1}
    reason = "api_error" if is_error else "completed"
    say(type="result", is_error=is_error, terminal_reason=reason, api_error_status=STATUS,
        num_turns=2, total_cost_usd=cost, usage=usage, result=text)

STATUS, TOOL, FAILS, LOOP = json.loads(os.environ["PLAY"])
prompt, again = sys.stdin.read(), "--resume" in sys.argv
say(type="system", subtype="init", session_id="s-1", model="m")
if again and not FAILS:
    result(False, json.dumps([sys.argv[1:], prompt]), 0.5)
    sys.exit(0)
if LOOP:
    subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"],
                     start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
tool = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}
if TOOL: say(type="assistant", message={"id": "m1", "content": [tool]})
say(type="waits")
signal.sigwait({signal.SIGCONT})
say(type="assistant", error="server_error", message={"id": "m2", "content": []})
result(True, "API Error: Connection dropped", 0.2)
sys.exit(1)
"""
)
OPTIONS = ["-p", "--session-id", "s-1", "--model", "m"]


def a_play(
    *, status: int | None = None, tool: bool = False, fails: bool = False, loop: bool = False
) -> dict[str, str]:
    return {"PLAY": json.dumps([status, tool, fails, loop]), "CCX_PROMPT": "do it"}


def a_claude(directory: Path, *options: str, wish: Json | None = None, **play: Any) -> Any:
    program = directory / "claude"
    program.write_text(CLAUDE)
    program.chmod(0o755)
    return a_runner(
        directory,
        [str(program), *OPTIONS],
        options=["--claude", *options],
        wish=wish,
        environment=a_play(**play),
    )


def paused_and_resumed(runner: RunnerProcess, link: Link) -> None:
    """The played Claude takes a thaw for the death of its connection."""
    runner.wait_for_output("waits")
    link.ask(Verb.PAUSE)
    link.send(Verb.RESUME)
    link.reply()  # a refusal if it has ended at once


def test_a_turn_that_a_freeze_has_cut_off_is_restarted_once_with_the_same_session(
    tmp_path: Path,
) -> None:
    with a_claude(tmp_path) as runner:
        link = runner.link()
        paused_and_resumed(runner, link)
        link.close()
        told = runner.ended()
        claude = told["claude"]
        argv, prompt = json.loads(claude["result"])
        assert argv == ["--resume", "s-1", "-p", "--model", "m"]
        assert "Continue where you stopped" in prompt
        assert (claude["isError"], claude["restarts"], claude["cutOff"]) == (False, 1, False)
        assert (claude["turns"], claude["costUSD"]) == (4, "0.5")
        assert claude["usage"]["inputTokens"] == 20
        assert (told["exitCode"], told["endedBy"], runner.process.returncode) == (0, None, 0)


def test_the_output_of_both_runs_is_one_stream_with_one_count(tmp_path: Path) -> None:
    with a_claude(tmp_path) as runner:
        link, reader = runner.link(), runner.link()
        paused_and_resumed(runner, link)
        link.close()
        reader.follow(0)
        reader.credit(1 << 20)
        data, at = b"", 0
        while not isinstance(frame := reader.frame(), End):
            assert not isinstance(frame, Gap)
            if isinstance(frame, Output):
                assert frame.offset == at
                data, at = data + frame.data, frame.end
        reader.close()
        told = runner.ended()
        assert frame.offset == len(data) == told["output"]["bytes"]
        assert [json.loads(line)["type"] for line in data.splitlines()] == [
            *("system", "waits", "assistant", "result"),
            *("system", "result"),
        ]
        assert runner.stdout.encode() == data


@pytest.mark.parametrize(
    ("play", "why"),
    [({"tool": True}, "a tool call was open"), ({"fails": True}, "restarted once already")],
)
def test_a_turn_that_may_not_be_restarted_says_why(
    play: dict[str, Any], why: str, tmp_path: Path
) -> None:
    with a_claude(tmp_path, **play) as runner:
        link = runner.link()
        paused_and_resumed(runner, link)
        if "fails" in play:
            eventually(lambda: runner.stdout.count("waits") == 2)
            paused_and_resumed(runner, link)
        link.close()
        told = runner.ended()
        assert why in told["message"]
        assert (told["claude"]["cutOff"], told["claude"]["isError"]) == (True, True)
        assert told["claude"]["restarts"] == int("fails" in play)
        assert told["exitCode"] == 1


def test_what_the_api_itself_refuses_is_no_matter_of_the_freeze(tmp_path: Path) -> None:
    with a_claude(tmp_path, status=529) as runner:
        link = runner.link()
        paused_and_resumed(runner, link)
        link.close()
        told = runner.ended()
        assert (told["claude"]["restarts"], told["claude"]["cutOff"]) == (0, False)
        assert told["message"] == ""


def test_nothing_of_the_first_run_is_left_when_the_second_begins(tmp_path: Path) -> None:
    with a_claude(tmp_path, "--grace", "0.3", loop=True) as runner:
        link = runner.link()
        eventually(lambda: len(below(runner.pid)) >= 2, what="the loop runs")
        first = {seen.pid for seen in below(runner.pid)}
        paused_and_resumed(runner, link)
        link.close()
        told = runner.ended()
        assert told["claude"]["restarts"] == 1
        assert {seen.pid for seen in runner.survivors()} & first == set()


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.PAUSE])
def test_a_wish_between_the_runs_holds(verb: Verb, tmp_path: Path) -> None:
    with a_claude(tmp_path, "--grace", "3", loop=True) as runner:
        link = runner.link()
        eventually(lambda: len(below(runner.pid)) >= 2, what="the loop runs")
        paused_and_resumed(runner, link)
        pid = link.ask(Verb.STATUS)["pid"]
        eventually(lambda: pid not in {seen.pid for seen in below(runner.pid)}, what="its end")
        told = link.ask(verb)
        if verb is Verb.PAUSE:
            assert told["state"] == "Paused"
            eventually(lambda: link.ask(Verb.STATUS)["claude"]["restarts"] == 1)
            assert running(below(runner.pid)) == []
            assert runner.stdout.count("init") == 1
            link.ask(Verb.RESUME)
            link.close()
            assert runner.ended()["claude"]["isError"] is False
        else:
            link.close()
            told = runner.ended()
            assert (told["endedBy"], told["exitCode"]) == ("Cancel", 1)
            assert told["claude"]["restarts"] == 0
            assert runner.survivors() == []
