"""The life of an execution as its user sees it, through kubectl."""

import re

from support.kubectl import Kubectl, an_execution
from support.waiting import eventually


def test_a_command_runs_to_its_end_and_the_object_tells_how(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("ends-well", command=["sh", "-c", "echo out; echo err >&2"]))
    execution = kubectl.wait("ends-well", "Succeeded")
    status = execution["status"]
    assert (status["phase"], status["reason"]) == ("Succeeded", "Completed")
    assert status["process"]["exitCode"] == 0
    assert (status["output"]["bytes"], status["output"]["lines"]) == (8, 2)
    assert status["observedGeneration"] == execution["metadata"]["generation"]


def test_a_failing_command_tells_its_exit_code(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("ends-badly", command=["sh", "-c", "exit 3"]))
    status = kubectl.wait("ends-badly", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "ExitCode")
    assert status["process"]["exitCode"] == 3
    assert "3" in status["message"]


def test_arguments_reach_the_program_as_they_are(kubectl: Kubectl) -> None:
    odd = ["$(HOME)", "a b", "$$", "`id`", "é"]
    kubectl.apply(an_execution("literal", command=["printf", "%s|", *odd]))
    pod = kubectl.wait("literal", "Succeeded")["status"]["podName"]
    eventually(lambda: "|".join(odd) in kubectl("logs", pod), what="its arguments in its log")


def test_kubectl_get_shows_one_aligned_row(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("shown", command=["true"]))
    kubectl.wait("shown", "Finished")
    header, row = kubectl("get", "cx", "shown").splitlines()
    assert header.split() == ["NAME", "PHASE", "REASON", "TURNS", "COST", "POD", "AGE"]
    assert row.split()[:3] == ["shown", "Succeeded", "Completed"]
    wide = kubectl("get", "cx", "shown", "-o", "wide").splitlines()[0].split()
    assert wide[-3:] == ["MODEL", "NODE", "MESSAGE"]


def test_describe_tells_the_story_in_events(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("told", command=["sleep", "2"]))
    kubectl.wait("told", "Finished")

    def story() -> list[str]:
        """Told beside the work, by the second: those of one stand in any order."""
        told = kubectl("describe", "cx", "told").partition("Events:")[2]
        return sorted(re.findall(r"Normal\s+(\w+)", told))

    eventually(lambda: story() == ["Completed", "PodCreated", "Started"], what="the story")


def test_logs_and_exec_reach_the_agents_container(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("reached", command=["sh", "-c", "echo hello; sleep 300"]))
    pod = kubectl.wait("reached", "Running")["status"]["podName"]
    assert kubectl("exec", pod, "-c", "agent", "--", "echo", "inside") == "inside\n"
    status = kubectl("exec", pod, "--", "python3", "/ccx/ccx-runner.pyz", "status")
    assert '"state":"Running"' in status.replace(" ", "")
    eventually(lambda: kubectl("logs", pod) == "hello\n", what="its log")
    kubectl("delete", "cx", "reached")


def test_executions_are_found_by_their_labels(kubectl: Kubectl) -> None:
    labelled = an_execution("labelled", command=["true"])
    labelled["metadata"]["labels"] = {"team": "blue"}
    kubectl.apply(labelled, an_execution("unlabelled", command=["true"]))
    assert kubectl("get", "cx", "-l", "team=blue", "-o", "name").split() == [
        "claudeexecution.cc-executor.dev/labelled"
    ]


def test_a_suspended_execution_gets_no_pod_until_it_is_let_go(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("held", command=["true"], suspend=True))
    kubectl("wait", "cx/held", "--for=jsonpath={.status.reason}=Suspended", "--timeout=90s")
    assert "podName" not in kubectl.execution("held")["status"]
    kubectl("patch", "cx", "held", "--type", "merge", "-p", '{"spec":{"command":["echo","x"]}}')
    kubectl("patch", "cx", "held", "--type", "merge", "-p", '{"spec":{"suspend":false}}')
    kubectl.wait("held", "Succeeded")


def test_the_deadline_ends_what_runs_too_long(kubectl: Kubectl) -> None:
    endless = an_execution("too-long", command=["sleep", "600"], activeDeadlineSeconds=1)
    kubectl.apply(endless)
    status = kubectl.wait("too-long", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_deadline_can_be_moved_while_it_runs(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("moved", command=["sleep", "600"], activeDeadlineSeconds=600))
    kubectl.wait("moved", "Running")
    sooner = '{"spec":{"activeDeadlineSeconds":1}}'
    kubectl("patch", "cx", "moved", "--type", "merge", "-p", sooner)
    assert kubectl.wait("moved", "Finished")["status"]["reason"] == "DeadlineExceeded"
