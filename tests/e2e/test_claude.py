"""The real Claude Code CLI as an execution, against the scripted Messages API."""

import json

import pytest

from ccx_api.names import RUNNER_PYZ
from support.kubectl import Kubectl, Object, a_prompt
from support.outside import running
from support.under_test.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("claude")


def scripted(scenario: str, **parameters: object) -> str:
    return f"@@{json.dumps({'scenario': scenario, **parameters})}@@"


def own_view(kubectl: Kubectl, name: str) -> Object:
    pod = kubectl.execution(name)["status"]["podName"]
    told: Object = json.loads(kubectl("exec", pod, "--", "python3", RUNNER_PYZ, "status"))
    return told


def session_of(kubectl: Kubectl, name: str) -> str | None:
    session: str | None = own_view(kubectl, name)["claude"]["sessionID"]
    return session


def paused_seconds(kubectl: Kubectl, name: str) -> float:
    return float(own_view(kubectl, name)["pausedSeconds"])


def bash(command: str) -> str:
    return f"Run this:\n```bash\n{command}\n```\n"


def test_it_succeeds_with_its_answer_its_turns_and_its_exact_cost(kubectl: Kubectl) -> None:
    kubectl.apply(a_prompt("says-hello", scripted("hello", text="Hello, reader.")))
    status = kubectl.wait("says-hello", "Succeeded")["status"]
    assert status["result"] == {"text": "Hello, reader.", "bytes": 14}
    assert status["session"]["turns"] == 1
    assert status["session"]["terminalReason"] == "completed"
    assert status["usage"]["inputTokens"] == 1200
    assert status["usage"]["outputTokens"] == 25
    assert status["usage"]["cacheReadTokens"] == 300
    assert float(status["usage"]["costUSD"]) > 0


def test_its_tools_run_in_the_workspace(kubectl: Kubectl) -> None:
    prompt = bash("echo made-$((40+2)) > here.txt; cat here.txt; pwd")
    kubectl.apply(a_prompt("uses-a-tool", prompt, allowedTools=["Bash"]))
    status = kubectl.wait("uses-a-tool", "Succeeded")["status"]
    assert status["session"]["turns"] == 2
    log = kubectl("logs", status["podName"])
    assert "made-42" in log
    assert "workspace" in log


def test_the_session_id_is_the_objects_uid(kubectl: Kubectl) -> None:
    kubectl.apply(a_prompt("has-a-session", scripted("hello")))
    execution = kubectl.wait("has-a-session", "Succeeded")
    assert execution["status"]["session"]["id"] == execution["metadata"]["uid"]


def test_an_exhausted_api_is_a_failure_although_claude_says_success(kubectl: Kubectl) -> None:
    once = [{"name": "CLAUDE_CODE_MAX_RETRIES", "value": "1"}]
    kubectl.apply(a_prompt("api-down", scripted("error529"), env=once))
    status = kubectl.wait("api-down", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "ApiError")


def test_too_many_turns_are_a_failure_of_their_own(kubectl: Kubectl) -> None:
    kubectl.apply(a_prompt("turns", scripted("loop"), maxTurns=2, allowedTools=["Bash"]))
    status = kubectl.wait("turns", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "MaxTurns")


def test_killed_from_outside_it_is_a_signal_and_no_success(kubectl: Kubectl) -> None:
    kubectl.apply(a_prompt("killed", scripted("slow", chunks=400)))
    running = kubectl.wait_for_process("killed")["status"]
    kill = f"kill -KILL {running['process']['pid']}"
    kubectl("exec", running["podName"], "--", "sh", "-c", kill)
    status = kubectl.wait("killed", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "Signal")
    assert status["process"]["signal"] == 9


def test_paused_in_the_middle_of_a_stream_it_goes_on_and_loses_nothing(kubectl: Kubectl) -> None:
    kubectl.apply(a_prompt("mid-stream", scripted("slow", chunks=40, delay=0.2)))
    kubectl.wait("mid-stream", "Running")
    kubectl.wish("mid-stream", "Paused")
    kubectl.wait("mid-stream", "Paused")
    kubectl.wish("mid-stream", "Running")
    status = kubectl.wait("mid-stream", "Succeeded")["status"]
    whole = "".join(f"chunk {n:04d}. " for n in range(40))
    assert status["result"]["bytes"] == len(whole)
    assert whole.startswith(status["result"]["text"])


def test_a_pause_that_costs_it_the_api_connection_costs_it_nothing_else(kubectl: Kubectl) -> None:
    """It gives up after its own retry; its session then goes on where it was."""
    once = [{"name": "CLAUDE_CODE_MAX_RETRIES", "value": "1"}]
    prompt = scripted("cut", after=14, key="cut-off", delay=0.01)
    kubectl.apply(a_prompt("cut-off", prompt, env=once))
    kubectl.wait("cut-off", "Running")
    eventually(lambda: session_of(kubectl, "cut-off") is not None, what="its turn is under way")
    kubectl.wish("cut-off", "Paused")
    kubectl.wait("cut-off", "Paused")
    eventually(lambda: paused_seconds(kubectl, "cut-off") > 15, what="a dead connection")
    kubectl.wish("cut-off", "Running")
    status = kubectl.wait("cut-off", "Succeeded")["status"]
    assert status["session"]["restarts"] == 1
    assert status["session"]["id"] == kubectl.execution("cut-off")["metadata"]["uid"]
    assert status["result"]["text"] == "Hello from the scripted Messages API."
    assert "restarted with --resume" in status["message"]
    eventually(lambda: "TurnRestarted" in kubectl("describe", "cx", "cut-off"), what="an Event")


def test_its_bash_tool_is_frozen_too_although_it_left_the_session(
    kubectl: Kubectl, processes: Processes
) -> None:
    loop = "for i in $(seq 1 600); do echo tick >> ticks.txt; sleep 0.1; done"
    kubectl.apply(a_prompt("tool-frozen", bash(loop), allowedTools=["Bash"]))
    tree = processes.of(kubectl.wait("tool-frozen", "Running"))
    eventually(lambda: len(tree.below()) >= 3, what="the tool runs")
    kubectl.wish("tool-frozen", "Paused")
    kubectl.wait("tool-frozen", "Paused")
    frozen = tree.below()
    assert len(frozen) >= 3
    assert running(frozen) == []
    kubectl.wish("tool-frozen", "Cancelled")
    assert kubectl.wait("tool-frozen", "Finished")["status"]["phase"] == "Cancelled"


def test_a_prompt_in_a_secret_is_in_no_object_that_others_read(kubectl: Kubectl) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "task"},
        "stringData": {"prompt": scripted("hello", text="A private answer.")},
    }
    reference = {"secretKeyRef": {"name": "task", "key": "prompt"}}
    execution = a_prompt("private", "", promptFrom=reference)
    del execution["spec"]["prompt"]
    kubectl.apply(secret, execution)
    status = kubectl.wait("private", "Succeeded")["status"]
    assert status["result"]["text"] == "A private answer."
    assert "scenario" not in kubectl("get", "pod", status["podName"], "-o", "yaml")
